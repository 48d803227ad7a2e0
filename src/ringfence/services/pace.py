"""When to poll next: by a fixed interval, or as fast as the hourly budget allows. Pure.

The adaptive pace is quick while alerts come and slower when none have come for a while, but never so slow that an alert
would wait long: even at rest it waits half of `REST` on average. What it may spend in an hour is a share of what the tenant
grants; the less of it is left, the longer the pauses, so that it never runs dry and never takes from containment.
"""

import re
from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from ringfence.errors import Invalid

ADAPTIVE: Final = "adaptive"
SHORTEST: Final = 1.0
LONGEST: Final = 7 * 86_400.0
HOURLY_CALLS: Final = 1_500
"""Calls that a tenant grants an application in an hour (fact book, page api-throttling)."""
SHARE: Final = 0.6
QUICK: Final = 2.0
REST: Final = 9.0
_AWAKE: Final = 60.0
_DROWSY: Final = 600.0
_HOUR: Final = 3_600.0
_UNITS: Final = {
    "s": 1,
    "sec": 1,
    "second": 1,
    "seconds": 1,
    "min": 60,
    "minute": 60,
    "minutes": 60,
    "h": 3_600,
    "hour": 3_600,
    "hours": 3_600,
    "d": 86_400,
    "day": 86_400,
    "days": 86_400,
}
_FORM: Final = re.compile(r"(\d{1,6}(?:\.\d{1,3})?) ?([a-z]*)", re.ASCII)


def interval(text: str) -> float | None:
    """Return the seconds that a service's interval means, None for `adaptive`; Invalid for anything else.

    A number without a unit is minutes.
    """
    words = text.strip().lower()
    if words == ADAPTIVE:
        return None
    form = _FORM.fullmatch(words)
    unit = _UNITS.get(form[2] or "min") if form is not None else None
    if form is None or unit is None:
        raise Invalid(
            f"{text[:40]!r} is not a poll interval.", advice="Write minutes (5), 30 s, 5 min, 1 h, or adaptive."
        )
    seconds = float(Decimal(form[1]) * unit)
    if not SHORTEST <= seconds <= LONGEST:
        raise Invalid(
            f"{text[:40]!r} is too short or too long for a poll interval.", advice="Take from 1 s to 7 d, or adaptive."
        )
    return seconds


def pause(*, spent: int, allowed: int, quiet: float) -> float:
    """Return the seconds to wait before the next poll.

    `spent` calls were made in the last hour of `allowed`; the last alert came `quiet` seconds ago. Infinite where nothing is
    left: then the next call has to wait for an old one to leave the hour.
    """
    left = allowed - spent
    if left <= 0:
        return float("inf")
    drowsiness = min(1.0, max(0.0, (quiet - _AWAKE) / (_DROWSY - _AWAKE)))
    wanted = QUICK + (REST - QUICK) * drowsiness
    half = allowed / 2
    return max(wanted, 0.0 if left >= half else _HOUR / allowed * half / left)


@dataclass(slots=True)
class Pace:
    """Remembers, for one service, what an adaptive pace depends on; times are seconds since the epoch.

    `sharing` services poll one tenant adaptively and share its budget.
    """

    allowed: int = int(HOURLY_CALLS * SHARE)
    sharing: int = 1
    _calls: deque[tuple[float, int]] = field(default_factory=deque)
    _spent: int = 0
    _news: float = float("-inf")

    def assume(self, now: float) -> None:
        """Assume that there was polling at rest for the last hour: what was spent before a restart is not known."""
        for number in range(int(_HOUR / REST), 0, -1):
            self._note(now - number * REST, 1)

    def polled(self, now: float, calls: int, *, news: bool) -> None:
        """Take note of a poll that made so many calls, and whether it met anything new."""
        self._note(now, calls)
        if news:
            self._news = now

    def next(self, now: float) -> float:
        """Return the seconds until the next poll."""
        self._forget(now)
        waits = pause(spent=self._spent, allowed=max(1, self.allowed // self.sharing), quiet=now - self._news)
        if waits != float("inf"):
            return waits
        return max(QUICK, self._calls[0][0] + _HOUR - now)

    def _note(self, now: float, calls: int) -> None:
        self._calls.append((now, calls))
        self._spent += calls

    def _forget(self, now: float) -> None:
        while self._calls and self._calls[0][0] <= now - _HOUR:
            self._spent -= self._calls.popleft()[1]
