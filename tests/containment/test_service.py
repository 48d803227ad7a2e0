import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from accounts_samples import a_stored_account, an_organization
from ringfence import clock
from ringfence.containment import service
from ringfence.containment.model import FINAL, TRANSITIONS, Containment, IllegalMove, State
from ringfence.errors import Conflict, Invalid, LeaseLost, NotFound
from ringfence.storage import Database
from ringfence.storage.tables import changes, containment_events, containment_holds, containments

MACHINE = "a" * 40
START = 1_790_000_000.0


@dataclass
class Rows:
    """An organization with an account, and a clock that stands still."""

    database: Database
    organization_id: str
    account_id: str
    time: float = START

    def request(self, target: str = MACHINE, *, key: str | None = None, **options: Any) -> Containment:
        values: dict[str, Any] = {"account_id": self.account_id, "reason": "Ransomware", "requested_by": "a playbook"}
        values |= {"organization_id": self.organization_id, "target": target, "key": key or clock.new_id()}
        return self.database.run_now(lambda tx: service.request(tx, **(values | options)))

    def let_go(self, containment: Containment, prefix: str | None = None) -> Containment:
        return self.database.run_now(
            lambda tx: service.let_go(tx, containment.id, by="asmith", reason="Clean", holder_prefix=prefix)
        )

    def claim(self, owner: str = "worker") -> list[Containment]:
        return self.database.run_now(lambda tx: service.claim_due(tx, owner=owner))

    def move(self, containment: Containment, *states: State, **columns: Any) -> Containment:
        for state in states:
            before = containment
            containment = self.database.run_now(lambda tx: service.move(tx, before, state, "Because.", **columns))  # noqa: B023
        return containment

    def rest(self, containment: Containment, seconds: float, detail: str | None = None) -> None:
        until = clock.now() + timedelta(seconds=seconds)
        self.database.run_now(lambda tx: service.rest(tx, containment, until=until, detail=detail))

    def look(self, containment: Containment) -> Containment:
        return self.database.read_now(lambda tx: service.get(tx, containment.id))

    def held(self) -> Containment:
        """Contain the machine."""
        self.request()
        return self.move(self.claim()[0], State.APPROVED, State.SUBMITTING, State.PENDING, State.CONTAINED)

    def holders(self, containment: Containment) -> set[str]:
        holds = containment_holds.c
        query = sa.select(holds.holder).where(holds.containment_id == containment.id, holds.let_go_at.is_(None))
        return {row["holder"] for row in self.database.read_now(lambda tx: tx.all(query))}

    def kinds(self) -> list[str]:
        query = sa.select(changes.c.kind).where(changes.c.noun == "containment").order_by(changes.c.id)
        return [row["kind"] for row in self.database.read_now(lambda tx: tx.all(query))]


def rows_in(database: Database) -> Rows:
    organization_id = an_organization(database, f"Contoso {clock.new_id()}")
    made = Rows(database, organization_id, a_stored_account(database, organization_id).id)
    clock.replace(lambda: made.time)
    return made


@pytest.fixture
def rows(database: Database) -> Rows:
    return rows_in(database)


def test_a_key_asks_once_however_often_it_is_sent(rows: Rows) -> None:
    first = rows.request(key="run-1:contain:0")
    assert rows.request(key="run-1:contain:0") == first
    rows.let_go(first)
    assert rows.request("wks-002", key="run-1:contain:0").id == first.id
    assert rows.holders(first) == set()


def test_a_second_request_for_a_machine_joins_the_first_and_keeps_its_own_key(rows: Rows) -> None:
    first = rows.request(key="run-1:a")
    second = rows.request(MACHINE.upper(), key="run-2:a")
    assert second.id == first.id
    assert rows.request(key="run-2:a").id == first.id
    assert rows.holders(first) == {"run-1:a", "run-2:a"}
    found = rows.database.read_now(lambda tx: service.held_by(tx, "run-2:", machine_id=MACHINE.upper()))
    assert [each.id for each in found] == [first.id]
    assert rows.database.read_now(lambda tx: service.held_by(tx, "RUN-2:")) == []
    assert rows.database.read_now(lambda tx: service.held_by(tx, "run-2:", machine_id="b" * 40)) == []


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


