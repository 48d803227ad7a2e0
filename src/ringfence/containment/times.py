"""How quickly hosts were contained, and let go: percentiles of the clocks, over all and day by day.

Only what came to its end is counted: a containment that failed or still moves has no time, and is no zero.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Final

from ringfence import clock
from ringfence.containment import days as kept
from ringfence.storage import Transaction

_PERCENTS: Final = (50, 95)


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
    return _spread(sorted(each // timedelta(microseconds=1) for each in lengths))


def times(tx: Transaction, organization_id: str, *, days: int = 30) -> Times:
    """Return the clocks of what was confirmed, and of what was let go, in the last `days` days, today with them."""
    today = clock.now().date()
    since = today - timedelta(days=days - 1)
    found = kept.read(tx, organization_id, since, today)
    all_days = [since + timedelta(days=number) for number in range(days)]

    def of(name: str, *those: date) -> Spread:
        every = [lengths[name] for day in those for lengths in found.get(day, ()) if name in lengths]
        return _spread(sorted(chain.from_iterable(every)))

    return Times(
        since=datetime(since.year, since.month, since.day, tzinfo=UTC),
        event=of("event", *all_days),
        contain=of("contain", *all_days),
        accept=of("accept", *all_days),
        confirm=of("confirm", *all_days),
        release=of("release", *all_days),
        days=tuple(Day(day, of("contain", day)) for day in all_days),
    )


def _spread(lengths: Sequence[int]) -> Spread:
    """Return the percentiles of sorted microseconds."""
    if not lengths:
        return Spread(0)
    median, most = (lengths[-(-len(lengths) * percent // 100) - 1] for percent in _PERCENTS)
    return Spread(len(lengths), timedelta(microseconds=median), timedelta(microseconds=most))
