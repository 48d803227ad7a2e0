import httpx
import pytest

from ringfence.simulator import Simulator, SimulatorControl
from ringfence.simulator.tenant import Tenant


async def test_the_summary_tells_what_was_achieved(
    http: httpx.AsyncClient, control: SimulatorControl, machine_id: str
) -> None:
    alerts = await control.inject_alerts("wks-001", count=3)
    await http.get("/api/alerts?$top=2")
    await http.get("/api/alerts?$top=2")
    await http.patch(f"/api/alerts/{alerts[0]}", json={"comment": "contained"})
    await http.post(f"/api/machines/{machine_id}/isolate", json={"Comment": "x"})
    await http.post(f"/api/machines/{machine_id}/isolate", json={"Comment": "x"})
    await control.advance(10)
    held = await control.summary("contoso")
    await http.post(f"/api/machines/{machine_id}/unisolate", json={"Comment": "x"})
    await control.advance(10)
    summary = await control.summary()
    assert held["isolated_now"] == [machine_id]
    assert summary == {
        "tenant_id": summary["tenant_id"],
        "name": "contoso",
        "alerts_delivered": 2,
        "isolate_requests": 2,
        "unisolate_requests": 1,
        "isolations_succeeded": 1,
        "releases_succeeded": 1,
        "isolated_now": [],
        "wrong_hosts_touched": None,
        "targets": None,
        "comments": {alerts[0]: ["contained"]},
    }


@pytest.mark.parametrize("name", ["wks-002", "wks-0012"])
async def test_touching_a_host_that_is_no_target_is_held_against_the_client(
    http: httpx.AsyncClient, control: SimulatorControl, contoso: Tenant, machine_id: str, name: str
) -> None:
    contoso.targets = [machine_id]
    other = contoso.find_machine(name)
    assert other is not None
    await http.post(f"/api/machines/{machine_id}/isolate", json={"Comment": "x"})
    await control.portal_action(name, "Isolate")
    assert (await control.summary())["wrong_hosts_touched"] == []
    await http.post(f"/api/machines/{other.id}/unisolate", json={"Comment": "x"})
    assert (await control.summary())["wrong_hosts_touched"] == [other.id]


async def test_requests_that_did_not_reach_the_operation_do_not_count(
    anonymous: httpx.AsyncClient, simulator: Simulator, control: SimulatorControl, machine_id: str
) -> None:
    await anonymous.post(f"/api/machines/{machine_id}/isolate", json={"Comment": "x"})
    assert (await control.summary())["isolate_requests"] == 0
