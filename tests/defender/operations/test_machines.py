from datetime import UTC, datetime

import pytest

from microsoft import Microsoft, answer
from operation_cases import Case
from ringfence.defender import InvalidArgument, MalformedReply

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

CASES = [
    Case(
        "list_machines",
        "GET /api/machines?$filter=x&$top=5",
        lambda d: d.list_machines(filter="x", top=5),
        {"value": [{"id": "m"}]},
        result=lambda found: found[0].id == "m",
    ),
    Case(
        "get_machine",
        "GET /api/machines/pc.contoso.com",
        lambda d: d.get_machine("pc.contoso.com"),
        {"id": "m"},
        result=lambda found: found.id == "m",
    ),
    Case(
        "get_machine_logon_users",
        "GET /api/machines/m/logonusers",
        lambda d: d.get_machine_logon_users("m"),
        {"value": [{"id": "contoso\\u"}]},
        result=len,
    ),
    Case(
        "get_machine_alerts",
        "GET /api/machines/m/alerts",
        lambda d: d.get_machine_alerts("m"),
        {"value": [{"id": "a"}]},
        result=len,
    ),
    Case(
        "count_machine_alerts",
        "GET /api/machines/m/alerts/$count?$filter=status%20ne%20'Resolved'",
        lambda d: d.count_machine_alerts("m", filter="status ne 'Resolved'"),
        4,
        result=lambda found: found == 4,
    ),
    Case(
        "find_machines_by_ip",
        "GET /api/machines/findbyip(ip='10.0.0.1',timestamp=2026-01-02T03:04:05Z)",
        lambda d: d.find_machines_by_ip("10.0.0.1", WHEN),
        {"value": [{"id": "m"}]},
        result=len,
    ),
    Case(
        "find_machine_info_by_ip_legacy",
        "GET /api/machines/find(timestamp=2026-01-02T03:04:05Z,key='10.0.0.1')",
        lambda d: d.find_machine_info_by_ip_legacy("10.0.0.1", WHEN),
        {"value": [{"id": "m"}]},
        result=len,
    ),
    Case(
        "find_machines_by_tag",
        "GET /api/machines/findbytag?tag=a%20%26b&useStartsWithFilter=true",
        lambda d: d.find_machines_by_tag("a &b", starts_with=True),
        {"value": [{"id": "m"}]},
        result=len,
    ),
    Case(
        "add_or_remove_machine_tag",
        "POST /api/machines/m/tags",
        lambda d: d.add_or_remove_machine_tag("m", "vip", action="Remove"),
        {"id": "m"},
        {"Value": "vip", "Action": "Remove"},
    ),
    Case(
        "add_or_remove_tag_multiple_machines",
        "POST /api/machines/AddOrRemoveTagForMultipleMachines",
        lambda d: d.add_or_remove_tag_multiple_machines(["m", "n"], "vip"),
        {"value": [{"id": "m"}, {"id": "n"}]},
        {"Value": "vip", "Action": "Add", "MachineIds": ["m", "n"]},
        lambda found: len(found) == 2,
    ),
    Case(
        "set_device_value",
        "POST /api/machines/m/setDeviceValue",
        lambda d: d.set_device_value("m", "High"),
        {"id": "m"},
        {"DeviceValue": "High"},
    ),
    Case(
        "update_machine",
        "PATCH /api/machines/m",
        lambda d: d.update_machine("m", machine_tags=("a",), device_value="Low"),
        {"id": "m"},
        {"machineTags": ["a"], "deviceValue": "Low"},
    ),
    Case(
        "get_installed_software",
        "GET /api/machines/m/software",
        lambda d: d.get_installed_software("m"),
        {"value": [{"id": "s", "vendor": "contoso"}]},
        result=lambda found: found[0].vendor == "contoso",
    ),
    Case(
        "get_discovered_vulnerabilities",
        "GET /api/machines/m/vulnerabilities",
        lambda d: d.get_discovered_vulnerabilities("m"),
        {"value": [{"id": "CVE-1", "cvssV3": 7.5}]},
        result=lambda found: found[0].cvss_v3 == 7.5,
    ),
    Case(
        "get_security_recommendations",
        "GET /api/machines/m/recommendations",
        lambda d: d.get_security_recommendations("m"),
        {"value": [{"id": "r"}]},
        result=len,
    ),
    Case(
        "get_missing_kbs_machine",
        "GET /api/machines/m/getmissingkbs",
        lambda d: d.get_missing_kbs_machine("m"),
        {"value": [{"id": "5001"}]},
        result=len,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_each_operation_sends_its_request_and_reads_its_reply(case: Case) -> None:
    await case.run()


async def test_a_tag_is_set_again_after_a_lost_reply_because_twice_is_once() -> None:
    microsoft = Microsoft(answer({}, 503), answer({"id": "m"}))
    async with microsoft.client() as defender:
        await defender.add_or_remove_machine_tag("m", "vip")
    assert len(microsoft.requests) == 2


@pytest.mark.parametrize("body", ["4", None, True, -1, 4.5, {"value": 4}])
async def test_a_count_that_is_no_number_is_malformed(body: object) -> None:
    async with Microsoft(otherwise=answer(body)).client(attempts=1) as defender:
        with pytest.raises(MalformedReply):
            await defender.count_machine_alerts("m")


async def test_what_the_service_would_refuse_is_not_sent() -> None:
    async with Microsoft().client() as defender:
        for call in (
            defender.add_or_remove_tag_multiple_machines([], "t"),
            defender.add_or_remove_tag_multiple_machines(["m"] * 501, "t"),
            defender.add_or_remove_machine_tag("m", " "),
            defender.find_machines_by_tag(""),
            defender.update_machine("m"),
            defender.find_machines_by_ip("10.0.0.1')", WHEN),
            defender.find_machines_by_ip("10.0.0.1", datetime(2026, 1, 1)),  # noqa: DTZ001
        ):
            with pytest.raises(InvalidArgument):
                await call
