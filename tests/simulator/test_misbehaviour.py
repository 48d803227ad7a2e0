"""Every fault as a client meets it."""

from typing import Any

import httpx
import pytest

from ringfence.simulator import Simulator, SimulatorControl, scenario
from ringfence.simulator.control_client import SimulatorControlError
from ringfence.simulator.tenant import Tenant


async def test_a_burst_of_server_errors_passes(http: httpx.AsyncClient, control: SimulatorControl) -> None:
    await control.add_fault("burst", path="/api/*", times=3)
    assert [(await http.get("/api/alerts")).status_code for _ in range(4)] == [500, 502, 503, 200]


async def test_a_half_open_connection_is_held_and_then_broken_without_effect(
    http: httpx.AsyncClient, control: SimulatorControl, simulator: Simulator, contoso: Tenant, machine_id: str
) -> None:
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    simulator.sleep = wait
    await control.add_fault("half_open", operation="isolate_machine", seconds=90)
    with pytest.raises(httpx.RemoteProtocolError):
        await http.post(f"/api/machines/{machine_id}/isolate", json={"Comment": "x"})
    assert waited == [90]
    assert not contoso.actions
    (entry,) = await control.journal(operation="isolate_machine")
    assert (entry["fault"], entry["status"]) == ("half_open", None)


