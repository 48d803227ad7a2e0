"""The numbered change feed that live pages and waiting runs follow.

Numbers rise in the order of commits on both databases (see `Transaction.write_changes`), so that a follower that has seen
number n misses nothing by asking for what is above n.
"""

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.storage.bell import bell
from ringfence.storage.database import Database, Transaction
from ringfence.storage.tables import changes
from ringfence.waiting import pause

GATHER: Final = 0.2
"""Seconds between two batches for those who look at every change and need not be the first to know."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened: which noun, which one, what, when."""

    id: int
    organization_id: str
    noun: str
    noun_id: str
    kind: str
    at: datetime


def latest(tx: Transaction) -> int:
    """Return the number of the newest change, 0 if there is none."""
    return tx.scalar(sa.select(sa.func.max(changes.c.id))) or 0


def after(
    tx: Transaction,
    number: int,
    *,
    organization_id: str | None = None,
    limit: int = 500,
    nouns: Collection[str] = (),
) -> list[Change]:
    """Return the changes above `number`, oldest first; of some nouns, where any are given."""
    query = sa.select(changes).where(changes.c.id > number).order_by(changes.c.id).limit(limit)
    if organization_id is not None:
        query = query.where(changes.c.organization_id == organization_id)
    if nouns:
        query = query.where(changes.c.noun.in_(sorted(nouns)))
    return [Change(**row) for row in tx.all(query)]


def forget(tx: Transaction, *, older_than: timedelta = timedelta(days=7)) -> int:
    """Delete old changes; a follower that is further behind starts from a snapshot anyway."""
    return tx.execute(sa.delete(changes).where(changes.c.at < clock.now() - older_than)).rowcount


async def follow(
    database: Database,
    start: int,
    *,
    organization_id: str | None = None,
    interval: float = 0.5,
    nouns: Collection[str] = (),
    gather: float = 0.0,
) -> AsyncIterator[list[Change]]:
    """Yield batches of changes above `start` for ever.

    Commits of this process wake the follower at once; those of others are found within `interval` seconds. With `nouns` only
    changes of these wake it at once, and the batches hold the others too. With `gather`, so many seconds pass between a batch
    and the next, see GATHER.
    """
    number = start
    with bell(database, nouns) as rung:
        while True:
            rung.clear()
            batch = await database.read(lambda tx, n=number: after(tx, n, organization_id=organization_id))  # type: ignore[misc]
            if batch:
                number = batch[-1].id
                yield batch
                await asyncio.sleep(gather)
                continue
            await pause(rung.wait(), interval)
