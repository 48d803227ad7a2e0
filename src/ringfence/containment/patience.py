"""Settle questions on time: a task of each worker that sleeps until the next one is due, also when nobody looks."""

import asyncio
from typing import Final

from ringfence import clock, logs
from ringfence.approvals import service as approvals
from ringfence.containment import asking
from ringfence.storage import Database
from ringfence.storage.rounds import LONGEST_SLEEP, rounds

log = logs.get(__name__)

_SHORTEST_SLEEP = 0.05
# A question whose run has ended is found by looking, not by listening: runs change a hundred times a second.
LONGEST_LOOK: Final = 2.0
"""Seconds after which it is looked again at the latest while any question is open."""


class Patience:
    """Escalates and ends questions whose time is over; any number of workers may."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Settle until `stop` is set; a change here, or the next due moment, wakes it. A failure is tried again."""
        await rounds(self._database, stop, self.settle, nouns=("approval",), what="questions")

    async def settle(self) -> float:
        """Settle what is due and return after how many seconds to look again."""
        # Most changes are none of ours: asked for without writing.
        due_at = await self._database.read(approvals.next_due)
        over = due_at is not None and due_at <= clock.now()
        abandoned = [] if over or due_at is None else await self._database.read(asking.abandoned)
        if over or abandoned:
            for each in await self._database.run(asking.settle_due):
                log.info("question settled", approval=each.id, state=each.state.value, open=each.open)
            due_at = await self._database.read(approvals.next_due)
        if due_at is None:
            return LONGEST_SLEEP
        return min(max((due_at - clock.now()).total_seconds(), _SHORTEST_SLEEP), LONGEST_LOOK)
