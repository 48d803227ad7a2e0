"""How long the containments of each day took, kept once the day is over, so that no page goes through all of them.

A day has a row for each account (`containment_days`), or none: then the same is worked out from the containments themselves,
and nothing but time is lost. What a row holds never changes with what happens later, but for when the event of an alert was:
whoever writes that takes the row away (`forget`).
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock, logs
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import accounts, alerts, containment_days, containments

log = logs.get(__name__)

WINDOW: Final = 31
"""So many days are kept, the last that are over."""
MOST: Final = 20_000
"""Of days that are not kept so many containments of an account are looked at, the newest."""
_SETTLED: Final = timedelta(hours=1)
"""So long after its end a day is kept: what was about to be written then has been."""
_AT_ONCE: Final = 7
_HOURLY: Final = 3600.0
_MICROSECOND: Final = timedelta(microseconds=1)

Lengths = Mapping[str, Sequence[int]]
"""Microseconds by clock (see `times.Times`), the shortest first; a clock that measured nothing is left out."""


def read(tx: Transaction, organization_id: str, since: date, until: date) -> dict[date, list[Lengths]]:
    """Return the lengths of all days from one to another, both included: of each account, kept or worked out."""
    kept = containment_days.c
    rows = tx.all(
        sa.select(kept.account_id, kept.day, kept.lengths).where(
            kept.organization_id == organization_id, kept.day >= since.isoformat(), kept.day <= until.isoformat()
        )
    )
    found: dict[date, list[Lengths]] = defaultdict(list)
    known: dict[str, set[date]] = defaultdict(set)
    for row in rows:
        day = date.fromisoformat(row["day"])
        known[row["account_id"]].add(day)
        found[day].append(row["lengths"])
    for account_id in _accounts(tx, organization_id):
        lacking = set(_days(since, until)) - known[account_id]
        for day, lengths in measured(tx, account_id, lacking, most=MOST).items():
            found[day].append(lengths)
    return found


def measured(
    tx: Transaction, account_id: str, days: Collection[date], *, most: int | None = None
) -> dict[date, Lengths]:
    """Work out the lengths of some days of an account, for those that have any, from its newest containments or from all."""
    if not days:
        return {}
    found: dict[date, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))

    def take(day: date, name: str, start: datetime | None, end: datetime | None) -> None:
        if start is not None and end is not None and day in days:
            # Defender's clock and ours may differ by a little: nothing took less than no time.
            found[day][name].append(max((end - start) // _MICROSECOND, 0))

    of = containments.c
    confirmed_on = sa.select(of.confirmed_at, of.requested_at, of.accepted_at, alerts.c.event_at).select_from(
        containments.outerjoin(alerts, alerts.c.id == of.alert_id)
    )
    for row in tx.all(_on(confirmed_on, account_id, of.confirmed_at, days, most)):
        day, confirmed = row["confirmed_at"].date(), row["confirmed_at"]
        take(day, "event", row["event_at"], confirmed)
        take(day, "contain", row["requested_at"], confirmed)
        take(day, "accept", row["requested_at"], row["accepted_at"])
        take(day, "confirm", row["accepted_at"], confirmed)
    released_on = sa.select(of.released_at, of.release_requested_at)
    for row in tx.all(_on(released_on, account_id, of.released_at, days, most)):
        take(row["released_at"].date(), "release", row["release_requested_at"], row["released_at"])
    return {day: {name: sorted(lengths) for name, lengths in each.items()} for day, each in found.items()}


def _on(
    query: sa.Select[Any], account_id: str, at: sa.ColumnElement[Any], days: Collection[date], most: int | None
) -> sa.Select[Any]:
    first, last = _begin(min(days)), _begin(max(days) + timedelta(days=1))
    # A host that was held already, by us or by others, was not contained by this request.
    mine = (containments.c.account_id == account_id, containments.c.joined_id.is_(None))
    return query.where(*mine, at >= first, at < last).order_by(at.desc()).limit(most)


def missing(tx: Transaction) -> dict[str, list[date]]:
    """Return the days of each organization that are over and not kept, the newest first."""
    last = (clock.now() - _SETTLED).date() - timedelta(days=1)
    window = list(_days(last - timedelta(days=WINDOW - 1), last))
    kept = containment_days.c
    there = sa.select(kept.account_id, kept.day).where(kept.day >= window[0].isoformat())
    known: dict[str, set[str]] = defaultdict(set)
    for row in tx.all(there):
        known[row["account_id"]].add(row["day"])
    found: dict[str, set[date]] = defaultdict(set)
    for row in tx.all(sa.select(accounts.c.id, accounts.c.organization_id)):
        found[row["organization_id"]].update(each for each in window if each.isoformat() not in known[row["id"]])
    return {organization_id: sorted(days, reverse=True) for organization_id, days in found.items() if days}


def keep(tx: Transaction, organization_id: str, days: Sequence[date]) -> int:
    """Keep some days that are over, of all accounts of an organization; returns how many rows that made."""
    # Whoever takes alerts in locks the account, and may learn when an event was: either they see the row or we what they learned.
    mine = sa.select(accounts.c.id).where(accounts.c.organization_id == organization_id).order_by(accounts.c.id)
    rows: list[dict[str, Any]] = []
    for account in tx.all(mine.with_for_update(key_share=True)):
        lengths = measured(tx, account["id"], days)
        key = {"account_id": account["id"], "organization_id": organization_id}
        rows += [{**key, "day": day.isoformat(), "lengths": lengths.get(day, {})} for day in days]
    tx.insert_new(containment_days, rows)
    return len(rows)


def forget(tx: Transaction, alert_ids: Sequence[str]) -> None:
    """Take away the days on which hosts were contained because of alerts of which it is now known when their events were."""
    of = containments.c
    query = sa.select(of.account_id, of.confirmed_at).where(of.alert_id.in_(alert_ids), of.confirmed_at.is_not(None))
    for row in tx.all(query) if alert_ids else ():
        day = row["confirmed_at"].date().isoformat()
        mine = containment_days.c.account_id == row["account_id"]
        tx.execute(sa.delete(containment_days).where(mine, containment_days.c.day == day))


def drop_old(tx: Transaction) -> int:
    """Delete the rows of days that nobody looks at any more, and return how many."""
    oldest = (clock.now() - _SETTLED).date() - timedelta(days=WINDOW)
    return tx.execute(sa.delete(containment_days).where(containment_days.c.day < oldest.isoformat())).rowcount


class Keeper:
    """Keeps days once an hour; any number of workers may."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Keep until `stop` is set. A failure is tried again an hour later."""
        while not stop.is_set():
            try:
                await self.sweep(stop.is_set)
            except Exception:
                log.exception("days of containments could not be kept; it is tried again")
            try:
                await asyncio.wait_for(stop.wait(), _HOURLY)
            except TimeoutError:
                continue

    async def sweep(self, enough: Callable[[], bool] = lambda: False) -> int:
        """Keep what is over and delete what is old, some days in a transaction; return how many rows were made."""
        made = 0
        for organization_id, days in (await self._database.read(missing)).items():
            for at in range(0, len(days), _AT_ONCE):
                if enough():
                    return made
                some = days[at : at + _AT_ONCE]
                made += await self._database.run(lambda tx, o=organization_id, some=some: keep(tx, o, some))  # type: ignore[misc]
        if made:
            await self._database.run(drop_old)
        return made


def _accounts(tx: Transaction, organization_id: str) -> list[str]:
    return [row["id"] for row in tx.all(sa.select(accounts.c.id).where(accounts.c.organization_id == organization_id))]


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _begin(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
