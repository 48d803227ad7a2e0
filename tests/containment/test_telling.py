import asyncio
from datetime import timedelta

import httpx
import pytest

from containment_alerts import an_alert, comments
from containment_world import World
from ringfence import clock
from ringfence.alerts.versions import MARKER
from ringfence.audit import log
from ringfence.containment import exchanges, reports
from ringfence.containment.model import Containment, State
from ringfence.containment.reports import Report, ReportState
from ringfence.containment.telling import LEASE, PATIENCE, Teller

HOST = "wks-001"


def _teller(world: World, mode: str = "people") -> Teller:
    return Teller(world.database, world.clients, mode=mode, keep=timedelta(days=400))


async def _tell(world: World, mode: str = "people") -> None:
    teller = _teller(world, mode)
    while await teller.tell_due():
        continue


def _reports(world: World, containment: Containment) -> list[Report]:
    return world.database.read_now(lambda tx: reports.of(tx, containment.id))


async def _contained(world: World, alert_id: str) -> Containment:
    return await world.settle(world.request(HOST, alert_id=alert_id, requested_by="asmith"), State.CONTAINED)


async def test_an_alert_is_told_once_that_its_host_was_isolated_and_once_that_it_was_released(world: World) -> None:
    alert_id, name = an_alert(world)
    held = await _contained(world, alert_id)
    await _tell(world)
    await _tell(world)
    (said,) = comments(world, name)
    assert "was isolated; Defender confirmed it" in said
    assert MARKER in said
    world.let_go(held)
    await world.settle(held, State.RELEASED)
    await _tell(world)
    assert ["was released" in each for each in comments(world, name)] == [False, True]
    told = _reports(world, held)
    assert [(each.state, each.text) for each in told] == [(ReportState.TOLD, text) for text in comments(world, name)]
    entries = world.database.read_now(lambda tx: log.of_subject(tx, world.organization_id, "alert", [alert_id]))
    assert [entry.event for entry in entries] == ["alert:told", "alert:told"]
    assert any(
        each.operation == "update_alert" for each in world.database.read_now(lambda tx: exchanges.of(tx, held.id))
    )


async def test_an_alert_is_told_why_its_host_was_not_isolated(world: World) -> None:
    alert_id, name = an_alert(world)
    world.set_policy(mode="none")
    asked = world.request(HOST, alert_id=alert_id, requested_by="asmith")
    await world.settle(asked, State.DENIED)
    await _tell(world)
    (said,) = comments(world, name)
    assert "was not contained: policy refused it." in said
    assert "mode: none" in said


async def test_a_comment_whose_reply_was_lost_is_found_again_and_not_written_twice(world: World) -> None:
    alert_id, name = an_alert(world)
    held = await _contained(world, alert_id)

    def lose(request: httpx.Request) -> None:
        if request.method == "PATCH":
            world.wire.after = lambda _: None
            raise httpx.ReadError("the line broke")

    world.wire.after = lose
    await _tell(world)
    assert len(comments(world, name)) == 1
    assert _reports(world, held)[0].state is ReportState.DUE
    world.advance(LEASE.total_seconds() + 61)
    await _tell(world)
    assert len(comments(world, name)) == 1
    assert _reports(world, held)[0].state is ReportState.TOLD


async def test_after_a_crash_between_announcing_and_sending_it_is_told_by_another(world: World) -> None:
    alert_id, name = an_alert(world)
    held = await _contained(world, alert_id)

    class Killed(BaseException):
        pass

    def die(request: httpx.Request) -> None:
        if request.method == "PATCH":
            world.wire.before = lambda _: None
            raise Killed

    world.wire.before = die
    with pytest.raises(Killed):
        await _tell(world)
    await _tell(world)
    assert comments(world, name) == []
    world.advance(LEASE.total_seconds() + 1)
    await _tell(world)
    assert len(comments(world, name)) == 1
    assert _reports(world, held)[0].attempts == 2


async def test_two_tellers_at_once_tell_it_once(world: World) -> None:
    alert_id, name = an_alert(world)
    await _contained(world, alert_id)
    await asyncio.gather(_tell(world), _tell(world))
    assert len(comments(world, name)) == 1


async def test_what_a_playbook_asked_for_is_told_by_its_steps_unless_all_are_wanted(world: World) -> None:
    alert_id, name = an_alert(world)
    held = await _contained(world, alert_id)
    await _tell(world, "off")
    assert comments(world, name) == []
    assert _reports(world, held)[0].problem == "Write-back is off."


async def test_an_alert_that_is_gone_is_given_up_and_one_that_cannot_be_told_waits_visibly(world: World) -> None:
    alert_id, name = an_alert(world)
    held = await _contained(world, alert_id)
    world.fault("status", "get_alert", status=403)
    await _tell(world)
    (waiting,) = _reports(world, held)
    assert waiting.state is ReportState.DUE
    assert waiting.problem
    assert waiting.next_at is not None
    assert waiting.next_at > clock.now()
    world.advance(PATIENCE.total_seconds() + 3600)
    world.fault("status", "get_alert", status=403)
    await _tell(world)
    assert _reports(world, held)[0].state is ReportState.GIVEN_UP
    assert comments(world, name) == []


async def test_the_teller_works_until_it_is_stopped(world: World) -> None:
    alert_id, name = an_alert(world)
    stop, told = asyncio.Event(), asyncio.Event()

    def note(request: httpx.Request) -> None:
        if request.method == "PATCH":
            told.set()

    world.wire.after = note
    running = asyncio.create_task(_teller(world).run(stop))
    held = await _contained(world, alert_id)
    await told.wait()
    stop.set()
    await running
    assert len(comments(world, name)) == 1
    assert _reports(world, held)[0].state is ReportState.TOLD
