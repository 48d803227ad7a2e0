"""Each operation's reply against the fact book's entities and against the examples: names, kinds, nulls, order, digits."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from factbook import example, facts, operations
from simulator_calls import REQUESTS, a_tenant

OPERATIONS = operations()
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=[each["id"] for each in OPERATIONS])

# What the fact book says in words only: the names that one item of the reply has, in their order.
IN_WORDS = {
    "list_alert_domains": ("host",),
    "list_alert_ips": ("id",),
    "get_machines_by_vulnerability": ("id", "computerDnsName", "osPlatform", "rbacGroupName"),
    "get_exposure_score": ("time", "score"),
    "get_device_secure_score": ("time", "score"),
}
# Neither an entity nor names in words: the fact book says why itself.
NOT_CATALOGUED = ("get_installed_software", "get_security_recommendations", "get_missing_kbs_machine")
# Which example shows the whole reply of an operation; a recorded one where there is one.
EXAMPLES = {
    "list_alerts": "list_alerts.response.recorded",
    "get_alert": "get_alert.response",
    "list_alert_domains": "list_alert_domains.response",
    "list_alert_ips": "list_alert_ips.response",
    "get_alert_user": "get_alert_user.response",
    "list_machines": "list_machines.response.recorded",
    "get_machine": "get_machine.response.recorded",
    "get_machine_logon_users": "get_machine_logon_users.response.recorded",
    "get_machines_by_vulnerability": "get_machines_by_vulnerability.response.recorded",
    "get_exposure_score": "get_exposure_score.response",
    "get_device_secure_score": "get_device_secure_score.response",
    "get_live_response_result": "get_live_response_result.response",
    "get_package_sas_uri": "get_package_sas_uri.response",
    "run_live_response": "run_live_response.response",
    "list_machine_actions": "list_machine_actions.response",
    "get_machine_action": "get_machine_action.response",
    "list_investigations": "list_investigations.response",
    "get_investigation": "get_investigation.response",
    "list_indicators": "list_indicators.response",
    "import_indicators": "import_indicators.response",
    "get_file": "get_file.response.recorded",
    "get_file_stats": "get_file_stats.response.recorded",
    "get_domain_stats": "get_domain_stats.response.recorded",
    "get_ip_stats": "get_ip_stats.response.recorded",
    "list_library_files": "list_library_files.response",
    "run_advanced_query": "run_advanced_query.response",
    "run_advanced_hunting_xdr": "run_advanced_hunting_xdr.response",
    "graph_list_alerts": "graph_list_alerts.response",
    "graph_update_alert": "graph_update_alert.response",
    "graph_update_incident": "graph_update_incident.response",
    "graph_run_hunting_query": "graph_run_hunting_query.response",
}
# The example does not show what the service sends today: what is not compared with it, and why.
OLD_EXAMPLES = {
    "list_machine_actions": "the page shows an action of 2018; recordings have the scope after the error",
    "get_machine_action": "the page shows an action of 2018; recordings have the scope after the error",
    "list_indicators": "recordings of 2023 have further keys among those of the page, and another order",
    "graph_update_incident": "the page's example has an older type, and another order than the recordings",
}
# Keys of examples that a reply may lack, and why.
LEFT_OUT = {
    "parametersDescription": "not there where a file has no parameters",
    "lastUpdateTimeUtc": "a misprint of the page; the service says lastUpdateDateTimeUtc (fact book, machineAction)",
}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6}[1-9]|\.[1-9])?Z")
_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "guid": (str,),
    "enum": (str,),
    "datetimeoffset": (str,),
    "int": (int,),
    "int64": (int,),
    "double": (int, float),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


def test_every_operation_is_asked_and_every_example_of_one_is_compared_with() -> None:
    known = [each["id"] for each in OPERATIONS]
    assert sorted(REQUESTS) == sorted(known)
    assert set(EXAMPLES) | set(IN_WORDS) | set(NOT_CATALOGUED) <= set(known)
    assert set(OLD_EXAMPLES) <= set(EXAMPLES)


async def _replied(operation: dict[str, Any]) -> Any:
    async with a_tenant() as tenant:
        return await tenant.ask(operation)


@every_operation
async def test_a_reply_has_the_documented_status_context_and_items(operation: dict[str, Any]) -> None:
    reply = await _replied(operation)
    said = operation["response"]
    accepted = (200, 201) if operation["id"] in ("offboard_machine",) else (said["status"],)
    assert reply.status_code in accepted, reply.text
    match said["kind"]:
        case "none":
            assert reply.content == b""
            return
        case "scalar":
            assert reply.text.isdecimal()
            return
    body = reply.json()
    assert reply.text == reply.text.strip()
    assert ": " not in re.sub(r'"(\\.|[^"\\])*"', '""', reply.text), "The service writes compact JSON."
    if "odata_context" in said:
        assert body["@odata.context"].endswith(said["odata_context"])
    if said["kind"] == "scalar_url":
        assert body["value"].strip('"').startswith("http")
        return
    items = list(_items(operation, body))
    assert items, "A reply without an item shows nothing."
    for item in items:
        _check(operation, item)


def _items(operation: dict[str, Any], body: Any) -> Iterator[dict[str, Any]]:
    if operation["response"]["kind"] in ("collection", "import_results"):
        yield from body["value"]
    else:
        yield body


def _check(operation: dict[str, Any], item: dict[str, Any]) -> None:
    names = [name for name in item if not name.startswith("@odata.")]
    if operation["id"] in IN_WORDS:
        assert tuple(names) == IN_WORDS[operation["id"]]
        return
    if operation["id"] in NOT_CATALOGUED:
        assert names
        assert "not catalogued" in operation["response"]["entity"]
        return
    entity = operation["response"]["entity"]
    known = facts("entities")[operation["api"]].get(entity) or facts("entities")["mde"][entity]
    extra = (
        {name.split("@")[0] for name in known.get("also_seen", [])}
        if isinstance(known.get("also_seen"), list)
        else set()
    )
    assert set(names) <= set(known["properties"]) | extra, entity
    for name, rule in known["properties"].items():
        if name in item:
            _check_value(f"{entity}.{name}", rule, item[name], item)
        else:
            assert rule["nullable"] or rule.get("source") == "doc examples only", f"{entity}.{name} is missing."


def _check_value(where: str, rule: dict[str, Any], value: Any, item: dict[str, Any]) -> None:
    if value is None:
        assert rule["nullable"], f"{where} is null."
        return
    kind = str(rule["type"])
    if kind.endswith("[]") or kind.startswith("["):
        assert isinstance(value, list), where
        return
    if kind.startswith("{"):
        assert isinstance(value, dict), where
        return
    wanted = _KINDS.get(kind.split(" ")[0].lower())
    if wanted is not None:
        assert isinstance(value, wanted), (where, value)
        assert bool in wanted or not isinstance(value, bool), where
    if kind == "DateTimeOffset":
        assert _MOMENT.fullmatch(value), (where, value)
    if kind == "Enum" and "by_classification" in rule:
        allowed = rule["by_classification"].get(item["classification"], ["NotAvailable"])
    else:
        allowed = rule.get("enum") or facts("entities")["graph_enums"].get(rule.get("enum_ref")) or []
    # An enum that ends in a remark is told elsewhere as well, and is open here.
    if allowed and not any(str(each).startswith("…") for each in allowed):
        assert value in allowed, (where, value)


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each["id"] in EXAMPLES], ids=lambda each: each["id"]
)
async def test_a_reply_has_the_shape_of_the_example(operation: dict[str, Any]) -> None:
    shown = example(EXAMPLES[operation["id"]])
    body = (await _replied(operation)).json()
    old = operation["id"] in OLD_EXAMPLES
    assert old or _in_order(body, shown)
    assert set(shown) - set(body) <= {"@odata.nextLink", "@odata.count"}
    pairs = [(body, shown)]
    if isinstance(shown.get("value"), list):
        pairs = [(body["value"][0], shown["value"][0])]
    for ours, theirs in pairs:
        assert set(theirs) - set(ours) <= {*LEFT_OUT, *_only_in_examples(operation)}
        assert old or _in_order(ours, theirs)
        for name, value in theirs.items():
            if value is not None and ours.get(name) is not None:
                numbers = isinstance(value, int | float) and isinstance(ours[name], int | float)
                assert numbers or type(ours[name]) is type(value), (name, ours[name], value)


def _only_in_examples(operation: dict[str, Any]) -> set[str]:
    entity = facts("entities")["mde"].get(operation["response"].get("entity"), {"properties": {}})
    return {name for name, rule in entity["properties"].items() if rule.get("source") == "doc examples only"}


def _in_order(ours: Any, theirs: Any) -> bool:
    shared = [key for key in ours if key in theirs]
    return shared == [key for key in theirs if key in shared]
