"""The rows of containments, for the driver: take what is due, move it, give it back; see `storage.claiming`.

Every function works inside the caller's transaction.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from ringfence.containment import events, reports
from ringfence.containment.model import FINAL, Containment, State, demand_legal
from ringfence.storage import Transaction
from ringfence.storage.claiming import LEASE, Claims
from ringfence.storage.columns import storable
from ringfence.storage.tables import containments

__all__ = ("CLAIMS", "LEASE", "current_claim", "free_leases", "mine", "move", "note", "rest")


def _to_be_released(now: datetime) -> sa.ColumnElement[bool]:
    """Say that somebody, or the timer, has asked for the host to be let go."""
    return sa.or_(containments.c.release_requested_at.is_not(None), containments.c.auto_release_at <= now)


CLAIMS: Final = Claims(
    containments, "containment", Containment.of, over=lambda found: found.final, first=_to_be_released
)
mine: Final = CLAIMS.mine
current_claim: Final = CLAIMS.current
free_leases: Final = CLAIMS.free_leases
note: Final = CLAIMS.note
rest: Final = CLAIMS.rest


def claim_due(
    tx: Transaction, *, owner: str, lease: float = LEASE, limit: int = 50, releases_only: bool = False
) -> list[Containment]:
    """Take the containments whose time has come and that nobody drives, releases first; `lease` in seconds."""
    return CLAIMS.claim_due(tx, owner=owner, lease=lease, limit=limit, first_only=releases_only)


def next_due(tx: Transaction, *, releases_only: bool = False) -> datetime | None:
    """Return when the next containment can be claimed."""
    return CLAIMS.next_due(tx, first_only=releases_only)


def move(
    tx: Transaction,
    containment: Containment,
    after: State,
    detail: str,
    *,
    facts: Mapping[str, Any] | None = None,
    **columns: Any,
) -> Containment:
    """Move a claimed containment to another state, with its event; raise LeaseLost if another driver has it now."""
    demand_legal(containment.state, after)
    moved = CLAIMS.move(tx, containment, after, detail, over=after in FINAL, **columns)
    events.write(tx, containment, containment.state, after, storable(detail), facts)
    reports.moved(tx, containment, after)
    tx.changed(containment.organization_id, "containment", containment.id, after)
    return moved
