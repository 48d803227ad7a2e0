"""Whether a service sees everything, and how late: what a sweep concludes from what it read. Pure.

Microsoft shows some alerts late: a poll that has passed their time cannot have seen them. That is missed, taken in, and no
fault of the service. What turns a service unhealthy is a cursor that cannot be trusted: see `problem`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

GRACE: Final = timedelta(minutes=15)
_AHEAD: Final = timedelta(minutes=1)
_BACK: Final = timedelta(seconds=1)
_FEWEST_JUMPED: Final = 3


@dataclass(frozen=True, slots=True)
class Delays:
    """How many seconds passed from the creation of alerts until they were seen; percentiles by nearest rank."""

    count: int
    p50: float
    p90: float
    p99: float
    longest: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What one sweep knows; `watermark` is how far the polls had come when it began, `newest` the tenant's latest update.

    Of the alerts that were updated between the previous sweep's watermark and this one's, `known` had been taken in by polls and
    `missed` had not. `grace` is how long an alert may be there before not having been polled means something.
    """

    now: datetime
    since: datetime
    watermark: datetime | None
    newest: datetime | None
    polled_at: datetime | None
    grace: timedelta
    known: int
    missed: int


@dataclass(frozen=True, slots=True)
class Before:
    """What the sweep before this one saw."""

    watermark: datetime | None
    newest: datetime | None


def delays(seconds: Iterable[float]) -> Delays | None:
    """Return the distribution of delays, None of none; one below zero, by clocks that differ, counts as none at all."""
    found = sorted(max(each, 0.0) for each in seconds)
    if not found:
        return None

    def at(percent: int) -> float:
        return round(found[max(0, -(-len(found) * percent // 100) - 1)], 3)

    return Delays(len(found), at(50), at(90), at(99), round(found[-1], 3))


def problem(seen: Reading, before: Before | None) -> str:
    """Return in one sentence why the cursor of a service cannot be trusted, an empty text if it can."""
    if seen.watermark is not None and seen.watermark > seen.now + _AHEAD:
        return f"The watermark {_at(seen.watermark)} lies in the future: alerts until then would not be read."
    if _stands(seen, before):
        assert seen.newest is not None
        return (
            f"The cursor stands: the tenant has alerts that were updated at {_at(seen.newest)}, and the polls have come to "
            f"{_at(seen.watermark)}. The sweep has taken in what was missed."
        )
    if before is None:
        return ""
    if before.watermark is not None and seen.watermark is not None and seen.watermark < before.watermark:
        return f"The watermark moved back, from {_at(before.watermark)} to {_at(seen.watermark)}."
    if before.newest is not None and before.newest >= seen.since and _earlier(seen.newest, before.newest):
        return (
            f"The tenant's newest alert was updated at {_at(before.newest)} when last looked, and now at {_at(seen.newest)}: "
            "alerts have gone, or the account reaches another tenant."
        )
    if seen.missed >= _FEWEST_JUMPED and seen.missed > seen.known:
        return (
            f"The cursor jumped from {_at(before.watermark)} to {_at(seen.watermark)}: of the alerts between, polls took in "
            f"{seen.known} and passed over {seen.missed}. The sweep has taken them in."
        )
    return ""


def _stands(seen: Reading, before: Before | None) -> bool:
    """Tell whether alerts have lain beyond the watermark for longer than any poll should take to come by."""
    if seen.newest is None or not _earlier(seen.watermark, seen.newest):
        return False
    old = seen.now - seen.grace
    if seen.newest < old and (seen.polled_at is None or seen.polled_at < old):
        return True
    # One that surfaced late a moment ago is the next poll's; one that was there at the last sweep is not.
    if before is None or before.newest is None:
        return False
    lain = min(seen.newest, before.newest)
    return lain < old and _earlier(seen.watermark, lain)


def _earlier(one: datetime | None, other: datetime) -> bool:
    return one is None or one < other - _BACK


def _at(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment is not None else "nowhere"
