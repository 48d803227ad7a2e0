"""Indicators: made once, deleted by who made them, never another's; their end seen."""

from datetime import timedelta

import pytest

from response_world import BEACON, Responses
from ringfence import clock
from ringfence.defender.operations.indicators import NewIndicator
from ringfence.responses.kinds import Kind
from ringfence.responses.model import State


async def theirs(desk: Responses, action: str = "Block") -> None:
    client = await desk.world.clients.get(desk.world.account_id)
    await client.submit_indicator(NewIndicator(**{**BEACON, "action": action}))


@pytest.mark.parametrize("many", [1, 3, 12])
async def test_they_are_made_listed_and_deleted_again(desk: Responses, many: int) -> None:
    wanted = [{**BEACON, "indicator_value": f"203.0.113.{number}"} for number in range(1, many + 1)]
    asked = desk.request(Kind.INDICATORS, parameters={"indicators": wanted})
    done = await desk.settle(asked, State.DONE)
    assert len(done.made) == many == done.weight
    desk.undo(asked)
    await desk.settle(asked, State.UNDONE)
    client = await desk.world.clients.get(desk.world.account_id)
    assert [each async for each in client.list_indicators()] == []


@pytest.mark.parametrize(("action", "state"), [("Block", State.NOT_NEEDED), ("Warn", State.DENIED)])
async def test_one_of_somebody_else_is_neither_changed_nor_deleted(desk: Responses, action: str, state: State) -> None:
    await theirs(desk, action)
    asked = desk.request(Kind.INDICATORS)
    await desk.settle(asked, state)
    assert "ours to" in desk.look(asked).detail
    client = await desk.world.clients.get(desk.world.account_id)
    (left,) = [each async for each in client.list_indicators()]
    assert (left.action, left.description) == (action, BEACON["description"])


@pytest.mark.parametrize("fault", ["drop_reply_after_effect", "drop_before_effect"])
async def test_a_lost_reply_makes_none_twice(desk: Responses, fault: str) -> None:
    desk.world.fault(fault, "submit_indicator", times=2)
    asked = desk.request(Kind.INDICATORS)
    await desk.settle(asked, State.DONE)
    client = await desk.world.clients.get(desk.world.account_id)
    assert len([each async for each in client.list_indicators()]) == 1


async def test_when_their_time_is_over_they_are_called_undone(desk: Responses) -> None:
    ends = (clock.now() + timedelta(hours=2)).isoformat()
    asked = desk.request(Kind.INDICATORS, parameters={"indicators": [{**BEACON, "expiration_time": ends}]})
    await desk.settle(asked, State.DONE)
    await desk.pass_time(3 * 3600)
    assert desk.look(asked).state is State.UNDONE
    assert "time is over" in desk.look(asked).detail


async def test_that_somebody_deleted_them_is_reported(desk: Responses) -> None:
    asked = await desk.settle(desk.request(Kind.INDICATORS), State.DONE)
    client = await desk.world.clients.get(desk.world.account_id)
    await client.delete_indicator(str(asked.made[0]["id"]))
    await desk.settle(asked, State.SUPERSEDED, within=7200)


async def test_letting_something_pass_needs_a_person(desk: Responses) -> None:
    allowed = {**BEACON, "action": "Allowed", "generate_alert": None}
    run = desk.request(Kind.INDICATORS, parameters={"indicators": [allowed]}, run_id=None)
    await desk.settle(run, State.DONE)
