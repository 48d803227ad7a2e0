"""The call budget: what a tenant grants per minute and hour, spent by what a call is made for, so that a release gets through.

    with priority(Priority.CONTAIN):
        await defender.get_machine(machine_id)

Everybody who calls with one application in one tenant (all workers, before and after a restart) shares one ledger, which a
`BudgetStore` keeps. Nested shares of each window make the order strict: a call is refused only when every call that matters
less is refused too, and the last tenth of a window is for releases alone. A 429 closes the way for everybody: for the
operation alone where it has a quota of its own, else for the whole API.
"""

import asyncio
import contextlib
import random
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol, TypeVar

from ringfence import clock
from ringfence.defender.catalogue import OPERATIONS, SHARED_LIMITS, Api, Operation, Priority
from ringfence.defender.errors import BudgetSpent
from ringfence.defender.ledger import Demand, Ledger, Window, close, opens, spend, spent

__all__ = ["BudgetStore", "CallBudget", "Left", "MemoryStore", "Priority", "current_priority", "priority"]

_SPREAD: Final = 0.25
"""Seconds over which the waiters of one priority come back; those of the next follow after them."""
_RESERVED: Final = {Priority.RELEASE: 0, Priority.CONTAIN: 10, Priority.CONFIRM: 20, Priority.INGEST: 25}
_MOST_RESERVED: Final = 30
"""Percent of a shared window that a priority leaves to those before it."""

T = TypeVar("T")
Step = Callable[[Ledger], tuple[Ledger, T]]
_chosen: ContextVar[Priority | None] = ContextVar("ringfence_defender_priority", default=None)


@contextlib.contextmanager
def priority(chosen: Priority) -> Iterator[None]:
    """Make all calls inside the block, in this task and those it starts, for this purpose."""
    token = _chosen.set(chosen)
    try:
        yield
    finally:
        _chosen.reset(token)


def current_priority(operation: Operation) -> Priority:
    """Return what an operation is called for: what was chosen, else its own purpose; letting go is always a release."""
    chosen = _chosen.get()
    return operation.priority if chosen is None or operation.priority is Priority.RELEASE else chosen


class BudgetStore(Protocol):
    """Keeps ledgers by key, each changed by one caller at a time.

    A database implementation is one table with the columns `key` (text, primary key), `ledger` (text) and `changed_at`:
    `change` reads the row under a lock (PostgreSQL: SELECT … FOR UPDATE after INSERT … ON CONFLICT DO NOTHING; SQLite:
    inside BEGIN IMMEDIATE), applies `step` to `Ledger.load(row.ledger)`, and writes `Ledger.dump()` back if it differs.
    A step is pure, so the transaction may be repeated. A ledger is at most a few kilobytes and its row may be deleted an
    hour after its last change. Failures of the store are the caller's to see: without a ledger nothing is sent.
    """

    async def change(self, key: str, step: Step[T]) -> T:
        """Replace the ledger of a key by what `step` makes of it (a new one is empty) and return the step's result."""
        ...


class MemoryStore:
    """Ledgers of one process; it may be shared by clients on several event loops."""

    def __init__(self) -> None:
        self._ledgers: dict[str, Ledger] = {}
        self._lock = threading.Lock()

    async def change(self, key: str, step: Step[T]) -> T:
        """Change a ledger."""
        with self._lock:
            self._ledgers[key], result = step(self._ledgers.get(key, Ledger()))
        return result


@dataclass(frozen=True)
class Left:
    """What is left of one window: calls for each priority, and when a closed way opens (seconds since the epoch, or 0)."""

    window: str
    calls: int
    seconds: int
    spent: int
    left: dict[Priority, int]
    closed_until: float


