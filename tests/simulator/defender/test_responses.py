from typing import Any

import httpx
import pytest

from ringfence.simulator import SimulatorControl
from ringfence.simulator.tenant import Tenant

SHA1 = "87662bc3d60e4200ceaf7aae249d1c343f4b83c9"


def _code(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


@pytest.mark.parametrize(
    ("verb", "body", "kind", "status", "scope"),
    [
        ("restrictCodeExecution", {}, "RestrictCodeExecution", 201, None),
        ("unrestrictCodeExecution", {}, "UnrestrictCodeExecution", 201, None),
        ("runAntiVirusScan", {"ScanType": "Full"}, "RunAntiVirusScan", 201, "Full"),
        ("offboard", {}, "Offboard", 200, None),
        ("StopAndQuarantineFile", {"Sha1": SHA1}, "StopAndQuarantineFile", 201, None),
        ("collectInvestigationPackage", {}, "CollectInvestigationPackage", 201, None),
    ],
)
async def test_each_response_is_accepted_pending_and_succeeds(
    http: httpx.AsyncClient,
    control: SimulatorControl,
    machine_id: str,
    verb: str,
    body: Any,
    kind: str,
    status: int,
    scope: str | None,
) -> None:
    url = f"/api/machines/{machine_id}/{verb}"
    assert _code(await http.post(url, json=body)) == (400, "MissingRequiredParameter")
    reply = await http.post(url, json={"Comment": "why", **body})
    action = reply.json()
    assert (reply.status_code, action["type"], action["status"], action["scope"]) == (status, kind, "Pending", scope)
    assert _code(await http.post(url, json={"Comment": "why", **body})) == (400, "ActiveRequestAlreadyExists")
    await control.advance(10)
    assert (await http.get(f"/api/machineactions/{action['id']}")).json()["status"] == "Succeeded"


async def test_restriction_and_its_opposite_exclude_each_other_while_one_runs(
    http: httpx.AsyncClient, control: SimulatorControl, machine_id: str, contoso: Tenant
) -> None:
    await http.post(f"/api/machines/{machine_id}/restrictCodeExecution", json={"Comment": "x"})
    lift = f"/api/machines/{machine_id}/unrestrictCodeExecution"
    assert _code(await http.post(lift, json={"Comment": "x"})) == (400, "ActiveRequestAlreadyExists")
    await control.advance(10)
    assert contoso.machines[machine_id].restricted
    await http.post(lift, json={"Comment": "x"})
    await control.advance(10)
    assert not contoso.machines[machine_id].restricted


async def test_two_files_are_quarantined_at_once_but_one_file_not_twice(
    http: httpx.AsyncClient, control: SimulatorControl, machine_id: str, contoso: Tenant
) -> None:
    url = f"/api/machines/{machine_id}/StopAndQuarantineFile"
    first = await http.post(url, json={"Comment": "x", "Sha1": SHA1.upper()})
    assert first.json()["relatedFileInfo"] == {"fileIdentifier": SHA1, "fileIdentifierType": "Sha1"}
    assert (await http.post(url, json={"Comment": "x", "Sha1": "a" * 40})).status_code == 201
    assert _code(await http.post(url, json={"Comment": "x", "Sha1": SHA1})) == (400, "ActiveRequestAlreadyExists")
    assert _code(await http.post(url, json={"Comment": "x", "Sha1": "short"})) == (400, "InvalidHashValue")
    await control.advance(10)
    assert contoso.machines[machine_id].quarantined == sorted([SHA1, "a" * 40])


async def test_an_offboarded_machine_falls_silent(
    http: httpx.AsyncClient, control: SimulatorControl, machine_id: str
) -> None:
    await http.post(f"/api/machines/{machine_id}/offboard", json={"Comment": "x"})
    await control.advance(10)
    machine = (await http.get(f"/api/machines/{machine_id}")).json()
    assert (machine["onboardingStatus"], machine["healthStatus"]) == ("CanBeOnboarded", "Inactive")
    pending = (await http.post(f"/api/machines/{machine_id}/isolate", json={"Comment": "x"})).json()
    await control.advance(1_800)
    assert (await http.get(f"/api/machineactions/{pending['id']}")).json()["status"] == "Pending"


@pytest.mark.parametrize(
    ("verb", "body", "refused"),
    [
        ("restrictCodeExecution", {}, True),
        ("unrestrictCodeExecution", {}, True),
        ("StopAndQuarantineFile", {"Sha1": SHA1}, True),
        ("offboard", {}, True),
        ("isolate", {"IsolationType": "Selective"}, True),
        ("isolate", {"IsolationType": "Full"}, False),
        ("runAntiVirusScan", {"ScanType": "Quick"}, False),
        ("collectInvestigationPackage", {}, False),
    ],
)
async def test_linux_can_do_less_than_windows(
    http: httpx.AsyncClient, control: SimulatorControl, verb: str, body: Any, refused: bool
) -> None:
    (key,) = await control.add_machine("lin-001", os="Ubuntu")
    reply = await http.post(f"/api/machines/{key}/{verb}", json={"Comment": "x", **body})
    if refused:
        assert _code(reply) == (400, "OsPlatformNotSupported")
    else:
        assert reply.status_code == 201


async def test_an_old_release_is_told_which_one_is_needed(
    http: httpx.AsyncClient, control: SimulatorControl, machine_id: str
) -> None:
    await control.edit_machine("wks-001", fields={"osPlatform": "Windows10", "osBuild": 15_063})
    reply = await http.post(f"/api/machines/{machine_id}/restrictCodeExecution", json={"Comment": "x"})
    assert _code(reply) == (400, "ClientVersionNotSupported")
    assert reply.json()["error"]["message"] == ("RestrictCodeExecution is supported on client version 1709 and above.")
    assert (await http.post(f"/api/machines/{machine_id}/isolate", json={"Comment": "x"})).status_code == 201


async def test_a_scan_needs_its_type_in_the_right_case(http: httpx.AsyncClient, machine_id: str) -> None:
    url = f"/api/machines/{machine_id}/runAntiVirusScan"
    assert _code(await http.post(url, json={"Comment": "x", "ScanType": "full"})) == (400, "InvalidRequestBody")
    reply = await http.post(url, json={"Comment": "x", "scanType": "Full"})
    assert reply.json()["error"]["message"] == "Parameter ScanType is missing."


async def test_the_next_outcome_is_that_of_the_next_action(
    http: httpx.AsyncClient, control: SimulatorControl, machine_id: str, contoso: Tenant
) -> None:
    await control.edit_machine("wks-001", next_outcome="Failed")
    action = (await http.post(f"/api/machines/{machine_id}/restrictCodeExecution", json={"Comment": "x"})).json()
    await control.advance(10)
    assert (await http.get(f"/api/machineactions/{action['id']}")).json()["status"] == "Failed"
    assert not contoso.machines[machine_id].restricted
