"""What may be done so often a minute, counted in the database by all processes together; see `web.shared_rate`."""

import hashlib
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.storage import Transaction
from ringfence.storage.tables import shared_rates

_FORGOTTEN: Final = timedelta(minutes=5)
_AT_ONCE: Final = 200


def spend(tx: Transaction, what: str, key: str, spent: int, most: float) -> tuple[bool, float]:
    """Take what one process has let through from the bucket that all share, the last of it only if there is enough for it.

    Returns whether there was, and how much is left.

    The bucket holds `most` and is full again a minute after it was empty; less than nothing is left where several processes let
    something through at once.
    """
    row_key, now = hashlib.sha256(f"{what}\n{key}".encode()).hexdigest(), clock.now()
    table = shared_rates.c
    tx.insert_new(shared_rates, [{"key": row_key, "tokens": most, "at": now}])
    row = tx.one(sa.select(table.tokens, table.at).where(table.key == row_key).with_for_update())
    tokens, since = (most, 0.0) if row is None else (row["tokens"], (now - row["at"]).total_seconds())
    left = max(-most, min(most, tokens + max(0.0, since) * most / 60) - spent)
    enough = left >= 0
    left += 0 if enough else 1
    tx.execute(sa.update(shared_rates).where(table.key == row_key).values(tokens=left, at=now))
    _forget(tx)
    return enough, left


def _forget(tx: Transaction) -> None:
    """Forget buckets that have long been full again, but for those that another process is using."""
    table = shared_rates.c
    old = sa.select(table.key).where(table.at < clock.now() - _FORGOTTEN).limit(_AT_ONCE)
    tx.execute(sa.delete(shared_rates).where(table.key.in_(old.with_for_update(skip_locked=True))))
