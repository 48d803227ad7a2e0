"""Follow the change feed and put a message on its way to everybody who subscribed: each change once, by a cursor."""

import asyncio
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from ringfence import logs
from ringfence.storage import Database, Transaction, changes
from ringfence.storage.changes import Change
from ringfence.storage.tables import feed_cursors
from ringfence.subscriptions import records
from ringfence.subscriptions.model import NOUNS, body

log = logs.get(__name__)

CURSOR: Final = "subscriptions"
_AFTER_FAILURE: Final = 5.0


class Feed:
    """Notes what is to be sent, of all organizations; any number of workers may. `origin` is where the pages are."""

    def __init__(self, database: Database, origin: str) -> None:
        self._database = database
        self._origin = origin

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Follow until `stop` is set; failures are tried again."""
        stopping = asyncio.create_task(stop.wait())
        following = asyncio.create_task(self._follow())
        try:
            await asyncio.wait({stopping, following}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (stopping, following):
                task.cancel()
            await asyncio.gather(stopping, following, return_exceptions=True)

    async def _follow(self) -> None:
        while True:
            try:
                start = await self._database.run(position)
                async for batch in changes.follow(self._database, start):
                    await self.handle(batch)
            except Exception:
                log.exception("the change feed broke off for subscriptions; it is followed on from the same place")
            await asyncio.sleep(_AFTER_FAILURE)

    async def handle(self, batch: Sequence[Change]) -> None:
        """Put messages about a batch of changes on their way, leaving out those that the cursor is past."""
        if any(each.noun in NOUNS for each in batch):
            await self._database.run(lambda tx: _note(tx, batch, self._origin))


def position(tx: Transaction) -> int:
    """Return how far the feed was read, locked for this transaction; it begins at the newest change there is."""
    tx.insert_new(feed_cursors, [{"name": CURSOR, "position": changes.latest(tx)}])
    query = sa.select(feed_cursors.c.position).where(feed_cursors.c.name == CURSOR).with_for_update()
    return int(tx.scalar(query))


def _note(tx: Transaction, batch: Sequence[Change], origin: str) -> None:
    passed = position(tx)
    fresh = [each for each in batch if each.id > passed]
    for organization_id in dict.fromkeys(each.organization_id for each in fresh):
        subscribed = records.every(tx, organization_id)
        for change in fresh if subscribed else ():
            if change.organization_id != organization_id:
                continue
            for each in subscribed:
                # What happened before somebody subscribed, or while nothing was to be sent, is not told afterwards.
                if each.wants(change.noun, change.kind) and each.state != "paused" and change.at >= each.created_at:
                    said = body(
                        change.noun,
                        change.noun_id,
                        change.kind,
                        change.at,
                        organization_id=organization_id,
                        origin=origin,
                    )
                    records.put(tx, each, said["type"], said, change=change.id)
                    tx.changed(organization_id, "subscription", each.id, "waiting")
    if fresh:
        moved = sa.update(feed_cursors).where(feed_cursors.c.name == CURSOR).values(position=fresh[-1].id)
        tx.execute(moved)
