from typing import Any

import httpx

from factbook import example, facts
from ringfence.simulator import SimulatorControl

EVIDENCE: list[dict[str, Any]] = [
    {"entityType": "File", "fileName": "a.exe", "sha1": "a" * 40},
    {
        "entityType": "Process",
        "fileName": "b.exe",
        "processId": 5,
        "accountName": "mrossi",
        "parentProcessFileName": "c.exe",
    },
    {"entityType": "User", "accountName": "mrossi", "domainName": "CONTOSO"},
    {"entityType": "Ip", "ipAddress": "203.0.113.9"},
    {"entityType": "Url", "url": "https://fabrikam.example/x"},
    {"entityType": "Registry", "registryKey": "SOFTWARE\\X", "registryHive": "HKEY_LOCAL_MACHINE"},
    {"entityType": "Registry", "registryKey": "SOFTWARE\\X", "registryValueName": "Run"},
]


def _check(document: dict[str, Any], entity: str, book: Any, *, bases: tuple[str, ...] = ()) -> None:
    """Hold a document to the keys, null rules and enums of the facts."""
    known: dict[str, Any] = {}
    for name in (entity, *bases):
        known |= book["graph"][name]["properties"]
    extra = set(document) - set(known) - {"@odata.type", "@odata.context"}
    assert not extra, (entity, extra)
    for key, rule in known.items():
        if not rule["nullable"] and key not in ("tags",):
            assert document.get(key) is not None, (entity, key)
        allowed = book["graph_enums"].get(rule.get("enum_ref"), [])
        value = document.get(key)
        for item in value if isinstance(value, list) else [value]:
            assert not allowed or item is None or item in allowed, (entity, key, item)


async def test_alerts_keep_to_the_documented_keys_nulls_and_enums(
    graph: httpx.AsyncClient, control: SimulatorControl
) -> None:
    known = facts("entities")
    await control.inject_alerts("wks-001", evidence=EVIDENCE, user="mrossi")
    await control.inject_alerts("wks-001", severity="UnSpecified", detection_source="WindowsDefenderAv")
    kinds = set()
    for alert in (await graph.get("/v1.0/security/alerts_v2")).json()["value"]:
        _check(alert, "graphAlert", known)
        for item in alert["evidence"]:
            assert item["@odata.type"] in known["graph_evidence_types"]
            kind = item["@odata.type"].rpartition(".")[2]
            kinds.add(kind)
            _check(item, f"graph{kind[0].upper()}{kind[1:]}", known, bases=("graphAlertEvidence",))
    assert len(kinds) == 8


async def test_incidents_keep_to_the_documented_keys_nulls_and_enums(
    graph: httpx.AsyncClient, control: SimulatorControl
) -> None:
    known = facts("entities")
    await control.inject_alerts("wks-001", incident=5)
    for item in (await graph.get("/v1.0/security/incidents?$expand=alerts")).json()["value"]:
        _check(item, "graphIncident", known)


async def test_alerts_hold_every_key_of_the_example(graph: httpx.AsyncClient, control: SimulatorControl) -> None:
    await control.inject_alerts("wks-001", evidence=EVIDENCE)
    (shown,) = (await graph.get("/v1.0/security/alerts_v2")).json()["value"]
    (documented,) = example("graph_list_alerts.response")["value"]
    assert set(documented) <= set(shown)
    ours = {item["@odata.type"]: item for item in shown["evidence"]}
    for item in documented["evidence"]:
        assert set(item) <= set(ours[item["@odata.type"]]), item["@odata.type"]


async def test_moments_have_the_digits_that_graph_shows(graph: httpx.AsyncClient, control: SimulatorControl) -> None:
    await control.inject_alerts("wks-001")
    (alert,) = (await graph.get("/v1.0/security/alerts_v2")).json()["value"]
    fraction = alert["firstActivityDateTime"].removesuffix("Z").partition(".")[2]
    assert len(fraction) <= 3


async def test_a_machine_that_changed_is_seen_in_the_evidence(
    graph: httpx.AsyncClient, control: SimulatorControl
) -> None:
    await control.inject_alerts("wks-001")
    await graph.get("/v1.0/security/alerts_v2")
    await control.edit_machine("wks-001", tags=["Drill"])
    (alert,) = (await graph.get("/v1.0/security/alerts_v2")).json()["value"]
    assert alert["evidence"][0]["tags"] == ["Drill"]
