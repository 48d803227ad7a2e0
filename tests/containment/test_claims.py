import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from containment_rows import START, Rows, rows_in
from ringfence import clock
from ringfence.containment import claims
from ringfence.containment.model import IllegalMove, State
from ringfence.errors import LeaseLost
from ringfence.storage import Database
from ringfence.storage.tables import containment_events


@pytest.fixture
def rows(database: Database) -> Rows:
    return rows_in(database)


def test_the_last_holder_that_lets_go_asks_for_the_release_once(rows: Rows) -> None:
    held = rows.held()
    rows.request(key="run-2:a")
    rows.rest(held, 3600)
    assert rows.let_go(held, "run-2:").release_requested_at is None
    assert rows.let_go(held, "run-2:").release_requested_at is None
    asked = rows.let_go(held)
    assert asked.release_requested_at == clock.now()
    rows.time += 5
    assert rows.let_go(held).release_requested_at == asked.release_requested_at
    assert [each.id for each in rows.claim()] == [held.id]
    assert rows.kinds().count("release_requested") == 1


def test_a_move_is_written_with_its_event_and_change(rows: Rows) -> None:
    rows.request()
    moved = rows.move(rows.claim()[0], State.APPROVED)
    assert moved.state == State.APPROVED
    query = sa.select(containment_events).order_by(containment_events.c.id.desc()).limit(1)
    event = rows.database.read_now(lambda tx: tx.one(query))
    assert event is not None
    assert (event["before"], event["after"], event["detail"]) == ("requested", "approved", "Because.")
    assert rows.kinds()[-1] == "approved"


def test_an_illegal_move_is_refused_and_writes_nothing(rows: Rows) -> None:
    rows.request()
    claimed = rows.claim()[0]
    with pytest.raises(IllegalMove):
        rows.move(claimed, State.CONTAINED)
    assert rows.look(claimed).state == State.REQUESTED


def test_the_end_frees_the_machine_the_lease_and_the_time(rows: Rows) -> None:
    rows.request()
    done = rows.move(rows.claim()[0], State.DENIED)
    assert (done.live_key, done.next_at, done.lease_until, done.lease_owner) == (None, None, None, None)
    assert done.finished_at == clock.now()
    assert rows.request().id != done.id


def test_a_request_during_a_release_waits_beside_it(rows: Rows) -> None:
    held = rows.held()
    rows.let_go(held)
    waiting = rows.request()
    assert waiting.id != held.id
    assert waiting.live_key is None


def test_what_is_claimed_is_not_claimed_again_before_the_lease_runs_out(rows: Rows) -> None:
    asked = rows.request()
    assert [each.id for each in rows.claim("a")] == [asked.id]
    rows.time += claims.LEASE - 1
    assert rows.claim("b") == []
    rows.time += 1
    assert [each.fence for each in rows.claim("b")] == [2]


def test_each_move_begins_the_lease_anew(rows: Rows) -> None:
    rows.request()
    claimed = rows.claim("a")[0]
    rows.time += claims.LEASE - 1
    moved = rows.move(claimed, State.APPROVED)
    rows.time += claims.LEASE - 1
    assert rows.claim("b") == []
    rows.database.run_now(lambda tx: claims.note(tx, moved, attempts=1))
    rows.time += claims.LEASE - 1
    assert rows.claim("b") == []


@pytest.mark.parametrize("how", ["move", "note", "mine"])
def test_a_driver_that_lost_its_lease_cannot_write(rows: Rows, how: str) -> None:
    rows.request()
    old = rows.claim("a")[0]
    rows.time += claims.LEASE
    new = rows.claim("b")[0]
    works: dict[str, Callable[[Any], object]] = {
        "move": lambda tx: claims.move(tx, old, State.APPROVED, "No."),
        "note": lambda tx: claims.note(tx, old, attempts=9),
        "mine": lambda tx: claims.mine(tx, old),
    }
    with pytest.raises(LeaseLost):
        rows.database.run_now(works[how])
    rows.rest(old, 10_000, "No.")
    assert rows.look(new) == new
    assert rows.database.run_now(lambda tx: claims.current_claim(tx, old)) is None


def test_a_release_asked_for_while_a_driver_is_busy_is_looked_at_as_soon_as_it_rests(rows: Rows) -> None:
    held = rows.held()
    rows.time += 1
    rows.let_go(held)
    rows.database.run_now(lambda tx: claims.note(tx, held, attempts=0))
    rows.rest(held, 3600)
    assert [each.id for each in rows.claim()] == [held.id]


