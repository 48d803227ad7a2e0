import httpx
import pytest

from ringfence.simulator import Simulator, SimulatorControl, create_app
from ringfence.simulator.control_client import SimulatorControlError
from ringfence.simulator.tenant import Tenant


@pytest.mark.parametrize("base", ["http://127.0.0.1:8900", "http://127.0.0.1:8900/", "http://127.0.0.1:8900/_sim"])
async def test_the_base_may_name_the_control_prefix_or_not(simulator: Simulator, base: str) -> None:
    async with SimulatorControl(base, transport=httpx.ASGITransport(create_app(simulator))) as control:
        assert (await control.state())["scenario"] == "quiet"


async def test_the_clock_is_moved_held_and_hastened(control: SimulatorControl) -> None:
    before = (await control.clock())["epoch"]
    await control.advance(5)
    await control.speed(3)
    clock = await control.clock()
    assert (clock["epoch"] - before, clock["frozen"], clock["speed"]) == (5, True, 3)
    await control.freeze(False)
    assert (await control.clock())["frozen"] is False


async def test_faults_are_added_listed_and_cleared(control: SimulatorControl) -> None:
    first = await control.add_fault("status", operation="list_alerts", status=503, times=None)
    await control.add_fault("latency", path="/api/*", seconds=1)
    await control.clear_faults(first)
    assert [fault["kind"] for fault in await control.faults()] == ["latency"]
    await control.clear_faults()
    assert await control.faults() == []


async def test_alerts_are_changed_and_the_world_is_reset(control: SimulatorControl, contoso: Tenant) -> None:
    (key,) = await control.inject_alerts("wks-001")
    assert (await control.edit_alert(key, status="Resolved", by="a@contoso.com"))["status"] == "Resolved"
    await control.reset()
    assert (await control.state())["tenants"][0]["alerts"] == 0


async def test_a_refusal_is_raised_with_its_code(control: SimulatorControl) -> None:
    with pytest.raises(SimulatorControlError) as refused:
        await control.edit_machine("none")
    assert (refused.value.status, refused.value.code) == (404, "unknown_machine")
    with pytest.raises(SimulatorControlError):
        await control.summary("nobody")
