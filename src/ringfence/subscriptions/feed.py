"""Follow the change feed and put a message on its way to everybody who subscribed: each change once, by a cursor."""

import asyncio
from collections.abc import Sequence
from typing import Final

from ringfence.storage import Database, Transaction, cursors
from ringfence.storage.changes import Change
from ringfence.subscriptions import records
from ringfence.subscriptions.model import NOUNS, body

CURSOR: Final = "subscriptions"


class Feed:
    """Notes what is to be sent, of all organizations; any number of workers may. `origin` is where the pages are."""

    def __init__(self, database: Database, origin: str) -> None:
        self._database = database
        self._origin = origin

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Follow until `stop` is set; failures are tried again."""
        stopping = asyncio.create_task(stop.wait())
        following = asyncio.create_task(cursors.follow(self._database, CURSOR, self.handle))
        try:
            await asyncio.wait({stopping, following}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (stopping, following):
                task.cancel()
            await asyncio.gather(stopping, following, return_exceptions=True)

    async def handle(self, batch: Sequence[Change]) -> None:
        """Put messages about a batch of changes on their way, leaving out those that the cursor is past."""
        if any(each.noun in NOUNS for each in batch):
            await self._database.run(lambda tx: _note(tx, batch, self._origin))


def _note(tx: Transaction, batch: Sequence[Change], origin: str) -> None:
    fresh = cursors.take(tx, CURSOR, batch)
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
