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
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Final, Protocol, TypeVar

from ringfence import clock
from ringfence.defender.catalogue import Api, Operation, Priority
from ringfence.defender.errors import BudgetSpent
from ringfence.defender.ledger import Demand, Ledger, close, spend
from ringfence.defender.limits import DOCUMENTED, Left, Limits, windows, windows_left

__all__ = ["BudgetStore", "CallBudget", "MemoryStore", "Priority", "current_priority", "ledger_key", "priority"]

_SPREAD: Final = 0.25
"""Seconds over which the waiters of one priority come back; those of the next follow after them."""

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
    """Return what an operation is called for: what was chosen, else its own purpose.

    To let go and to cut off stay what they are, whoever asks for them: a choice makes them more important, never less.
    """
    own, chosen = operation.priority, _chosen.get()
    if chosen is None:
        return own
    return min(own, chosen) if own <= Priority.CONTAIN else chosen


class BudgetStore(Protocol):
    """Keeps ledgers by key, each changed by one caller at a time.

    A step is pure, so that a store may repeat it. A ledger is at most a few kilobytes and may be forgotten two hours after
    its last change. Failures of the store are the caller's to see: without a ledger nothing is sent.
    """

    async def change(self, key: str, step: Step[T]) -> T:
        """Replace the ledger of a key by what `step` makes of it (a new one is empty) and return the step's result."""
        ...

    async def read(self, key: str) -> Ledger:
        """Return the ledger of a key, an empty one where there is none."""
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

    async def read(self, key: str) -> Ledger:
        """Return a ledger."""
        return self._ledgers.get(key, Ledger())


class CallBudget:
    """The budget of one application in one tenant, to be used on one event loop; others share its store.

    `patience` bounds, in seconds, how long a call for a purpose may wait in here, whatever its caller would allow.
    `limits` are what the tenant grants. `wait` and `chance` (0 to 1) are seams for tests.
    """

    def __init__(
        self,
        store: BudgetStore,
        tenant_id: str,
        client_id: str,
        *,
        patience: Mapping[Priority, float] | None = None,
        limits: Limits = DOCUMENTED,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._keys = {api: ledger_key(api, tenant_id, client_id) for api in Api}
        self._patience = patience or {}
        self._limits = limits
        self._wait = wait
        self._chance = chance
        self._lines: dict[tuple[str, Priority], _Line] = {}

    async def spend(self, operation: Operation, *, patience: float) -> None:
        """Take one call, waiting for it up to `patience` seconds; BudgetSpent says how long it would take instead.

        Of those who wait in this process for the same thing, the first in line asks the ledger and the others wait for
        their turn.
        """
        purpose = current_priority(operation)
        patience = min(patience, self._patience.get(purpose, patience))
        demand = Demand(
            windows=windows(self._limits, operation, purpose),
            ways=_ways(operation),
            urgent=purpose is Priority.RELEASE,
        )
        line_key = (operation.id if operation.own_limits else operation.api.value, purpose)
        line = self._lines.setdefault(line_key, _Line())
        line.length += 1
        began, waited = clock.timestamp(), 0.0
        try:
            async with line.lock:
                while True:
                    until = await self._store.change(
                        self._keys[operation.api], lambda ledger: spend(ledger, demand, clock.timestamp())
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

        await self._store.change(self._keys[operation.api], step)

    async def left(self) -> list[Left]:
        """Return what is left of each window that all operations of an API share, and of each window in use."""
        found: list[Left] = []
        for api in Api:
            found += windows_left(api, await self._store.read(self._keys[api]), limits=self._limits)
        return found


class _Line:
    """Those who wait for the same thing in this process."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.length = 0


def ledger_key(api: Api, tenant_id: str, client_id: str) -> str:
    """Return the key under which a store keeps the ledger of one application in one tenant."""
    return f"{api.value}:{tenant_id.strip().lower()}:{client_id.strip().lower()}"


def _ways(operation: Operation) -> tuple[str, ...]:
    """Return what a 429 may have closed for an operation; the last is what a 429 for the operation closes."""
    whole = operation.api.value
    return (whole, operation.id) if operation.own_limits else (whole,)
