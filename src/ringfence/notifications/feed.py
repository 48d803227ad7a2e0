"""Follow the change feed and note what people are to be told: each change once, by a cursor in the same transaction."""

import asyncio
from collections.abc import Sequence
from typing import Final

from ringfence import clock, logs
from ringfence.notifications import outbox, rules
from ringfence.storage import Database, Transaction, cursors
from ringfence.storage.changes import Change

log = logs.get(__name__)

CURSOR: Final = "notifications"
_EVERY: Final = 60.0
_DAILY: Final = 86_400.0


class Feed:
    """Notes what there is to tell, of all organizations; any number of workers may."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tidied = 0.0

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Follow, and look each minute at what time brings, until `stop` is set; failures are tried again."""
        stopping = asyncio.create_task(stop.wait())
        tasks = [
            asyncio.create_task(cursors.follow(self._database, CURSOR, self.handle)),
            asyncio.create_task(self._watch()),
        ]
        try:
            await asyncio.wait({stopping, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (stopping, *tasks):
                task.cancel()
            await asyncio.gather(stopping, *tasks, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("what time brings could not be looked at; it is tried again")
            await asyncio.sleep(_EVERY)

    async def look(self) -> None:
        """Tell what time has brought, remind, and forget what is long over."""
        await self._database.run(rules.look)
        if clock.timestamp() - self._tidied > _DAILY:
            self._tidied = clock.timestamp()
            await self._database.run(outbox.forget)

    async def handle(self, batch: Sequence[Change]) -> None:
        """Note what a batch of changes means, leaving out those that the cursor is past."""
        # Nearly all changes mean nothing to anybody: they are passed over without a write, also after a restart.
        if any(rules.told_of(each) for each in batch):
            await self._database.run(lambda tx: _note(tx, batch))


def _note(tx: Transaction, batch: Sequence[Change]) -> None:
    for change in cursors.take(tx, CURSOR, batch):
        if rules.told_of(change):
            rules.tell(tx, change)
