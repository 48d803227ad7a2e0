from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from containment_world import World
from ringfence.containment.claims import LEASE
from ringfence.containment.model import Containment, State
from ringfence.containment.reach import purpose
from ringfence.defender import Priority
from ringfence.storage import Database, Transaction

T = TypeVar("T")

HOST = "wks-001"


async def contained(world: World, **options: Any) -> Containment:
    """Contain the host."""
    return await world.settle(world.request(world.machine(HOST).id, **options), State.CONTAINED)


@pytest.mark.parametrize(
    ("state", "values", "meant"),
    [
        (State.REQUESTED, {}, Priority.CONTAIN),
        (State.APPROVED, {}, Priority.CONTAIN),
        (State.SUBMITTING, {}, Priority.CONTAIN),
        (State.PENDING, {}, Priority.CONFIRM),
        (State.CONTAINED, {}, Priority.CONFIRM),
        (State.PENDING, {"release_requested_at": datetime(2026, 1, 31, tzinfo=UTC)}, Priority.RELEASE),
        (State.PENDING, {"deadline_at": datetime(2026, 1, 31, tzinfo=UTC)}, Priority.RELEASE),
        (State.RELEASING, {}, Priority.RELEASE),
        (State.RELEASE_FAILED, {}, Priority.RELEASE),
        (State.RELEASING, {"release_action_id": "a"}, Priority.CONFIRM),
    ],
)
async def test_defender_is_called_for_what_the_state_is_about(
    world: World, state: State, values: dict[str, Any], meant: Priority
) -> None:
    asked = world.request(HOST)
    assert purpose(replace(asked, state=state, **values)) is meant


async def test_a_process_that_was_held_up_between_announcing_and_sending_does_not_send(world: World) -> None:
    class Slow(Database):
        async def run(self, work: Callable[[Transaction], T]) -> T:
            done = await super().run(work)
            if isinstance(done, Containment) and done.state == State.SUBMITTING:
                world.advance(LEASE * 2)
            return done

    asked = world.request(HOST)
    slow, quick = Slow(world.database.url, threads=1), world.database
    world.database = slow
    await world.driver().drive_due()
    world.database = quick
    slow.close()
    assert world.sent("isolate_machine") == []
    await world.settle(asked, State.CONTAINED)
    assert len(world.sent("isolate_machine")) == 1


async def test_many_actions_on_a_machine_do_not_hide_the_one_that_counts(world: World) -> None:
    asked = await contained(world)
    for _ in range(60):
        for kind in ("Unisolate", "Isolate"):
            world.portal(HOST, kind)
            world.advance(30)
    world.let_go(asked)
    done = await world.settle(asked, State.SUPERSEDED)
    assert "isolated again" in done.detail
