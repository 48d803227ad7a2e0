"""Pools of workers: a service is read by the workers that serve its pool, and says so where none of them lives."""

import re
from collections.abc import Collection
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.errors import Invalid
from ringfence.services import records
from ringfence.services.model import Service
from ringfence.storage import Transaction
from ringfence.storage.tables import workers

DEFAULT: Final = "default"
PATIENCE: Final = timedelta(minutes=5)
"""How long a service may wait for a worker of its pool before people are told."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,49}\Z")


def living(tx: Transaction, dead_after: float) -> frozenset[str]:
    """Return the pools that a worker serves of which there was a sign of life within `dead_after` seconds."""
    since = clock.now() - timedelta(seconds=dead_after)
    rows = tx.all(sa.select(workers.c.pools).where(workers.c.heartbeat_at >= since))
    return frozenset(pool for row in rows for pool in row["pools"])


def waiting(tx: Transaction) -> list[Service]:
    """Return the services, of all organizations, that should have been read minutes ago and whose pool nobody serves.

    A worker that is started anew is waited for: nobody wants to hear of that.
    """
    served = living(tx, PATIENCE.total_seconds())
    return [each for each in records.overdue(tx, clock.now() - PATIENCE) if each.pool not in served]


def unserved(service: Service, served: Collection[str]) -> str:
    """Say that no worker reads a service that is on; an empty text where one does."""
    if not service.enabled or service.pool in served:
        return ""
    return f"No living worker serves the pool {service.pool}, so nothing is read: start one with RINGFENCE_POOLS={service.pool}."


def name(text: str) -> str:
    """Return the name of a pool; Invalid if it cannot be one."""
    found = text.strip()
    if not _NAME.match(found):
        raise Invalid(
            f"{text[:60]!r} cannot be a pool's name.",
            advice="Use up to 50 letters, digits, dots, hyphens and underscores.",
        )
    return found
