"""People are asked before certain hosts are cut off, and their yes counts for exactly what they saw."""

from datetime import timedelta

import pytest

from containment_world import World
from ringfence.approvals import service as approvals
from ringfence.approvals.model import Approval, Subject
from ringfence.approvals.model import State as Answered
from ringfence.containment import asking
from ringfence.containment.model import Containment, State
from ringfence.errors import Conflict, Forbidden

HOST = "wks-001"


def question(world: World, asked: Containment) -> Approval:
    found = world.database.read_now(lambda tx: approvals.latest_for(tx, Subject.CONTAINMENT, asked.id))
    assert found is not None
    return found


def answer(world: World, asked: Containment, yes: bool, by: str = "ines") -> Approval:
    open_one = question(world, asked)
    return world.database.run_now(
        lambda tx: asking.answer(tx, open_one.id, organization_id=world.organization_id, by=by, yes=yes, via="page")
    )


async def waiting(world: World) -> Containment:
    world.set_policy(approvals={"always": True, "people_too": True, "expires_after": "30 min"})
    asked = world.request(HOST)
    await world.drive()
    assert world.look(asked).state == State.AWAITING_APPROVAL
    assert world.sent("isolate_machine") == []
    return asked


async def test_nothing_is_sent_before_a_person_says_yes_and_then_once(world: World) -> None:
    asked = await waiting(world)
    assert "a person who may contain" in world.look(asked).detail
    world.advance(600)
    await world.drive()
    assert world.sent("isolate_machine") == []
    answer(world, asked, True)
    done = await world.settle(asked, State.CONTAINED)
    assert done.verdict is not None
    assert len(world.sent("isolate_machine")) == 1


async def test_a_no_ends_it(world: World) -> None:
    asked = await waiting(world)
    answer(world, asked, False)
    await world.settle(asked, State.REJECTED)
    assert world.look(asked).detail == "ines said no."
    assert world.sent("isolate_machine") == []


async def test_silence_ends_it(world: World) -> None:
    asked = await waiting(world)
    world.advance(1801)
    await world.drive()
    assert world.look(asked).state == State.EXPIRED
    assert "Nobody answered in time." in world.look(asked).detail
    assert world.sent("isolate_machine") == []


async def test_a_change_of_policy_makes_the_yes_void_and_people_are_asked_anew(world: World) -> None:
    asked = await waiting(world)
    before = question(world, asked)
    world.set_policy(approvals={"always": True, "people_too": True}, max_per_hour=5)
    answer(world, asked, True)
    await world.drive()
    assert world.look(asked).state == State.AWAITING_APPROVAL
    assert question(world, asked).id != before.id
    assert world.sent("isolate_machine") == []
    answer(world, asked, True)
    await world.settle(asked, State.CONTAINED)


async def test_a_host_that_was_tagged_as_protected_meanwhile_is_not_touched(world: World) -> None:
    asked = await waiting(world)
    world.change(HOST, tags=["Domain Controller"])
    answer(world, asked, True)
    await world.settle(asked, State.DENIED)
    assert "No longer allowed after the approval" in world.look(asked).detail
    assert world.sent("isolate_machine") == []


async def test_who_asked_cannot_approve(world: World) -> None:
    asked = await waiting(world)
    with pytest.raises(Forbidden):
        answer(world, asked, True, by=world.look(asked).requested_by)


async def test_a_cancelled_request_takes_its_question_back(world: World) -> None:
    asked = await waiting(world)
    world.let_go(asked)
    await world.settle(asked, State.CANCELLED)
    assert question(world, asked).state is Answered.VOID
    with pytest.raises(Conflict):
        answer(world, asked, True)


async def test_a_second_request_for_the_host_waits_for_the_same_answer(world: World) -> None:
    asked = await waiting(world)
    second = world.request(HOST)
    await world.drive()
    assert world.look(second).joined_id == asked.id
    answer(world, asked, True)
    await world.settle(asked, State.CONTAINED)
    assert len(world.sent("isolate_machine")) == 1


async def test_the_deadline_of_the_decision_takes_the_question_back(world: World) -> None:
    world.set_policy(approvals={"always": True, "people_too": True, "expires_after": "2 d"})
    asked = world.request(HOST)
    await world.drive()
    await world.pass_time(timedelta(hours=5).total_seconds())
    assert world.look(asked).state == State.WITHDRAWN
    assert question(world, asked).state is Answered.VOID
