"""Times and lengths of time as they are read in a terminal."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from ringfence import clock

_PARTS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def age(moment: datetime | None) -> str:
    """Return how far a moment is from now in one unit: `now`, `40 s ago`, `3 min ago`, `in 2 h`; `-` for None."""
    if moment is None:
        return "-"
    seconds = (clock.now() - moment).total_seconds()
    size, unit = next((part for part in _PARTS if abs(seconds) >= part[0]), (1, "s"))
    number = int(abs(seconds) // size)
    if number == 0:
        return "now"
    return f"{number} {unit} ago" if seconds > 0 else f"in {number} {unit}"


def exact(moment: datetime | None) -> str:
    """Return a moment with its age: `2026-03-01 10:02:03 UTC (3 min ago)`; `-` for None."""
    if moment is None:
        return "-"
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC ({age(moment)})"


def time_of_day(moment: datetime) -> str:
    """Return the time of day in UTC to the millisecond: `10:02:03.045`."""
    return moment.astimezone(UTC).strftime("%H:%M:%S.%f")[:-3]


def length(took: timedelta | None) -> str:
    """Return a length of time in two units at most: `40 ms`, `4.2 s`, `3 min 20 s`, `2 d 4 h`; `-` for None."""
    if took is None:
        return "-"
    seconds = max(took.total_seconds(), 0.0)
    if seconds < 0.9995:
        return f"{round(seconds * 1000)} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for (size, unit), (smaller, small_unit) in pairwise(_PARTS):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit} {rest} {small_unit}" if rest else f"{whole // size} {unit}"
    return f"{whole} s"
