import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from containment_rows import MACHINE, Rows, rows_in
from ringfence.containment import claims, service
from ringfence.containment.model import FINAL, TRANSITIONS, Containment, IllegalMove, State
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.storage import Database
from ringfence.storage.tables import containment_events, containment_holds, containments


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


# --- leases -----------------------------------------------------------------------------------------------------------


def test_a_claim_of_what_is_over_is_none(rows: Rows) -> None:
    rows.request()
    claimed = rows.claim()[0]
    rows.move(claimed, State.DENIED)
    assert rows.database.run_now(lambda tx: claims.current_claim(tx, claimed)) is None


# --- several at once --------------------------------------------------------------------------------------------------


async def test_requests_for_one_machine_at_the_same_moment_are_one_containment(rows: Rows) -> None:
    keys = [f"run-{number}:a" for number in range(8)]
    made = await asyncio.gather(*(asyncio.to_thread(rows.request, MACHINE, key=key) for key in keys))
    assert len({each.id for each in made}) == 1
    assert rows.holders(made[0]) == set(keys)


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