class CallBudget:
    """The budget of one application in one tenant, to be used on one event loop; others share its store.

    `wait` and `chance` (0 to 1) are seams for tests. Each API has its own ledger; its key is `{api}:{tenant}:{client}`.
    """

    def __init__(
        self,
        store: BudgetStore,
        tenant_id: str,
        client_id: str,
        *,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._owner = f"{tenant_id.strip().lower()}:{client_id.strip().lower()}"
        self._wait = wait
        self._chance = chance
        self._lines: dict[tuple[str, Priority], _Line] = {}

    async def spend(self, operation: Operation, *, patience: float) -> None:
        """Take one call, waiting for it up to `patience` seconds; BudgetSpent says how long it would take instead.

        Of those who wait in this process for the same thing, the first in line asks the ledger and the others wait for
        their turn.
        """
        purpose = current_priority(operation)
        demand = Demand(windows=_windows(operation, purpose), ways=_ways(operation), urgent=purpose is Priority.RELEASE)
        line_key = (operation.id if operation.own_limits else operation.api.value, purpose)
        line = self._lines.setdefault(line_key, _Line())
        line.length += 1
        began, waited = clock.timestamp(), 0.0
        try:
            async with line.lock:
                while True:
                    until = await self._store.change(
                        self._key(operation.api), lambda ledger: spend(ledger, demand, clock.timestamp())
                    )
                    if until == 0.0:
                        return
                    pause = max(until - clock.timestamp(), 0.05)
                    # Pauses are counted as well as measured, so that the bound also holds where a test replaces them.
                    if max(waited, clock.timestamp() - began) + pause > patience:
                        raise BudgetSpent(
                            f"The budget for {operation.id} is spent (purpose: {purpose.name.lower()}).",
                            retry_after=pause,
                            request=f"{operation.method} {operation.path}",
                        )
                    # A little later, and the less important a little later still: nobody comes back in step.
                    pause += (purpose + self._chance()) * _SPREAD
                    await self._wait(pause)
                    waited += pause
        finally:
            line.length -= 1
            if not line.length:
                self._lines.pop(line_key, None)

    async def refused(self, operation: Operation, retry_after: float | None) -> None:
        """Take note of a 429: for `retry_after` seconds, or a growing pause where nothing usable was said, all wait."""
        way = _ways(operation)[-1]

        def step(ledger: Ledger) -> tuple[Ledger, None]:
            return close(ledger, way, clock.timestamp(), retry_after), None

        await self._store.change(self._key(operation.api), step)

    async def left(self) -> list[Left]:
        """Return what is left of each window that all operations of an API share, and of each window in use."""
        found: list[Left] = []
        for api in Api:
            found += await self._store.change(self._key(api), partial(_left, api))
        return found

    def _key(self, api: Api) -> str:
        return f"{api.value}:{self._owner}"


class _Line:
    """Those who wait for the same thing in this process."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.length = 0


def share(calls: int, purpose: Priority) -> int:
    """Return how many calls of a shared window a priority may use."""
    return calls - calls * _RESERVED.get(purpose, _MOST_RESERVED) // 100


def _shared_windows(api: Api, purpose: Priority) -> list[Window]:
    minute, hour = SHARED_LIMITS[api]
    windows = [Window(f"{api.value}/60", 60, share(minute, purpose))]
    return windows if hour is None else [*windows, Window(f"{api.value}/3600", 3600, share(hour, purpose))]


def _own_windows(operation: Operation) -> list[Window]:
    return [Window(f"{operation.id}/{seconds}", seconds, calls) for calls, seconds in operation.own_limits]


def _windows(operation: Operation, purpose: Priority) -> tuple[Window, ...]:
    return (*_shared_windows(operation.api, purpose), *_own_windows(operation))


def _ways(operation: Operation) -> tuple[str, ...]:
    """Return what a 429 may have closed for an operation; the last is what a 429 for the operation closes."""
    whole = operation.api.value
    return (whole, operation.id) if operation.own_limits else (whole,)


def _left(api: Api, ledger: Ledger) -> tuple[Ledger, list[Left]]:
    now = clock.timestamp()
    found: list[Left] = []
    minute, hour = SHARED_LIMITS[api]
    for calls, seconds in ((minute, 60), (hour, 3600)):
        if calls is None:
            continue
        used = spent(ledger, Window(f"{api.value}/{seconds}", seconds, calls), now)
        left = {each: max(0, share(calls, each) - used) for each in Priority}
        found.append(Left(f"{api.value}/{seconds}", calls, seconds, used, left, opens(ledger, api.value, now)))
    for operation in OPERATIONS.values():
        if operation.api is not api:
            continue
        for window in _own_windows(operation):
            used, until = spent(ledger, window, now), opens(ledger, operation.id, now)
            if used or until:
                rest = max(0, window.calls - used)
                found.append(
                    Left(window.name, window.calls, window.seconds, used, dict.fromkeys(Priority, rest), until)
                )
    return ledger, found