def test_a_key_of_another_organization_opens_nothing(rows: Rows) -> None:
    rows.request(key="1")
    other = rows_in(rows.database)
    with pytest.raises(Conflict, match="This key is in use"):
        other.request(key="1")
    with pytest.raises(NotFound, match="no account"):
        other.request(account_id=rows.account_id)
    with pytest.raises(NotFound):
        other.request(organization_id="nobody")
    with pytest.raises(NotFound):
        rows.database.read_now(
            lambda tx: service.get(tx, rows.request(key="1").id, organization_id=other.organization_id)
        )


@pytest.mark.parametrize(
    "options",
    [
        {"target": "wks 001"},
        {"target": "*"},
        {"target": "127.0.0.1"},
        {"isolation_type": "UnManagedDevice"},
        {"reason": "  "},
        {"auto_release_after": 0.0},
        {"auto_release_after": float("inf")},
        {"auto_release_after": float("nan")},
        {"deadline": -1.0},
    ],
)
def test_a_request_that_cannot_be_meant_is_refused_with_a_sentence(embedded: Database, options: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        rows_in(embedded).request(**options)


def test_a_reason_is_kept_as_far_as_a_database_can_hold_it(rows: Rows) -> None:
    made = rows.request(reason="a\x00b\ud800" + "c" * 1000, requested_by="d\x00")
    assert made.reason.startswith("a\ufffdb?ccc")
    assert len(made.reason) == 500


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


# --- leases -----------------------------------------------------------------------------------------------------------


def test_what_is_claimed_is_not_claimed_again_before_the_lease_runs_out(rows: Rows) -> None:
    asked = rows.request()
    assert [each.id for each in rows.claim("a")] == [asked.id]
    rows.time += service.LEASE - 1
    assert rows.claim("b") == []
    rows.time += 1
    assert [each.fence for each in rows.claim("b")] == [2]


def test_each_move_begins_the_lease_anew(rows: Rows) -> None:
    rows.request()
    claimed = rows.claim("a")[0]
    rows.time += service.LEASE - 1
    moved = rows.move(claimed, State.APPROVED)
    rows.time += service.LEASE - 1
    assert rows.claim("b") == []
    rows.database.run_now(lambda tx: service.note(tx, moved, attempts=1))
    rows.time += service.LEASE - 1
    assert rows.claim("b") == []


@pytest.mark.parametrize("how", ["move", "note", "mine"])
def test_a_driver_that_lost_its_lease_cannot_write(rows: Rows, how: str) -> None:
    rows.request()
    old = rows.claim("a")[0]
    rows.time += service.LEASE
    new = rows.claim("b")[0]
    works: dict[str, Callable[[Any], object]] = {
        "move": lambda tx: service.move(tx, old, State.APPROVED, "No."),
        "note": lambda tx: service.note(tx, old, attempts=9),
        "mine": lambda tx: service.mine(tx, old),
    }
    with pytest.raises(LeaseLost):
        rows.database.run_now(works[how])
    rows.rest(old, 10_000, "No.")
    assert rows.look(new) == new
    assert rows.database.run_now(lambda tx: service.current_claim(tx, old)) is None


def test_a_claim_of_what_is_over_is_none(rows: Rows) -> None:
    rows.request()
    claimed = rows.claim()[0]
    rows.move(claimed, State.DENIED)
    assert rows.database.run_now(lambda tx: service.current_claim(tx, claimed)) is None


def test_a_release_asked_for_while_a_driver_is_busy_is_looked_at_as_soon_as_it_rests(rows: Rows) -> None:
    held = rows.held()
    rows.time += 1
    rows.let_go(held)
    rows.database.run_now(lambda tx: service.note(tx, held, attempts=0))
    rows.rest(held, 3600)
    assert [each.id for each in rows.claim()] == [held.id]


def test_a_release_asked_for_while_a_driver_dies_is_looked_at_when_its_lease_is_over(rows: Rows) -> None:
    held = rows.held()
    rows.time += 1
    rows.let_go(held)
    assert rows.claim() == []
    rows.time += service.LEASE
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
    assert rows.database.run_now(lambda tx: service.free_leases(tx, "a")) == 1
    rows.rest(claimed, 3600)
    with pytest.raises(LeaseLost):
        rows.move(claimed, State.APPROVED)
    assert [each.id for each in rows.claim("b")] == [asked.id]
    assert rows.database.run_now(lambda tx: service.free_leases(tx, "a")) == 0


def test_the_next_due_moment_is_when_something_can_be_claimed(rows: Rows) -> None:
    def next_due() -> float | None:
        found = rows.database.read_now(service.next_due)
        return found.timestamp() - START if found else None

    assert next_due() is None
    asked = rows.request()
    assert next_due() == 0
    claimed = rows.claim()[0]
    rows.let_go(asked)
    assert next_due() == service.LEASE
    rows.rest(claimed, 30)
    assert next_due() == 0


def test_only_so_many_are_claimed_and_the_longest_due_first(rows: Rows) -> None:
    asked = []
    for number in range(4):
        asked.append(rows.request(f"wks-{number}").id)
        rows.time += 1
    taken = rows.database.run_now(lambda tx: service.claim_due(tx, owner="a", lease=60.0, limit=3))
    assert [each.id for each in taken] == asked[:3]


def test_who_is_to_be_released_is_claimed_first_and_alone_where_there_is_room_for_nobody_else(rows: Rows) -> None:
    others = []
    for number in range(3):
        others.append(rows.request(f"wks-{number}").id)
        rows.time += 1
    rows.let_go(wanted := rows.request("wks-9"))

    def claim(limit: int, *, releases_only: bool) -> list[str]:
        taken = rows.database.run_now(
            lambda tx: service.claim_due(tx, owner="a", lease=60.0, limit=limit, releases_only=releases_only)
        )
        return [each.id for each in taken]

    assert rows.database.read_now(lambda tx: service.next_due(tx, releases_only=True)) == clock.now()
    assert claim(5, releases_only=True) == [wanted.id]
    assert claim(5, releases_only=True) == []
    rows.time += 61
    assert claim(2, releases_only=False) == [wanted.id, others[0]]


# --- several at once --------------------------------------------------------------------------------------------------


async def test_requests_for_one_machine_at_the_same_moment_are_one_containment(rows: Rows) -> None:
    keys = [f"run-{number}:a" for number in range(8)]
    made = await asyncio.gather(*(asyncio.to_thread(rows.request, MACHINE, key=key) for key in keys))
    assert len({each.id for each in made}) == 1
    assert rows.holders(made[0]) == set(keys)


async def test_holders_that_let_go_at_the_same_moment_ask_for_one_release(rows: Rows) -> None:
    held = rows.held()
    keys = [f"run-{number}:" for number in range(6)]
    for key in keys:
        rows.request(key=key)
    mine = rows.holders(held) - set(keys)
    await asyncio.gather(*(asyncio.to_thread(rows.let_go, held, prefix) for prefix in [*keys, *mine]))
    assert rows.look(held).release_requested_at is not None
    assert rows.kinds().count("release_requested") == 1


async def test_a_holder_that_joins_while_the_last_one_lets_go_either_holds_or_waits(rows: Rows) -> None:
    for _ in range(5):
        held = rows.held()
        _, joined = await asyncio.gather(asyncio.to_thread(rows.let_go, held, ""), asyncio.to_thread(rows.request))
        if joined.id == held.id:
            # It was first, so it was let go with the others; or it holds on.
            assert bool(rows.holders(held)) == (rows.look(held).release_requested_at is None)
        else:
            assert rows.look(held).release_requested_at is not None
        rows.let_go(held)
        rows.move(held, State.RELEASING, State.RELEASED)
        for each in rows.claim():
            rows.move(each, State.CANCELLED)


async def test_each_containment_is_claimed_by_one_driver_only(rows: Rows) -> None:
    asked = {rows.request(f"wks-{number}").id for number in range(12)}
    claims = await asyncio.gather(*(asyncio.to_thread(rows.claim, f"worker-{number}") for number in range(4)))
    taken = [each.id for claim in claims for each in claim]
    # PostgreSQL lets a claimer skip what another is claiming; what is left over is due still.
    taken += [each.id for each in rows.claim("late")]
    assert sorted(taken) == sorted(asked)


# --- any order --------------------------------------------------------------------------------------------------------


class AnyOrder(RuleBasedStateMachine):
    """Requests, releases, claims, moves and waits in any order keep what the rows promise."""

    known = Bundle("known")

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.rows = rows_in(database)

    @rule(target=known, machine=st.sampled_from(["a" * 40, "A" * 40, "b" * 40, "wks-001"]))
    def request(self, machine: str) -> Containment:
        return self.rows.request(machine)

    @rule(containment=known, everybody=st.booleans())
    def let_go(self, containment: Containment, everybody: bool) -> None:
        self.rows.let_go(containment, None if everybody else containment.request_key)

    @rule(seconds=st.sampled_from([1.0, 59.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.rows.time += seconds

    @rule(containment=known, data=st.data())
    def move(self, containment: Containment, data: st.DataObject) -> None:
        before = self.rows.look(containment)
        after = data.draw(st.sampled_from([*sorted(TRANSITIONS[before.state]), *State]))
        if after in TRANSITIONS[before.state]:
            assert self.rows.move(before, after).state == after
        else:
            with pytest.raises(IllegalMove):
                self.rows.move(before, after)
            assert self.rows.look(containment) == before

    @rule(seconds=st.sampled_from([0.0, 30.0]))
    def drive(self, seconds: float) -> None:
        for each in self.rows.claim():
            assert not each.final
            self.rows.rest(each, seconds)

    @invariant()
    def the_rows_keep_their_promises(self) -> None:
        mine = containments.c.organization_id == self.rows.organization_id
        everyone = self.rows.database.read_now(lambda tx: tx.all(sa.select(containments).where(mine)))
        live: set[str] = set()
        for row in everyone:
            each = Containment.of(row)
            holders = self.rows.database.read_now(
                lambda tx: tx.scalar(
                    sa.select(sa.func.count()).where(
                        containment_holds.c.containment_id == each.id,  # noqa: B023
                        containment_holds.c.let_go_at.is_(None),
                    )
                )
            )
            if each.final:
                assert (each.live_key, each.next_at, each.lease_until) == (None, None, None)
                continue
            assert each.next_at is not None, "forgotten"
            assert (holders == 0) == (each.release_requested_at is not None)
            if each.live_key is not None:
                assert each.live_key not in live
                live.add(each.live_key)

    def teardown(self) -> None:
        query = (
            sa.select(containment_events)
            .join(containments, containments.c.id == containment_events.c.containment_id)
            .where(containments.c.organization_id == self.rows.organization_id)
            .order_by(containment_events.c.id)
        )
        states: dict[str, State | None] = {}
        for event in self.rows.database.read_now(lambda tx: tx.all(query)):
            before = State(event["before"]) if event["before"] else None
            after = State(event["after"])
            assert before == states.get(event["containment_id"])
            assert before is None or before == after or after in TRANSITIONS[before]
            states[event["containment_id"]] = after
        assert all(TRANSITIONS[state] == frozenset() for state in FINAL)


def test_any_order_of_events_keeps_the_promises_of_the_rows(embedded: Database) -> None:
    run_state_machine_as_test(
        lambda: AnyOrder(embedded),  # type: ignore[arg-type]  # any factory does
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
            derandomize=True,
        ),
    )
