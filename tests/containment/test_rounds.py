"""One list for all who wait: what it is good for, when it is read again, and when all look together."""

from datetime import timedelta

import pytest

from containment_world import World
from ringfence import clock
from ringfence.containment.holding import WATCH_FIRST
from ringfence.containment.model import Containment, State
from ringfence.containment.rounds import NOTHING, Rounds, awaited_since, next_round
from ringfence.defender import DefenderClient, Throttled

HOSTS = ("wks-001", "wks-002")


async def client_of(world: World) -> DefenderClient:
    return await world.clients.get(world.account_id)


async def pending(world: World) -> list[Containment]:
    asked = [world.request(each) for each in HOSTS]
    await world.drive()
    return [world.look(each) for each in asked]


async def test_a_list_serves_all_who_ask_within_the_interval_and_is_then_read_again(world: World) -> None:
    asked = await pending(world)
    moments = [each for each in map(awaited_since, asked) if each is not None]
    rounds, client = Rounds(5.0), await client_of(world)
    before = len(world.sent("list_machine_actions"))
    first = await rounds.look(world.account_id, client, moments)
    assert set(first.actions) == {each.isolate_action_id for each in asked}
    assert await rounds.look(world.account_id, client, moments[:1]) is first
    assert len(world.sent("list_machine_actions")) == before + 1
    world.advance(6)
    assert await rounds.look(world.account_id, client, moments[:1]) is NOTHING
    assert await rounds.look(world.account_id, client, moments) is not first
    assert len(world.sent("list_machine_actions")) == before + 2


async def test_a_list_that_does_not_reach_back_far_enough_is_read_again_and_another_account_has_its_own(
    world: World,
) -> None:
    await pending(world)
    rounds, client = Rounds(5.0), await client_of(world)
    now = clock.now()
    first = await rounds.look("a", client, [now, now])
    assert await rounds.look("a", client, [now - timedelta(days=2), now]) is not first
    assert await rounds.look("b", client, [now, now]) is not first
    assert await rounds.look("a", client, []) is NOTHING


async def test_a_list_that_is_refused_is_nobodys_and_is_read_by_the_next_who_asks(world: World) -> None:
    rounds, client = Rounds(5.0), await client_of(world)
    world.fault("status", "list_machine_actions", status=429, headers={"Retry-After": "600"})
    with pytest.raises(Throttled):
        await rounds.look("a", client, [clock.now(), clock.now()])
    assert (await rounds.look("a", client, [clock.now(), clock.now()])).complete


async def test_a_history_is_told_only_if_all_of_it_is_sure_to_be_there(world: World) -> None:
    asked = (await pending(world))[0]
    assert asked.machine_id is not None
    rounds, client = Rounds(5.0), await client_of(world)
    now = clock.now()
    seen = await rounds.look("a", client, [now, now])
    history = seen.history(asked.machine_id, asked.isolate_action_id)
    assert history is not None
    assert [each.id for each in history] == [asked.isolate_action_id]
    assert seen.history(asked.machine_id, "an isolation that is not in the list") is None
    assert NOTHING.history(asked.machine_id, asked.isolate_action_id) is None
    odd = {"value": [{"id": 7, "status": None}, *(action.record.document for action in world.tenant.actions.values())]}
    world.fault("status", "list_machine_actions", status=200, body=odd)
    partly = await rounds.look("b", client, [now, now])
    assert set(partly.actions) == set(seen.actions)
    assert partly.history(asked.machine_id, asked.isolate_action_id) is None


async def test_who_is_to_be_let_go_does_not_wait_for_a_list(world: World) -> None:
    asked = (await pending(world))[0]
    assert awaited_since(asked) == asked.accepted_at
    assert awaited_since(world.let_go(asked)) is None
    other = (await pending(world))[1]
    world.advance(5 * 3600)
    assert clock.now() > other.deadline_at
    assert awaited_since(other) is None
    held = await world.settle(world.request("wks-0012", auto_release_after=7200.0), State.CONTAINED)
    assert awaited_since(held) == held.accepted_at
    world.advance(7200)
    assert awaited_since(held) is None
    await world.settle(held, State.RELEASING, within=0)
    assert awaited_since(world.look(held)) == world.look(held).release_submitted_at
    world.advance(31 * 86_400)
    assert awaited_since(world.look(held)) is None


def test_those_of_an_account_look_at_the_same_moments_and_at_most_a_step_ahead() -> None:
    now = 1_800_000_000.0
    for step in (5.0, 15.0, 60.0, WATCH_FIRST.total_seconds()):
        moments = set()
        for ahead in range(int(step)):
            clock.replace(lambda ahead=ahead: now + ahead)  # type: ignore[misc]
            wait = (next_round("one", step) - clock.now()).total_seconds()
            assert 0 < wait <= step
            moments.add(next_round("one", step))
        assert len(moments) <= 2
    clock.replace(lambda: now)
    assert len({next_round(f"account {number}", 60.0) for number in range(10)}) > 5
    # Who looks less often looks when the others do.
    assert (next_round("one", 60.0) - next_round("one", 5.0)).total_seconds() % 5.0 == 0.0
