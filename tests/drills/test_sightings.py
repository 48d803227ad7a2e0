from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from drill_stage import HOST, Stage, a_stage
from ringfence import clock
from ringfence.containment import service
from ringfence.containment.gathering import Live
from ringfence.containment.model import Containment, State
from ringfence.defender.wire import Machine
from ringfence.drills import sightings
from ringfence.drills.model import Mark
from ringfence.storage import Database


@pytest.fixture
async def stage(embedded: Database) -> AsyncIterator[Stage]:
    async with a_stage(embedded) as made:
        made.publish()
        yield made


def a_machine(**values: Any) -> Machine:
    document = {"id": "b" * 40, "computerDnsName": "srv9", "onboardingStatus": "Onboarded", "machineTags": []}
    document["lastSeen"] = clock.iso(clock.now())
    return Machine.model_validate(document | values)


@pytest.mark.parametrize(
    ("values", "protected"),
    [
        ({"machineTags": ["domain controller"]}, True),
        ({"machineTags": ["Finance"]}, False),
        ({"osPlatform": "WindowsServer2022", "deviceValue": "High"}, True),
        ({"osPlatform": "WindowsServer2022", "deviceValue": "Normal"}, False),
        ({"osPlatform": "Windows11", "deviceValue": "High"}, False),
    ],
)
def test_well_known_tags_and_servers_of_high_value_look_protected(values: dict[str, Any], protected: bool) -> None:
    assert sightings.looks_protected(a_machine(**values)) is protected


async def test_the_kill_switch_and_limits_do_not_pass_for_protection(stage: Stage) -> None:
    stage.world.set_policy(frozen=True, max_per_hour=0, servers="allow", high_value="allow")
    drill = stage.begin()
    server = a_machine(osPlatform="WindowsServer2022", deviceValue="High")
    read = stage.world.database.read_now
    shown = read(lambda tx: sightings.judged(tx, drill, [server]))
    assert (shown.mark, shown.detail[:4]) == (Mark.FAILED, "srv9")
    assert read(lambda tx: sightings.judged(tx, drill, [])).mark is Mark.WARNING
    tagged = a_machine(machineTags=["Backup"])
    assert read(lambda tx: sightings.judged(tx, drill, [tagged])).mark is Mark.DONE
    stage.world.set_policy(frozen=False, servers="ask", max_per_hour=9)
    asked = read(lambda tx: sightings.judged(tx, drill, [server]))
    assert (asked.mark, "only if people agree" in asked.detail) == (Mark.WARNING, True)


async def test_a_device_that_is_held_or_unfit_is_not_ready(stage: Stage) -> None:
    drill = stage.begin()
    read = stage.world.database.run_now
    device = a_machine(id=stage.world.machine(HOST).id)
    assert read(lambda tx: sightings.unready(tx, drill, device, Live())) == ""
    away = a_machine(id=device.id, onboardingStatus="CanBeOnboarded")
    assert "not onboarded" in read(lambda tx: sightings.unready(tx, drill, away, Live()))
    stage.world.set_policy(incident_required=True, domain_admins="refuse")
    assert read(lambda tx: sightings.unready(tx, drill, device, Live(domain_admin=False))) == ""
    assert "administrator" in read(lambda tx: sightings.unready(tx, drill, device, Live(domain_admin=True)))
    stage.world.set_policy(frozen=True)
    assert "The kill switch is on" in read(lambda tx: sightings.unready(tx, drill, device, Live()))
    stage.world.set_policy(frozen=False)
    held = stage.world.request(device.id)
    assert held.id in read(lambda tx: sightings.unready(tx, drill, device, Live()))
    assert read(lambda tx: service.live_on(tx, drill.account_id, device.id)) is not None
    assert read(lambda tx: sightings.containment(tx, drill)) is None


async def test_only_a_loopback_address_is_a_simulator(stage: Stage) -> None:
    read = stage.world.database.read_now
    assert read(lambda tx: sightings.is_simulated(tx, stage.world.account_id))
    stage.world.set_account(api_url=None)
    assert not read(lambda tx: sightings.is_simulated(tx, stage.world.account_id))
    stage.world.set_account(api_url="https://api.contoso.com")
    assert not read(lambda tx: sightings.is_simulated(tx, stage.world.account_id))


async def test_a_timer_can_be_shortened_before_and_after_it_runs_and_is_never_made_longer(stage: Stage) -> None:
    world = stage.world
    ends = clock.now() + timedelta(hours=1)

    def shorten(containment: Containment) -> Containment:
        return world.database.run_now(lambda tx: service.shorten(tx, containment.id, ends=ends))

    waiting = shorten(world.request("wks-001", auto_release_after=86_400.0))
    assert waiting.auto_release_after == pytest.approx(3600.0, abs=5)
    brief = shorten(world.request("wks-002", auto_release_after=60.0))
    assert brief.auto_release_after == 60.0
    held = await world.settle(world.request("wks-0012", auto_release_after=86_400.0), State.CONTAINED)
    assert shorten(held).auto_release_at == ends
    ends += timedelta(days=1)
    assert shorten(held).auto_release_at == ends - timedelta(days=1)
