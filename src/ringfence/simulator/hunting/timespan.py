"""The timespan of a hunting request: an ISO 8601 duration or interval, never more than the 30 days that are kept."""

import re
from dataclasses import dataclass

from ringfence.simulator import timestamps

KEPT_SECONDS = 30 * 86_400
_DURATION = re.compile(
    r"P(?:(\d{1,6})Y)?(?:(\d{1,6})M)?(?:(\d{1,6})W)?(?:(\d{1,6})D)?"
    r"(?:T(?:(\d{1,8})H)?(?:(\d{1,8})M)?(?:(\d{1,10}(?:\.\d{1,7})?)S)?)?",
    re.ASCII,
)
_UNITS = (31_536_000, 2_592_000, 604_800, 86_400, 3_600, 60, 1)


class TimespanError(ValueError):
    """A timespan cannot be read."""


@dataclass(frozen=True)
class Window:
    """The moments of the rows that a query may see, in ticks, both included."""

    first: int
    last: int


def window(text: str | None, now: float) -> Window:
    """Return the window of a request made now; none given means all that is kept. Raises TimespanError."""
    present = timestamps.to_ticks(now)
    oldest = present - KEPT_SECONDS * timestamps.TICKS
    first, last = (oldest, present) if text is None else _read(text.strip(), present)
    return Window(max(first, oldest), min(last, present))


def _read(text: str, present: int) -> tuple[int, int]:
    begin, slash, end = text.partition("/")
    if not slash:
        return present - _duration(text), present
    if begin.startswith("P"):
        last = _moment(end)
        return last - _duration(begin), last
    first = _moment(begin)
    return first, first + _duration(end) if end.startswith("P") else _moment(end)


def _duration(text: str) -> int:
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        raise TimespanError(f"'{text}' is not an ISO 8601 duration such as P30D or PT12H.")
    seconds = sum(float(number) * unit for number, unit in zip(found.groups(), _UNITS, strict=True) if number)
    return round(seconds * timestamps.TICKS)


def _moment(text: str) -> int:
    try:
        return timestamps.read(text)
    except ValueError as problem:
        raise TimespanError(f"'{text}' is not a moment such as 2026-03-01T12:00:00Z.") from problem
