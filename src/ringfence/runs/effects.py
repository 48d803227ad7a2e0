"""Effects that leave no key elsewhere, made at most once: written down before they are made, and again with their answer.

Whoever is called with the key of an effect that was begun and has no answer knows that nobody knows what became of it.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, TypeVar

import sqlalchemy as sa

from ringfence import clock
from ringfence.actions import ActionError, Json
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import effects, runs

T = TypeVar("T")

KEPT: Final = timedelta(days=7)
"""How long an effect that belongs to no run is remembered."""
UNKNOWN: Final = "unknown-effect"


class NotMade(Exception):
    """What was to be made was certainly not made; `error` says why."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


async def made_once(
    database: Database,
    key: str,
    run_id: str | None,
    make: Callable[[], Awaitable[Json]],
    *,
    harmless: bool = False,
) -> Json:
    """Make an effect and return its answer, or the answer that it had when it was made with this key before.

    `make` raises NotMade where it is certain that nothing was done: then the next call makes it. After any other end the next
    call makes it again only where that is `harmless`, and else raises ActionError.
    """
    before = await database.run(lambda tx: _begin(tx, key, run_id))
    if before is not None:
        if before["done_at"] is not None:
            answer: Json = before["answer"]
            return answer
        if not harmless:
            raise ActionError(
                "An earlier attempt was cut off, and it is not known whether its effect took place.",
                code=UNKNOWN,
                permanent=True,
                advice="Look at the other side, and run the playbook again if it did not.",
            )
    try:
        answer = await make()
    except NotMade as failed:
        await database.run(lambda tx: _forget(tx, key))
        raise failed.error from None
    await database.run(lambda tx: _done(tx, key, answer))
    return answer


def _begin(tx: Transaction, key: str, run_id: str | None) -> sa.RowMapping | None:
    """Write an effect down; return its row if that was done before."""
    before = tx.one(sa.select(effects).where(effects.c.key == key))
    if before is not None:
        return before
    owner = run_id if run_id and tx.scalar(sa.select(runs.c.id).where(runs.c.id == run_id)) else None
    tx.execute(sa.insert(effects).values(key=key, run_id=owner, begun_at=clock.now()))
    tx.execute(sa.delete(effects).where(effects.c.run_id.is_(None), effects.c.begun_at < clock.now() - KEPT))
    return None


def _forget(tx: Transaction, key: str) -> None:
    tx.execute(sa.delete(effects).where(effects.c.key == key))


def _done(tx: Transaction, key: str, answer: Json) -> None:
    tx.execute(sa.update(effects).where(effects.c.key == key).values(done_at=clock.now(), answer=answer))
