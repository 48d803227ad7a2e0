"""How quickly hosts were contained, and let go: percentiles of the clocks, over all and day by day.

Only what came to its end is counted: a containment that failed or still moves has no time, and is no zero.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.storage import Transaction
from ringfence.storage.tables import alerts, containments

MOST: Final = 20_000
"""So many containments are looked at, the newest: a storm does not make the page slow."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took: how many there are, their median, and what 95 of 100 stayed below; None where there are none."""

    many: int
    median: timedelta | None = None
    most: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """The containments that were confirmed on one day (UTC)."""

    day: date
    contain: Spread


@dataclass(frozen=True, slots=True)
class Times:
    """The clocks since a moment.

    `event` is from the event on the host to Defender's confirmation, `contain` from our request to the confirmation, `accept`
    from our request to Defender's yes, `confirm` from that to the confirmation, `release` from the request to let go to its
    confirmation. `days` holds every day since then, also those without any.
    """

    since: datetime
    event: Spread
    contain: Spread
    accept: Spread
    confirm: Spread
    release: Spread
    days: tuple[Day, ...]


def spread(lengths: Iterable[timedelta]) -> Spread:
    """Return the percentiles of some lengths, each one that really occurred (nearest rank)."""
    known = sorted(lengths)
    if not known:
        return Spread(0)

    def at(percent: int) -> timedelta:
        return known[-(-len(known) * percent // 100) - 1]

    return Spread(len(known), at(50), at(95))


def times(tx: Transaction, organization_id: str, *, days: int = 30) -> Times:
    """Return the clocks of what was confirmed, and of what was let go, in the last `days` days, today with them."""
    today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    since = today - timedelta(days=days - 1)
    kept = containments.c
    query = (
        sa.select(
            kept.requested_at,
            kept.accepted_at,
            kept.confirmed_at,
            kept.release_requested_at,
            kept.released_at,
            alerts.c.event_at,
        )
        .select_from(containments.outerjoin(alerts, alerts.c.id == kept.alert_id))
        .where(
            kept.organization_id == organization_id,
            # A host that was held already, by us or by others, was not contained by this request.
            kept.joined_id.is_(None),
            sa.or_(kept.confirmed_at >= since, kept.released_at >= since),
        )
        .order_by(kept.requested_at.desc())
        .limit(MOST)
    )
    found = tx.all(query)
    confirmed = [row for row in found if row["confirmed_at"] and row["confirmed_at"] >= since]
    released = [row for row in found if row["released_at"] and row["released_at"] >= since]
    by_day: dict[date, list[timedelta]] = defaultdict(list)
    for row in confirmed:
        by_day[row["confirmed_at"].date()].append(row["confirmed_at"] - row["requested_at"])
    return Times(
        since=since,
        event=_between(confirmed, "event_at", "confirmed_at"),
        contain=_between(confirmed, "requested_at", "confirmed_at"),
        accept=_between(confirmed, "requested_at", "accepted_at"),
        confirm=_between(confirmed, "accepted_at", "confirmed_at"),
        release=_between(released, "release_requested_at", "released_at"),
        days=tuple(
            Day(day, spread(by_day.get(day, ())))
            for day in ((since + timedelta(days=number)).date() for number in range(days))
        ),
    )


def _between(rows: Sequence[sa.RowMapping], start: str, end: str) -> Spread:
    # Defender's clock and ours may differ by a little: nothing took less than no time.
    return spread(
        max(row[end] - row[start], timedelta()) for row in rows if row[start] is not None and row[end] is not None
    )
