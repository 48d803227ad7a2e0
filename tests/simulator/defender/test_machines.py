import httpx
import pytest

from ringfence.simulator import SimulatorControl
from ringfence.simulator.documents import MACHINE_KEYS, USER_KEYS


async def test_lists_hold_whole_machines_ordered_by_id(http: httpx.AsyncClient) -> None:
    body = (await http.get("/api/machines")).json()
    keys = [machine["id"] for machine in body["value"]]
    assert keys == sorted(keys)
    assert len(keys) == 6
    assert all(tuple(machine) == MACHINE_KEYS for machine in body["value"])
    assert "@odata.nextLink" not in body


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("computerDnsName eq 'wks-001'", ["wks-001"]),
        ("startswith(computerDnsName,'wks-001')", ["wks-001", "wks-0012"]),
        ("machineTags/any(t: t eq 'Domain Controller')", ["dc-01"]),
        ("healthStatus ne 'Active'", ["lap-001"]),
        ("LastSeen lt 2026-03-01Z", ["lap-001"]),
        ("deviceValue eq 'High' and osPlatform eq 'WindowsServer2022'", ["dc-01", "srv1"]),
        ("lastIpAddress eq '10.20.0.12'", ["wks-002"]),
    ],
)
async def test_machines_are_filtered(http: httpx.AsyncClient, text: str, names: list[str]) -> None:
    body = (await http.get("/api/machines", params={"$filter": text})).json()
    assert sorted(machine["computerDnsName"] for machine in body["value"]) == names


async def test_a_machine_is_read_by_id_or_exact_name(http: httpx.AsyncClient, machine_id: str) -> None:
    by_id, by_name = await http.get(f"/api/machines/{machine_id}"), await http.get("/api/machines/wks-001")
    assert by_id.json() == by_name.json()
    assert by_id.json()["@odata.context"].endswith("#Machines/$entity")
    missing = await http.get("/api/machines/wks-00")
    assert (missing.status_code, missing.json()["error"]["message"]) == (404, "Machine wks-00 was not found")


async def test_more_than_a_page_is_linked_without_top_only(http: httpx.AsyncClient, control: SimulatorControl) -> None:
    await control.configure("contoso", page_size=2)
    body = (await http.get("/api/machines", params={"$filter": "healthStatus eq 'Active'"})).json()
    link = body["@odata.nextLink"]
    assert link.startswith("https://api.securitycenter.microsoft.com/api/machines?$skip=2&$filter=healthStatus")
    path = link.removeprefix("https://api.securitycenter.microsoft.com")
    assert len((await http.get(path)).json()["value"]) == 2
    assert "@odata.nextLink" not in (await http.get("/api/machines?$top=2")).json()


async def test_machines_are_found_by_an_internal_address(http: httpx.AsyncClient) -> None:
    path = "/api/machines/findbyip(ip='{}',timestamp={})"
    found = await http.get(path.format("10.20.0.11", "2026-03-01T11:50:00Z"))
    assert [machine["computerDnsName"] for machine in found.json()["value"]] == ["wks-001"]
    for address in ("203.0.113.11", "127.0.0.1", "10.20.0.1"):
        reply = await http.get(path.format(address, "2026-03-01T11:50:00Z"))
        assert reply.json()["value"] == []


@pytest.mark.parametrize(
    ("address", "moment", "code"),
    [
        ("10.20.0.11", "2026-01-01T00:00:00Z", "InvalidInput"),
        ("10.20.0.11", "2027-01-01T00:00:00Z", "InvalidInput"),
        ("10.20.0.11", "yesterday", "InvalidInput"),
        ("10.20.0", "2026-03-01T11:50:00Z", "InvalidIpAddress"),
    ],
)
async def test_a_search_by_address_needs_an_address_and_a_recent_time(
    http: httpx.AsyncClient, address: str, moment: str, code: str
) -> None:
    reply = await http.get(f"/api/machines/findbyip(ip='{address}',timestamp={moment})")
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, code)


async def test_the_users_of_a_machine(http: httpx.AsyncClient, control: SimulatorControl) -> None:
    machine = (await http.get("/api/machines/lap-001")).json()
    body = (await http.get(f"/api/machines/{machine['id']}/logonusers")).json()
    assert [tuple(user) for user in body["value"]] == [USER_KEYS]
    assert body["value"][0]["id"] == "contoso\\dgreen"
    assert body["value"][0]["isDomainAdmin"] is True
    assert body["@odata.context"].endswith("#Users")


async def test_the_alerts_of_a_machine_carry_evidence(
    http: httpx.AsyncClient, control: SimulatorControl, machine_id: str
) -> None:
    await control.inject_alerts("wks-002")
    (key,) = await control.inject_alerts("wks-001", evidence=[{"entityType": "Ip", "ipAddress": "10.0.0.9"}])
    body = (await http.get(f"/api/machines/{machine_id}/alerts")).json()
    assert [(alert["id"], len(alert["evidence"])) for alert in body["value"]] == [(key, 1)]
    assert (await control.summary())["alerts_delivered"] == 1
