"""Cursors of the change feed: how far somebody came who acts on changes, kept in the transaction that acts.

So each change is acted on once, however many workers follow and wherever one of them dies.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import sqlalchemy as sa

from ringfence import logs
from ringfence.storage import changes
from ringfence.storage.changes import Change
from ringfence.storage.database import Database, Transaction
from ringfence.storage.tables import feed_cursors

AFTER_FAILURE: Final = 5.0
"""Seconds until the feed is followed again where that broke off."""
_log = logs.get(__name__)


def position(tx: Transaction, name: str) -> int:
    """Return how far the feed was read, locked for this transaction; a new cursor begins at the newest change there is."""
    tx.insert_new(feed_cursors, [{"name": name, "position": changes.latest(tx)}])
    query = sa.select(feed_cursors.c.position).where(feed_cursors.c.name == name).with_for_update()
    return int(tx.scalar(query))


def take(tx: Transaction, name: str, batch: Sequence[Change]) -> list[Change]:
    """Return the changes of a batch that the cursor is not past yet, and move it past them with this transaction."""
    passed = position(tx, name)
    fresh = [each for each in batch if each.id > passed]
    if fresh:
        tx.execute(sa.update(feed_cursors).where(feed_cursors.c.name == name).values(position=fresh[-1].id))
    return fresh


async def follow(database: Database, name: str, handle: Callable[[Sequence[Change]], Awaitable[object]]) -> None:
    """Hand batches of changes over from the cursor on, for ever; after a failure again from where it stands.

    `handle` takes what it acts on by `take`; a batch that means nothing to it may be passed over without a write.
    """
    while True:
        try:
            start = await database.run(lambda tx: position(tx, name))
            async for batch in changes.follow(database, start, gather=changes.GATHER):
                await handle(batch)
        except Exception:
            _log.exception("change_feed_broke_off", cursor=name)
        await asyncio.sleep(AFTER_FAILURE)
