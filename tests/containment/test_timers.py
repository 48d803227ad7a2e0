import pytest
import sqlalchemy as sa

from containment_rows import Rows, rows_in
from ringfence.containment import timers
from ringfence.containment.model import Containment, State
from ringfence.storage import Database
from ringfence.storage.tables import containment_events

HOUR = 3600.0


@pytest.fixture
def rows(database: Database) -> Rows:
    return rows_in(database)


def held_for(rows: Rows, seconds: float) -> Containment:
    """Contain the machine until a timer runs out."""
    held = rows.held(auto_release_after=seconds, ends_in=seconds)
    rows.rest(held, 600)
    return held


def warn(rows: Rows, before: float = HOUR / 2) -> int:
    return rows.database.run_now(lambda tx: timers.warn(tx, before=before))


def test_people_are_warned_once_before_a_timer_lets_a_host_go(rows: Rows) -> None:
    held = held_for(rows, 4 * HOUR)
    assert warn(rows) == 0
    rows.time += 3.5 * HOUR
    assert warn(rows) == 1
    assert warn(rows) == 0
    assert rows.kinds().count("release_soon") == 1
    query = sa.select(containment_events).where(containment_events.c.containment_id == held.id)
    last = rows.database.read_now(lambda tx: tx.all(query.order_by(containment_events.c.id)))[-1]
    assert (last["before"], last["after"]) == ("contained", "contained")
    assert last["detail"].startswith("The timer lets the host go in 30 min, at 20")


def test_a_short_timer_warns_when_half_of_it_is_left(rows: Rows) -> None:
    held_for(rows, 600)
    assert warn(rows) == 0
    rows.time += 301
    assert warn(rows) == 1


def test_who_was_warned_is_warned_again_when_the_timer_is_prolonged(rows: Rows) -> None:
    held = held_for(rows, HOUR)
    rows.time += 0.75 * HOUR
    assert warn(rows) == 1
    rows.request(held.machine_id or "", auto_release_after=4 * HOUR)
    assert warn(rows) == 0
    rows.time += 3.75 * HOUR
    assert warn(rows) == 1


def test_nobody_is_warned_of_what_is_being_let_go_or_where_warnings_are_off(rows: Rows) -> None:
    held = held_for(rows, HOUR)
    rows.time += 0.75 * HOUR
    assert warn(rows, before=0) == 0
    rows.let_go(held)
    assert warn(rows) == 0
    assert rows.look(held).state == State.CONTAINED
