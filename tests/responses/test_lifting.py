"""Lifting a restriction: ours only, once, confirmed, tried until it succeeds, by person, timer or the last who wants it."""

from response_world import HOST, Responses
from ringfence.responses.kinds import Kind
from ringfence.responses.model import State


async def test_it_is_called_undone_only_after_defender_confirmed_it(desk: Responses) -> None:
    asked = await desk.settle(desk.request(Kind.RESTRICT), State.DONE)
    desk.undo(asked)
    await desk.drive()
    assert desk.look(asked).state is State.UNDOING
    await desk.settle(asked, State.UNDONE)
    assert not desk.world.machine(HOST).restricted
    desk.undo(asked)
    assert desk.look(asked).state is State.UNDONE


async def test_the_timer_lifts_it(desk: Responses) -> None:
    asked = await desk.settle(desk.request(Kind.RESTRICT, undo_after=3600.0), State.DONE)
    assert asked.ends_at is not None
    await desk.pass_time(3500)
    assert desk.look(asked).state is State.DONE
    await desk.pass_time(300)
    assert desk.look(asked).state is State.UNDONE


async def test_a_lifting_by_somebody_outside_is_reported_and_not_fought(desk: Responses) -> None:
    asked = await desk.settle(desk.request(Kind.RESTRICT), State.DONE)
    desk.world.portal(HOST, "UnrestrictCodeExecution")
    await desk.settle(asked, State.SUPERSEDED, within=7200)
    assert "analyst@contoso.com" in desk.look(asked).detail
    assert len(desk.world.actions("RestrictCodeExecution")) == 1


async def test_a_restriction_that_somebody_else_made_after_ours_is_not_lifted(desk: Responses) -> None:
    asked = await desk.settle(desk.request(Kind.RESTRICT), State.DONE)
    desk.world.advance(5)
    desk.world.portal(HOST, "RestrictCodeExecution")
    desk.world.advance(120)
    desk.undo(asked)
    await desk.settle(asked, State.SUPERSEDED)
    assert desk.world.machine(HOST).restricted
    assert desk.world.actions("UnrestrictCodeExecution") == []


async def test_a_failed_lifting_is_tried_again_until_it_succeeds(desk: Responses) -> None:
    asked = await desk.settle(desk.request(Kind.RESTRICT), State.DONE)
    desk.world.change(HOST, next_outcome="Failed")
    desk.undo(asked)
    await desk.settle(asked, State.UNDONE, within=1200)
    assert "undo_failed" in desk.states(asked)
    assert len(desk.world.actions("UnrestrictCodeExecution")) == 2


async def test_a_lost_reply_to_the_lifting_sends_nothing_twice(desk: Responses) -> None:
    asked = await desk.settle(desk.request(Kind.RESTRICT), State.DONE)
    desk.world.fault("drop_reply_after_effect", "unrestrict_code_execution")
    desk.undo(asked)
    await desk.settle(asked, State.UNDONE)
    assert len(desk.world.sent("unrestrict_code_execution")) == 1


async def test_it_stays_while_another_wants_it(desk: Responses) -> None:
    first = await desk.settle(desk.request(Kind.RESTRICT), State.DONE)
    second = desk.request(Kind.RESTRICT)
    await desk.drive()
    assert desk.look(second).joined_id == first.id
    desk.undo(first, everybody=False)
    await desk.pass_time(60)
    assert desk.look(first).state is State.DONE
    desk.undo(second, everybody=False)
    await desk.settle(first, State.UNDONE)
    assert len(desk.world.actions("RestrictCodeExecution")) == 1