def test_a_release_asked_for_while_a_driver_dies_is_looked_at_when_its_lease_is_over(rows: Rows) -> None:
    held = rows.held()
    rows.time += 1
    rows.let_go(held)
    assert rows.claim() == []
    rows.time += claims.LEASE
    assert [each.id for each in rows.claim()] == [held.id]


def test_what_rests_is_due_at_its_time_and_says_what_it_waits_for(rows: Rows) -> None:
    asked = rows.request()
    rows.rest(rows.claim()[0], 30, "Waiting.")
    assert rows.look(asked).detail == "Waiting."
    assert rows.kinds()[-1] == "detail"
    rows.time += 29
    assert rows.claim() == []
    rows.time += 1
    rows.rest(rows.claim()[0], 30, "Waiting.")
    assert rows.kinds().count("detail") == 1


def test_a_failed_release_is_due_at_once_when_somebody_asks_again(rows: Rows) -> None:
    held = rows.held()
    rows.let_go(held)
    rows.rest(rows.move(held, State.RELEASING, State.RELEASE_FAILED), 300)
    rows.time += 1
    rows.let_go(held)
    assert [each.id for each in rows.claim()] == [held.id]


def test_the_leases_of_a_dead_driver_are_free_and_it_can_write_nothing_should_it_live(rows: Rows) -> None:
    asked = rows.request()
    claimed = rows.claim("a")[0]
    assert rows.database.run_now(lambda tx: claims.free_leases(tx, "a")) == 1
    rows.rest(claimed, 3600)
    with pytest.raises(LeaseLost):
        rows.move(claimed, State.APPROVED)
    assert [each.id for each in rows.claim("b")] == [asked.id]
    assert rows.database.run_now(lambda tx: claims.free_leases(tx, "a")) == 0


def test_the_next_due_moment_is_when_something_can_be_claimed(rows: Rows) -> None:
    def next_due() -> float | None:
        found = rows.database.read_now(claims.next_due)
        return found.timestamp() - START if found else None

    assert next_due() is None
    asked = rows.request()
    assert next_due() == 0
    claimed = rows.claim()[0]
    rows.let_go(asked)
    assert next_due() == claims.LEASE
    rows.rest(claimed, 30)
    assert next_due() == 0


def test_only_so_many_are_claimed_and_the_longest_due_first(rows: Rows) -> None:
    asked = []
    for number in range(4):
        asked.append(rows.request(f"wks-{number}").id)
        rows.time += 1
    taken = rows.database.run_now(lambda tx: claims.claim_due(tx, owner="a", lease=60.0, limit=3))
    assert [each.id for each in taken] == asked[:3]


def test_who_is_to_be_released_is_claimed_first_and_alone_where_there_is_room_for_nobody_else(rows: Rows) -> None:
    others = []
    for number in range(3):
        others.append(rows.request(f"wks-{number}").id)
        rows.time += 1
    rows.let_go(wanted := rows.request("wks-9"))

    def claim(limit: int, *, releases_only: bool) -> list[str]:
        taken = rows.database.run_now(
            lambda tx: claims.claim_due(tx, owner="a", lease=60.0, limit=limit, releases_only=releases_only)
        )
        return [each.id for each in taken]

    assert rows.database.read_now(lambda tx: claims.next_due(tx, releases_only=True)) == clock.now()
    assert claim(5, releases_only=True) == [wanted.id]
    assert claim(5, releases_only=True) == []
    rows.time += 61
    assert claim(2, releases_only=False) == [wanted.id, others[0]]


async def test_holders_that_let_go_at_the_same_moment_ask_for_one_release(rows: Rows) -> None:
    held = rows.held()
    keys = [f"run-{number}:" for number in range(6)]
    for key in keys:
        rows.request(key=key)
    mine = rows.holders(held) - set(keys)
    await asyncio.gather(*(asyncio.to_thread(rows.let_go, held, prefix) for prefix in [*keys, *mine]))
    assert rows.look(held).release_requested_at is not None
    assert rows.kinds().count("release_requested") == 1


async def test_each_containment_is_claimed_by_one_driver_only(rows: Rows) -> None:
    asked = {rows.request(f"wks-{number}").id for number in range(12)}
    claims = await asyncio.gather(*(asyncio.to_thread(rows.claim, f"worker-{number}") for number in range(4)))
    taken = [each.id for claim in claims for each in claim]
    # PostgreSQL lets a claimer skip what another is claiming; what is left over is due still.
    taken += [each.id for each in rows.claim("late")]
    assert sorted(taken) == sorted(asked)
