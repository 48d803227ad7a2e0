"""What services of packages brought, as rows: which event, when, and what came of it; never what was in it.

Of each service the newest are kept, bounded in number and in time. All functions work inside the caller's transaction.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.listeners.starting import Outcome
from ringfence.services.model import Service
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import service_events

KEPT: Final = timedelta(days=30)
MOST: Final = 200
"""How many of a service are kept."""
_LONGEST_ID: Final = 400


@dataclass(frozen=True, slots=True)
class Brought:
    """An event that came.

    `at` is when it happened, None where that is not known; `outcomes` are those of the organization's own playbooks,
    `elsewhere` is how many playbooks of other organizations it started.
    """

    event_id: str
    at: datetime | None
    outcomes: tuple[Outcome, ...]
    elsewhere: int = 0


@dataclass(frozen=True, slots=True)
class ServiceEvent:
    """An event as it is kept; see Brought."""

    id: str
    event_id: str
    at: datetime | None
    received_at: datetime
    outcomes: tuple[Outcome, ...]
    elsewhere: int

    @property
    def started(self) -> bool:
        """Whether any playbook was started."""
        return self.elsewhere > 0 or any(each.started for each in self.outcomes)


def write(tx: Transaction, service: Service, found: Sequence[Brought]) -> None:
    """Keep what a poll brought; an event that is kept already stays as it came first."""
    now = clock.now()
    rows = [
        {
            "id": clock.new_id(),
            "organization_id": service.organization_id,
            "service_id": service.id,
            "digest": hashlib.sha256(each.event_id.encode("utf-8", "surrogatepass")).hexdigest(),
            "event_id": storable(each.event_id)[:_LONGEST_ID],
            "at": each.at,
            "received_at": now,
            "outcomes": [one.to_json() for one in each.outcomes],
            "elsewhere": each.elsewhere,
        }
        for each in found[-MOST:]
    ]
    if not rows:
        return
    tx.insert_new(service_events, rows)
    kept = service_events.c
    oldest = sa.select(kept.id).where(kept.service_id == service.id).order_by(kept.id.desc()).offset(MOST).limit(1)
    last = tx.scalar(oldest)
    if last is not None:
        tx.execute(sa.delete(service_events).where(kept.service_id == service.id, kept.id <= last))


def newest(tx: Transaction, service: Service, *, limit: int = MOST) -> list[ServiceEvent]:
    """Return what a service brought, the newest first; nothing of one that follows an account, whose alerts are kept."""
    kept = service_events.c
    query = sa.select(kept.id, kept.event_id, kept.at, kept.received_at, kept.outcomes, kept.elsewhere)
    query = query.where(kept.service_id == service.id, kept.received_at >= clock.now() - KEPT)
    return [
        ServiceEvent(
            row["id"],
            row["event_id"],
            row["at"],
            row["received_at"],
            tuple(map(Outcome.of, row["outcomes"])),
            row["elsewhere"],
        )
        for row in tx.all(query.order_by(kept.id.desc()).limit(limit))
    ]


def forget(tx: Transaction) -> int:
    """Delete what any service brought longer ago than it is kept."""
    old = sa.delete(service_events).where(service_events.c.received_at < clock.now() - KEPT)
    return tx.execute(old).rowcount
