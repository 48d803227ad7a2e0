"""The accounting of calls, pure: what was spent in which window, what a 429 has closed, and whether one more call fits.

Calls are counted in slots of a sixtieth of their window. A slot counts until all of it has left the window, so that at no
moment more calls than allowed lie within any stretch of the window's length; a ledger stays small however many calls it
counts. Times are seconds since the epoch and are given by the caller.
"""

import json
import math
from dataclasses import dataclass, field
from typing import Any, Final

LONGEST_CLOSED: Final = 3600.0
"""Seconds for which a 429 closes a way at most: no window is longer, so a longer pause is a mistake."""
_FIRST_PAUSE: Final = 5.0
_LONGEST_PAUSE: Final = 60.0
_PROBE: Final = 60.0
"""Seconds after which an urgent call is tried although the way is closed."""
_SLOTS: Final = 60
_VERSION: Final = 1


@dataclass(frozen=True)
class Window:
    """At most `calls` within any `seconds`."""

    name: str
    seconds: int
    calls: int


@dataclass(frozen=True)
class Demand:
    """One call: it must fit into each of the windows, and none of the ways may be closed."""

    windows: tuple[Window, ...]
    ways: tuple[str, ...]
    urgent: bool = False


@dataclass(frozen=True)
class Closed:
    """A way that a 429 has closed; `strikes` counts those in a row."""

    since: float
    until: float
    strikes: int


@dataclass(frozen=True)
class Ledger:
    """What was spent and what is closed; `slots` holds (number of the slot, calls) in rising order for each window."""

    slots: dict[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    closed: dict[str, Closed] = field(default_factory=dict)

    def dump(self) -> str:
        """Write the ledger as JSON."""
        closed = {way: [each.since, each.until, each.strikes] for way, each in self.closed.items()}
        return json.dumps({"v": _VERSION, "slots": self.slots, "closed": closed}, separators=(",", ":"))

    @classmethod
    def load(cls, text: str) -> "Ledger":
        """Read a ledger; what cannot be read is an empty one, and the service's own 429 then sets it right."""
        try:
            document: Any = json.loads(text)
            if document["v"] != _VERSION:
                return cls()
            slots = {
                str(name): tuple((int(number), int(calls)) for number, calls in pairs)
                for name, pairs in document["slots"].items()
            }
            closed = {
                str(way): Closed(float(since), float(until), int(strikes))
                for way, (since, until, strikes) in document["closed"].items()
            }
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            return cls()
        return cls(slots, closed)


def spend(ledger: Ledger, demand: Demand, now: float) -> tuple[Ledger, float]:
    """Take one call if it fits; returns the ledger after it and 0, or the same ledger and when to ask again."""
    until = max([_closed_until(ledger, way, now, urgent=demand.urgent) for way in demand.ways], default=0.0)
    until = max([until, *(_fits_at(ledger, window, now) for window in demand.windows)])
    if until > now:
        return ledger, until
    slots = dict(ledger.slots)
    for window in demand.windows:
        length = _length(window)
        live = _live(ledger, window, now)
        # A clock that went back a little counts into the newest slot: the order of the slots is the order of the calls.
        number = max(math.floor(now / length), live[-1][0] if live else 0)
        if live and live[-1][0] == number:
            slots[window.name] = (*live[:-1], (number, live[-1][1] + 1))
        else:
            slots[window.name] = (*live, (number, 1))
    return Ledger(slots, ledger.closed), 0.0


def close(ledger: Ledger, way: str, now: float, retry_after: float | None) -> Ledger:
    """Close a way after a 429: as long as it asks, within reason, else for a pause that doubles from one to the next."""
    before = ledger.closed.get(way)
    strikes, still = 1, 0.0
    if before is not None and before.since <= now < before.until:
        # Of the same storm: calls that were on their way together are refused together.
        strikes, still = before.strikes, before.until
    elif before is not None and before.until <= now < before.until + 2 * _LONGEST_PAUSE:
        strikes = before.strikes + 1
    if retry_after is not None and math.isfinite(retry_after) and retry_after >= 0:
        pause = min(retry_after, LONGEST_CLOSED)
    else:
        pause = min(_FIRST_PAUSE * 2.0 ** min(strikes - 1, 10), _LONGEST_PAUSE)
    until = max(now + pause, min(still, now + LONGEST_CLOSED))
    return Ledger(ledger.slots, {**ledger.closed, way: Closed(now, until, strikes)})


def spent(ledger: Ledger, window: Window, now: float) -> int:
    """Return how many calls count in a window."""
    return sum(calls for _, calls in _live(ledger, window, now))


def opens(ledger: Ledger, way: str, now: float) -> float:
    """Return when a closed way opens, 0 if it is open."""
    return _closed_until(ledger, way, now, urgent=False)


def _length(window: Window) -> float:
    return window.seconds / _SLOTS


def _live(ledger: Ledger, window: Window, now: float) -> list[tuple[int, int]]:
    length = _length(window)
    # What lies further ahead than a window was written by a clock that was wrong: it must not block a release for long.
    return [
        (number, calls)
        for number, calls in ledger.slots.get(window.name, ())
        if (number + 1) * length + window.seconds > now and number * length <= now + window.seconds
    ]


def _fits_at(ledger: Ledger, window: Window, now: float) -> float:
    """Return when one more call fits: now, or when enough slots will have left the window."""
    live = _live(ledger, window, now)
    too_many = sum(calls for _, calls in live) - window.calls + 1
    if too_many <= 0:
        return now
    for number, calls in live:
        too_many -= calls
        if too_many <= 0:
            return (number + 1) * _length(window) + window.seconds
    return now + window.seconds


def _closed_until(ledger: Ledger, way: str, now: float, *, urgent: bool) -> float:
    closed = ledger.closed.get(way)
    if closed is None or closed.until <= now or closed.since > now + LONGEST_CLOSED:
        return 0.0
    until = min(closed.until, closed.since + LONGEST_CLOSED)
    if urgent:
        until = min(until, closed.since + _PROBE)
    return until if until > now else 0.0
