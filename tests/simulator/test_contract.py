"""Replies as the fact book describes them: roles, property names, key order, and no input that breaks an operation."""

import json
import re
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factbook import example as example_of
from factbook import facts, operations
from ringfence.simulator import SimulatorControl
from ringfence.simulator.defender import REGISTRY

SHA1 = "a" * 40
EVIDENCE = [
    {"entityType": "File", "fileName": "a.exe", "sha1": SHA1, "sha256": "b" * 64},
    {"entityType": "Url", "url": "http://www.fabrikam.com/x"},
    {"entityType": "Ip", "ipAddress": "203.0.113.9"},
]
INDICATOR = {"indicatorValue": SHA1, "indicatorType": "FileSha1", "action": "Block", "title": "t", "description": "d"}


def test_every_operation_is_served_for_exactly_the_documented_roles() -> None:
    for operation in operations("mde"):
        served = REGISTRY.operations.get(operation["id"])
        assert served is not None, operation["id"]
        assert served.method == operation["method"]
        assert set(served.roles) == set(operation["permissions"]["application_any_of"]), operation["id"]


def test_every_documented_path_leads_to_its_operation() -> None:
    for operation in operations("mde"):
        path = re.sub(r"\{[\w|]+\}", "1", operation["path"].partition("?")[0])
        match = REGISTRY.match(operation["method"], path.strip("/").split("/"))
        assert match.operation is not None, path
        assert match.operation.id == operation["id"]


@pytest.fixture
async def world(http: httpx.AsyncClient, control: SimulatorControl, machine_id: str) -> dict[str, str]:
    """One of everything, by the name that paths use."""
    (alert,) = await control.inject_alerts("wks-001", evidence=EVIDENCE, user="asmith")
    action = (await http.post(f"/api/machines/{machine_id}/isolate", json={"Comment": "x"})).json()["id"]
    await http.post(f"/api/machines/{machine_id}/startInvestigation", json={"Comment": "x"})
    await http.post("/api/indicators", json=INDICATOR)
    await http.post("/api/libraryfiles", files={"File": ("a.ps1", b"x")})
    return {"alert": alert, "machine": machine_id, "action": action}


@pytest.mark.parametrize(
    ("path", "entity"),
    [
        ("alerts", "alert"),
        ("alerts/{alert}", "alert"),
        ("alerts/{alert}/machine", "machine"),
        ("alerts/{alert}/files", "file"),
        ("alerts/{alert}/user", "user"),
        ("machines", "machine"),
        ("machines/{machine}", "machine"),
        ("machines/{machine}/alerts", "alert"),
        ("machines/{machine}/logonusers", "user"),
        ("machines/{machine}/vulnerabilities", "vulnerability"),
        ("machines/findbytag?tag=x", "machine"),
        ("machines/find(timestamp=2026-03-01T12:00:00Z,key=10.20.0.11)", "machine"),
        ("machineactions", "machineAction"),
        ("machineactions/{action}", "machineAction"),
        ("investigations", "investigation"),
        ("indicators", "indicator"),
        ("libraryfiles", "libraryFile"),
        ("vulnerabilities", "vulnerability"),
        (f"files/{SHA1}", "file"),
        (f"files/{SHA1}/stats", "fileStats"),
        ("domains/www.fabrikam.com/stats", "domainStats"),
        ("ips/203.0.113.9/stats", "ipStats"),
        ("ips/203.0.113.9/alerts", "alert"),
        ("users/asmith/machines", "machine"),
    ],
)
async def test_replies_hold_the_documented_properties_and_kinds(
    http: httpx.AsyncClient, world: dict[str, str], path: str, entity: str
) -> None:
    reply = await http.get(f"/api/{path.format(**world)}")
    assert reply.status_code == 200
    body = reply.json()
    properties = facts("entities")["mde"][entity]["properties"]
    for item in body.get("value", [body]):
        names = {name for name in item if not name.startswith("@odata")}
        assert names <= set(properties) | {"troubleshootInfo"}
        for name, about in properties.items():
            if name not in item:
                optional = about.get("nullable") or "doc examples" in str(about.get("source"))
                assert optional, (entity, name)
                continue
            assert item[name] is not None or about.get("nullable"), (entity, name)
            if about["type"] == "String" and item[name] is not None:
                assert isinstance(item[name], str), (entity, name)
            if about["type"] == "Enum" and item[name] is not None and name != "determination":
                assert item[name] in about["enum"], (entity, name)


