"""What a tenant grants as windows, each purpose's share of them, and what a ledger leaves of them; pure.

The shares of each common window are nested, which makes the order of purposes strict; the last tenth is for releases alone.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from ringfence import clock
from ringfence.defender.catalogue import OPERATIONS, SHARED_LIMITS, Api, Operation, Priority
from ringfence.defender.ledger import Ledger, Window, opens, spent

_RESERVED: Final = {Priority.RELEASE: 0, Priority.CONTAIN: 10, Priority.CONFIRM: 20, Priority.INGEST: 25}
_MOST_RESERVED: Final = 30
"""Percent of a common window that a priority leaves to those before it."""


@dataclass(frozen=True)
class Limits:
    """What a tenant grants: what Microsoft documents, or `times` as much for a simulator that knows no quota."""

    times: int = 1

    def common(self, api: Api) -> list[Window]:
        """Return the windows that all operations of an API share."""
        minute, hour = SHARED_LIMITS[api]
        return [
            Window(f"{api.value}/{seconds}", seconds, calls * self.times)
            for calls, seconds in ((minute, 60), (hour, 3600))
            if calls is not None
        ]

    def own(self, operation: Operation) -> list[Window]:
        """Return the windows of one operation alone."""
        return [
            Window(f"{operation.id}/{seconds}", seconds, calls * self.times) for calls, seconds in operation.own_limits
        ]


DOCUMENTED: Final = Limits()


@dataclass(frozen=True)
class Left:
    """What is left of one window: calls for each priority, and when a closed way opens (seconds since the epoch, or 0).

    `operation` is the one that the window is for, None where all operations of the API share it.
    """

    window: str
    api: Api
    operation: str | None
    calls: int
    seconds: int
    spent: int
    left: dict[Priority, int]
    closed_until: float


def share(calls: int, purpose: Priority) -> int:
    """Return how many calls of a common window a priority may use."""
    return calls - calls * _RESERVED.get(purpose, _MOST_RESERVED) // 100


@lru_cache(maxsize=1024)
def windows(limits: Limits, operation: Operation, purpose: Priority) -> tuple[Window, ...]:
    """Return the windows that a call must fit into: its purpose's share of the common ones, and the operation's own."""
    common = [replace(window, calls=share(window.calls, purpose)) for window in limits.common(operation.api)]
    return (*common, *limits.own(operation))


def windows_left(api: Api, ledger: Ledger, *, limits: Limits = DOCUMENTED) -> list[Left]:
    """Say what a ledger leaves of each window that an API's operations share, and of each other window in use."""
    now = clock.timestamp()
    found: list[Left] = []
    for window in limits.common(api):
        used = spent(ledger, window, now)
        rest = {each: max(0, share(window.calls, each) - used) for each in Priority}
        found.append(_left(window, api, None, used, rest, opens(ledger, api.value, now)))
    for operation in OPERATIONS.values():
        if operation.api is not api:
            continue
        for window in limits.own(operation):
            used, until = spent(ledger, window, now), opens(ledger, operation.id, now)
            if used or until:
                rest = dict.fromkeys(Priority, max(0, window.calls - used))
                found.append(_left(window, api, operation.id, used, rest, until))
    return found


def _left(window: Window, api: Api, operation: str | None, used: int, rest: dict[Priority, int], until: float) -> Left:
    return Left(window.name, api, operation, window.calls, window.seconds, used, rest, until)
