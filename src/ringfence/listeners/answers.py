"""Wait for what a playbook answers to a message of a webhook, for a bounded time and for a bounded number of senders."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from ringfence.runs.model import OPEN
from ringfence.storage import Database, Transaction
from ringfence.storage.bell import bell
from ringfence.storage.tables import runs, webhook_replies
from ringfence.waiting import pause

MOST_WAITING: Final = 200
LONGEST: Final = 60.0
_LOOK: Final = 0.5


@dataclass(frozen=True, slots=True)
class Reply:
    """What a playbook answered."""

    status: int
    content_type: str
    body: str


class Answers:
    """Waits for answers; one for each process. A change made here wakes it at once, one made elsewhere within 0.5 s."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting = 0

    async def wait(self, delivery_id: str, run_ids: Sequence[str], seconds: float) -> Reply | None:
        """Return the answer to a message, None where none came in time, or its runs ended without one."""
        if not run_ids or seconds <= 0 or self._waiting >= MOST_WAITING:
            return await self._database.read(lambda tx: _given(tx, delivery_id))
        self._waiting += 1
        try:
            with bell(self._database, ("webhook", "run")) as rung:
                async with asyncio.timeout(min(seconds, LONGEST)):
                    while True:
                        rung.clear()
                        found, over = await self._database.read(lambda tx: _look(tx, delivery_id, run_ids))
                        if found is not None or over:
                            return found
                        await pause(rung.wait(), _LOOK)
        except TimeoutError:
            return None
        finally:
            self._waiting -= 1


def _look(tx: Transaction, delivery_id: str, run_ids: Sequence[str]) -> tuple[Reply | None, bool]:
    # The runs first: one that answers and ends in between is then not taken for one that ended without.
    going = sa.select(runs.c.id).where(runs.c.id.in_(run_ids), runs.c.status.in_(list(OPEN))).limit(1)
    over = tx.one(going) is None
    return _given(tx, delivery_id), over


def _given(tx: Transaction, delivery_id: str) -> Reply | None:
    row = tx.one(sa.select(webhook_replies).where(webhook_replies.c.delivery_id == delivery_id))
    return None if row is None else Reply(row["status"], row["content_type"], row["body"])