def _in_order(keys: list[str], pattern: list[str]) -> bool:
    shared = [key for key in keys if key in pattern]
    return shared == [key for key in pattern if key in shared]


@pytest.mark.parametrize(
    ("path", "example"),
    [
        ("alerts", "list_alerts.response.recorded"),
        ("machines", "list_machines.response.recorded"),
        ("machines/{machine}", "get_machine.response.recorded"),
        ("machines/{machine}/logonusers", "get_machine_logon_users.response.recorded"),
        ("alerts/{alert}/user", "get_alert_user.response"),
        ("alerts/{alert}/domains", "list_alert_domains.response"),
        ("alerts/{alert}/ips", "list_alert_ips.response"),
        (f"files/{SHA1}", "get_file.response.recorded"),
        (f"files/{SHA1}/stats", "get_file_stats.response.recorded"),
        ("domains/www.fabrikam.com/stats", "get_domain_stats.response.recorded"),
        ("ips/203.0.113.9/stats", "get_ip_stats.response.recorded"),
        ("investigations", "list_investigations.response"),
        ("libraryfiles", "list_library_files.response"),
        ("exposureScore", "get_exposure_score.response"),
    ],
)
async def test_replies_have_the_keys_of_the_examples_in_their_order(
    http: httpx.AsyncClient, world: dict[str, str], path: str, example: str
) -> None:
    body = (await http.get(f"/api/{path.format(**world)}")).json()
    shown = example_of(example)
    assert _in_order(list(body), list(shown))
    if "value" in shown:
        body, shown = body["value"][0], shown["value"][0]
    missing = set(shown) - set(body) - {"parametersDescription"}
    assert not missing
    assert _in_order(list(body), list(shown))


PATHS = [
    (operation.method, "/api/" + re.sub(r"\{\w+\}", "{}", operation.path)) for operation in REGISTRY.operations.values()
]
NAMES = ["Comment", "Sha1", "ScanType", "Commands", "Value", "Action", "MachineIds", "alertIds", "DeviceValue"]
NAMES += ["machineTags", "deviceValue", "Indicators", "IndicatorIds", "reportId", "eventTime", "machineId", "severity"]
NAMES += ["category", "title", "description", "recommendedAction", "status", "Query", *INDICATOR]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.sampled_from(["Add", "Low", "Url", SHA1]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*NAMES, "type", "params"]), inner),
    max_leaves=6,
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    route=st.sampled_from(PATHS),
    key=st.text(min_size=1, max_size=20) | st.sampled_from([SHA1, "1", "10.0.0.1", "fabrikam.com", "a machine"]),
    body=st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=8) | ANYTHING,
    query=st.text(max_size=20) | st.sampled_from(["tag=x", "lookBackHours=1", "$top=1", "$filter=id eq '1'"]),
)
async def test_no_input_breaks_an_operation(
    http: httpx.AsyncClient, world: dict[str, str], route: tuple[str, str], key: str, body: Any, query: str
) -> None:
    method, path = route
    wanted = world["machine"] if key == "a machine" else key
    encoded = "".join(f"%{byte:02x}" for byte in wanted.encode("utf-8", "replace"))
    url = f"{path.replace('{}', encoded)}?{quote(query, safe='$=&', errors='replace')}"
    reply = await http.request(method, url, content=json.dumps(body).encode())
    assert reply.status_code in (200, 201, 204, 400, 404, 405)
    if reply.status_code >= 400 and reply.content:
        assert set(reply.json()["error"]) <= {"code", "message", "target", "details"}
