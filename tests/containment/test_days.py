"""What is kept of a day is what would be worked out anew, and goes where an event turns out to have been at another time."""

import asyncio
from datetime import date, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization
from alert_samples import an_alert
from containment_rows import Rows, rows_in
from ringfence import clock
from ringfence.alerts import queue
from ringfence.containment import days, times
from ringfence.containment.days import Keeper
from ringfence.containment.model import State
from ringfence.ingestion.pages import prepare, store
from ringfence.storage import Database
from ringfence.storage.tables import containment_days
from ringfence.triggers.registry import Registry

DAY = 86_400


def take(rows: Rows, at: str) -> str:
    """Store an alert, or another version of it, whose event was at a moment; return our id of it."""
    updated = clock.iso(clock.now())
    page = prepare([an_alert("a", firstEventTime=at, lastUpdateTime=updated)])
    rows.database.run_now(lambda tx: store(tx, rows.account_id, page, Registry()))
    return rows.database.read_now(lambda tx: queue.page(tx, rows.organization_id)).alerts[0].id


def contain(rows: Rows, number: int, seconds: float, **options: Any) -> None:
    """Contain a host in so many seconds, and let it go in as many."""
    rows.request(f"{number:040x}", **options)
    sent = rows.move(rows.claim()[0], State.APPROVED, State.SUBMITTING, State.PENDING, accepted_at=clock.now())
    rows.time += seconds
    held = rows.move(sent, State.CONTAINED, confirmed_at=clock.now())
    rows.let_go(held)
    rows.time += seconds
    rows.move(rows.move(rows.look(held), State.RELEASING), State.RELEASED, released_at=clock.now())


def kept(database: Database) -> dict[tuple[str, date], Any]:
    found = database.read_now(lambda tx: tx.all(sa.select(containment_days)))
    return {(row["account_id"], date.fromisoformat(row["day"])): row["lengths"] for row in found}


def sweep(database: Database) -> int:
    return asyncio.run(Keeper(database).sweep())


def test_what_is_kept_is_what_would_be_worked_out_and_the_page_says_the_same(database: Database) -> None:
    rows = rows_in(database)
    stranger = a_stored_account(database, an_organization(database, "Stranger"))
    alert = take(rows, clock.iso(clock.now() - timedelta(minutes=5)))
    for number in range(9):
        if number % 3 == 0:
            rows.time += DAY
        contain(rows, number, 40 + 0.000_001 * number, **({"alert_id": alert} if number % 2 else {}))
    before = database.read_now(lambda tx: times.times(tx, rows.organization_id, days=5))
    assert (before.contain.many, before.release.many, before.event.many) == (9, 9, 4)
    assert sweep(database) == 2 * days.WINDOW
    # Today is not over.
    today = clock.now().date()
    assert max(day for _, day in kept(database)) == today - timedelta(days=1)
    assert database.read_now(lambda tx: times.times(tx, rows.organization_id, days=5)) == before
    rows.time += DAY
    assert sweep(database) == 2
    there = kept(database)
    with database.reading() as tx:
        for account_id in (rows.account_id, stranger.id):
            mine = {day: lengths for (account, day), lengths in there.items() if account == account_id}
            anew = days.measured(tx, account_id, list(mine))
            assert {day: lengths for day, lengths in mine.items() if lengths} == anew
            assert len(anew) == (3 if account_id == rows.account_id else 0)
    assert sweep(database) == 0
    # What came is paid for by what is too old.
    assert len(there) == 2 * days.WINDOW


def test_an_event_that_was_at_another_time_is_counted_anew(database: Database) -> None:
    rows = rows_in(database)
    contain(rows, 1, 40, alert_id=take(rows, clock.iso(clock.now() - timedelta(minutes=5))))
    rows.time += DAY + 3 * 3600
    sweep(database)
    many = len(kept(database))

    def event() -> timedelta | None:
        return database.read_now(lambda tx: times.times(tx, rows.organization_id, days=3)).event.median

    before = event()
    assert before == timedelta(minutes=5, seconds=40)
    take(rows, clock.iso(clock.now() - timedelta(days=1, hours=3, minutes=10, seconds=40)))
    assert len(kept(database)) == many - 1
    assert event() == timedelta(minutes=10)
    assert sweep(database) == 1
    assert event() == timedelta(minutes=10)


def test_a_day_is_kept_an_hour_after_its_end_and_of_a_storm_the_newest_are_looked_at(
    embedded: Database, monkeypatch: Any
) -> None:
    rows = rows_in(embedded)
    rows.time += -rows.time % DAY + 60
    contain(rows, 1, 40)
    contain(rows, 2, 60)
    monkeypatch.setattr(days, "MOST", 1)
    assert embedded.read_now(lambda tx: times.times(tx, rows.organization_id)).contain.median == timedelta(seconds=60)
    began = clock.now().date()
    rows.time += -rows.time % DAY + 3_599
    sweep(embedded)
    assert (rows.account_id, began) not in kept(embedded)
    rows.time += 2
    assert sweep(embedded) == 1
    assert kept(embedded)[rows.account_id, began]["contain"] == [40_000_000, 60_000_000]


class _Told(asyncio.Event):
    async def wait(self) -> Literal[True]:
        self.set()
        return True


async def test_the_task_keeps_at_once_and_ends_when_told(embedded: Database) -> None:
    rows = rows_in(embedded)
    await Keeper(embedded).run_forever(_Told())
    assert {account for account, _ in kept(embedded)} == {rows.account_id}