async def test_a_token_ends_early_once(http: httpx.AsyncClient, control: SimulatorControl) -> None:
    await control.add_fault("token_expired", path="/api/*")
    reply = await http.get("/api/alerts")
    assert (reply.status_code, reply.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert (await http.get("/api/alerts")).status_code == 200


@pytest.mark.parametrize(("skew", "status"), [(-400, 401), (4_000, 401), (60, 200), (-60, 200)])
async def test_a_service_whose_clock_is_wrong_judges_tokens_wrongly(
    http: httpx.AsyncClient, control: SimulatorControl, skew: float, status: int
) -> None:
    await control.add_fault("clock_skew", operation="list_alerts", skew=skew)
    assert (await http.get("/api/alerts")).status_code == status
    assert (await http.get("/api/alerts")).status_code == 200


async def test_a_token_from_the_future_is_not_valid_yet(
    anonymous: httpx.AsyncClient, control: SimulatorControl, sign_in: Any
) -> None:
    await control.add_fault("clock_skew", operation="token_client_credentials", skew=3_600)
    token = (await sign_in()).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert (await anonymous.get("/api/alerts", headers=headers)).status_code == 401
    await control.advance(3_600)
    assert (await anonymous.get("/api/alerts", headers=headers)).status_code == 200


async def test_an_alert_can_be_shown_late_with_its_old_times(
    http: httpx.AsyncClient, control: SimulatorControl
) -> None:
    (late,) = await control.inject_alerts("wks-001", delay=30)
    await control.advance(10)
    (prompt,) = await control.inject_alerts("wks-002")

    async def shown() -> list[str]:
        return [alert["id"] for alert in (await http.get("/api/alerts?$orderby=lastUpdateTime")).json()["value"]]

    assert await shown() == [prompt]
    assert (await http.get(f"/api/alerts/{late}")).status_code == 404
    await control.advance(20)
    assert await shown() == [late, prompt]


async def test_lists_come_late_out_of_order_or_twice(http: httpx.AsyncClient, control: SimulatorControl) -> None:
    old = await control.inject_alerts("wks-001", age=60, count=9)
    new = await control.inject_alerts("wks-001", count=1)

    async def shown(query: str = "") -> list[str]:
        return [alert["id"] for alert in (await http.get(f"/api/alerts{query}")).json()["value"]]

    await control.add_fault("late_items", operation="list_alerts", seconds=30)
    assert set(await shown()) == set(old)
    await control.add_fault("reordered_items", operation="list_alerts", seed=1)
    mixed = await shown()
    assert mixed != sorted(mixed)
    assert set(mixed) == {*old, *new}
    await control.add_fault("duplicated_page", operation="list_alerts", skip=1)
    first = await shown("?$top=4")
    assert await shown("?$top=4&$skip=4") == first
    assert set(await shown("?$top=4&$skip=4")).isdisjoint(first)


async def test_a_field_is_renamed_until_the_drift_is_taken_back(
    http: httpx.AsyncClient, control: SimulatorControl
) -> None:
    fault = await control.add_fault(
        "schema_drift", path="/api/machines*", rename={"computerDnsName": "deviceDnsName"}, times=None
    )
    machine = (await http.get("/api/machines/wks-001")).json()
    assert machine["deviceDnsName"] == "wks-001"
    assert "computerDnsName" not in machine
    await control.clear_faults(fault)
    assert (await http.get("/api/machines/wks-001")).json()["computerDnsName"] == "wks-001"


async def test_actions_finish_in_the_wrong_order(
    http: httpx.AsyncClient, control: SimulatorControl, machine_id: str
) -> None:
    await control.add_fault("late_finish", operation="isolate_machine", seconds=60)
    first = (await http.post(f"/api/machines/{machine_id}/isolate", json={"Comment": "x"})).json()["id"]
    body = {"Comment": "x", "ScanType": "Quick"}
    second = (await http.post(f"/api/machines/{machine_id}/runAntiVirusScan", json=body)).json()["id"]
    await control.advance(10)

    async def status(key: str) -> str:
        return str((await http.get(f"/api/machineactions/{key}")).json()["status"])

    assert (await status(first), await status(second)) == ("InProgress", "Succeeded")
    await control.advance(60)
    assert await status(first) == "Succeeded"


async def test_a_machine_duplicates_and_merges_at_run_time(
    http: httpx.AsyncClient, control: SimulatorControl, machine_id: str
) -> None:
    await control.edit_machine("wks-001", duplicate=True)
    text = "computerDnsName eq 'wks-001'"
    found = (await http.get("/api/machines", params={"$filter": text})).json()["value"]
    assert len(found) == 2
    assert all(machine["isPotentialDuplication"] for machine in found)
    assert {machine["healthStatus"] for machine in found} == {"Active", "Inactive"}
    newer = (await http.get("/api/machines/wks-001")).json()["id"]
    assert newer != machine_id
    await control.edit_machine(machine_id, merge_into=newer)
    assert (await http.get(f"/api/machines/{machine_id}")).json()["mergedIntoMachineId"] == newer
    with pytest.raises(SimulatorControlError, match="no machine 'nowhere'"):
        await control.edit_machine("wks-002", merge_into="nowhere")


async def test_defender_and_people_take_actions_under_their_own_names(
    http: httpx.AsyncClient, control: SimulatorControl, machine_id: str
) -> None:
    await control.portal_action("wks-001", "Isolate", source="AttackDisruption", by="Microsoft Defender XDR")
    await control.portal_action("wks-002", "StopAndQuarantineFile", sha1="A" * 40)
    newest, disruption = (await http.get("/api/machineactions")).json()["value"]
    assert (disruption["requestSource"], disruption["requestor"]) == ("AttackDisruption", "Microsoft Defender XDR")
    assert (newest["requestSource"], newest["relatedFileInfo"]["fileIdentifier"]) == ("Portal", "a" * 40)
    reply = await http.post(f"/api/machines/{machine_id}/unisolate", json={"Comment": "x"})
    assert reply.json()["error"]["code"] == "ActiveRequestAlreadyExists"
    with pytest.raises(SimulatorControlError, match="sha1 names the file"):
        await control.portal_action("wks-002", "StopAndQuarantineFile")


async def test_a_fault_can_be_ordered_for_later_and_for_a_while(
    http: httpx.AsyncClient, control: SimulatorControl, simulator: Simulator
) -> None:
    key = await control.add_fault("status", path="/api/*", status=503, at=10, lasting=5, times=None)
    assert key
    assert (await http.get("/api/alerts")).status_code == 200
    assert [fault.id for fault in simulator.faults.waiting] == [key]
    await control.advance(10)
    assert (await http.get("/api/alerts")).status_code == 503
    await control.advance(5)
    assert (await http.get("/api/alerts")).status_code == 200
    await control.add_fault("status", path="/api/*", status=503, lasting=5, times=None)
    await control.advance(6)
    assert (await http.get("/api/alerts")).status_code == 200


def test_machine_orders_of_a_scenario_play() -> None:
    text = (
        "name: x\ntenants:\n  - name: contoso\n    apps: [{name: app}]\n    machines: [{name: a}, {name: b}]\n"
        "    events:\n      - {at: 1, machine: {name: a, duplicate: true}}\n"
        "      - {at: 2, machine: {name: b, merge_into: a}}\n"
    )
    simulator = Simulator.from_scenario("quiet", frozen=True, start=1_700_000_000)
    simulator.reset(scenario.parse(text, "x.yaml"))
    simulator.clock.advance(3)
    simulator.settle()
    (tenant,) = simulator.tenants.values()
    assert len(tenant.machines) == 3
    with pytest.raises(scenario.ScenarioError, match="merges into 'c'"):
        scenario.parse(text.replace("merge_into: a", "merge_into: c"), "x.yaml")
