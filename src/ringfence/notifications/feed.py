"""Follow the change feed and note what people are to be told: each change once, by a cursor in the same transaction."""

import asyncio
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from ringfence import clock, logs
from ringfence.notifications import outbox, rules
from ringfence.storage import Database, Transaction, changes
from ringfence.storage.changes import Change
from ringfence.storage.tables import feed_cursors

log = logs.get(__name__)

CURSOR: Final = "notifications"
_EVERY: Final = 60.0
_AFTER_FAILURE: Final = 5.0
_DAILY: Final = 86_400.0


class Feed:
    """Notes what there is to tell, of all organizations; any number of workers may."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tidied = 0.0

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Follow, and look each minute at what time brings, until `stop` is set; failures are tried again."""
        stopping = asyncio.create_task(stop.wait())
        tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._watch())]
        try:
            await asyncio.wait({stopping, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (stopping, *tasks):
                task.cancel()
            await asyncio.gather(stopping, *tasks, return_exceptions=True)

    async def _follow(self) -> None:
        while True:
            try:
                start = await self._database.run(position)
                async for batch in changes.follow(self._database, start):
                    await self.handle(batch)
            except Exception:
                log.exception("the change feed broke off for notifications; it is followed on from the same place")
            await asyncio.sleep(_AFTER_FAILURE)

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


def position(tx: Transaction) -> int:
    """Return how far the feed was read, locked for this transaction; it begins at the newest change there is."""
    tx.insert_new(feed_cursors, [{"name": CURSOR, "position": changes.latest(tx)}])
    query = sa.select(feed_cursors.c.position).where(feed_cursors.c.name == CURSOR).with_for_update()
    return int(tx.scalar(query))


def _note(tx: Transaction, batch: Sequence[Change]) -> None:
    passed = position(tx)
    fresh = [each for each in batch if each.id > passed]
    for change in fresh:
        if rules.told_of(change):
            rules.tell(tx, change)
    if fresh:
        moved = sa.update(feed_cursors).where(feed_cursors.c.name == CURSOR).values(position=fresh[-1].id)
        tx.execute(moved)
