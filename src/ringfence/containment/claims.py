"""The rows of containments, for the driver: take what is due, move it, give it back.

Every function works inside the caller's transaction. A move checks the fence number that the driver's claim raised, so that
a driver that lost its lease cannot write over the one that took over.

While a driver has a row, `next_at` equals `lease_until`. Whoever wants the row looked at sooner sets `next_at`; that it
differs then tells the driver, when it gives the row back, that somebody asked meanwhile.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.containment import events, reports
from ringfence.containment.model import FINAL, Containment, State, demand_legal
from ringfence.containment.service import get
from ringfence.errors import LeaseLost
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import containments

LEASE = 60.0
"""Seconds for which a claimed containment is the claiming driver's; each move of it begins them anew."""


def mine(tx: Transaction, containment: Containment) -> Containment:
    """Lock a claimed containment and return it as it is now; raise LeaseLost if another driver has it."""
    row = tx.one(sa.select(containments).where(containments.c.id == containment.id).with_for_update())
    if row is None or row["fence"] != containment.fence:
        raise LeaseLost(f"Containment {containment.id} is driven by another worker now.")
    return Containment.of(row)


def current_claim(tx: Transaction, containment: Containment) -> Containment | None:
    """Lock a claimed containment and return it as it is now; None if another driver has it or it is over."""
    try:
        fresh = mine(tx, containment)
    except LeaseLost:
        return None
    return None if fresh.final else fresh


def _to_be_released(now: datetime) -> sa.ColumnElement[bool]:
    """Say that somebody, or the timer, has asked for the host to be let go."""
    return sa.or_(containments.c.release_requested_at.is_not(None), containments.c.auto_release_at <= now)


def claim_due(
    tx: Transaction, *, owner: str, lease: float = LEASE, limit: int = 50, releases_only: bool = False
) -> list[Containment]:
    """Take the containments whose time has come and that nobody drives, releases first; `lease` in seconds."""
    now = clock.now()
    until = now + timedelta(seconds=lease)
    ready = (
        containments.c.next_at <= now,
        sa.or_(containments.c.lease_until.is_(None), containments.c.lease_until <= now),
        *([_to_be_released(now)] if releases_only else []),
    )
    due = tx.all(
        sa.select(containments.c.id)
        .where(*ready)
        .order_by(sa.case((_to_be_released(now), 0), else_=1), containments.c.next_at, containments.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken: list[Containment] = []
    for row in due:
        claimed = tx.execute(
            sa.update(containments)
            .where(containments.c.id == row["id"], *ready)
            .values(lease_owner=owner, lease_until=until, next_at=until, fence=containments.c.fence + 1)
        ).rowcount
        if claimed:
            taken.append(get(tx, row["id"]))
    return taken


def free_leases(tx: Transaction, owner: str) -> int:
    """Give back what a dead driver held; should it live after all, it can write nothing more."""
    return tx.execute(
        sa.update(containments)
        .where(containments.c.lease_owner == owner)
        .values(lease_owner=None, lease_until=None, next_at=clock.now(), fence=containments.c.fence + 1)
    ).rowcount


def next_due(tx: Transaction, *, releases_only: bool = False) -> datetime | None:
    """Return when the next containment can be claimed."""
    leased = containments.c.lease_until > containments.c.next_at
    claimable = sa.case((leased, containments.c.lease_until), else_=containments.c.next_at)
    wanted = [containments.c.next_at.is_not(None), *([_to_be_released(clock.now())] if releases_only else [])]
    found = tx.one(sa.select(claimable.label("at")).where(*wanted).order_by(claimable).limit(1))
    return found["at"] if found else None


# Somebody set next_at while the row was claimed, or the row is not claimed at all.
_ASKED = sa.and_(
    containments.c.next_at.is_not(None),
    sa.or_(containments.c.lease_until.is_(None), containments.c.next_at != containments.c.lease_until),
)


def _unless_asked(moment: datetime | None) -> sa.ColumnElement[datetime]:
    return sa.case((_ASKED, containments.c.next_at), else_=sa.literal(moment, containments.c.next_at.type))


def _lease_anew() -> dict[str, Any]:
    until = clock.now() + timedelta(seconds=LEASE)
    return {"lease_until": until, "next_at": _unless_asked(until)}


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
    if after in FINAL:
        over = {"live_key": None, "next_at": None, "lease_owner": None, "lease_until": None}
        columns |= {**over, "finished_at": clock.now()}
    else:
        columns |= _lease_anew()
    detail = storable(detail)
    changed = tx.execute(
        sa.update(containments)
        .where(
            containments.c.id == containment.id,
            containments.c.fence == containment.fence,
            containments.c.state == containment.state.value,
        )
        .values(state=after.value, detail=detail, **columns)
    ).rowcount
    if not changed:
        raise LeaseLost(f"Containment {containment.id} is driven by another worker now.")
    events.write(tx, containment, containment.state, after, detail, facts)
    reports.moved(tx, containment, after)
    tx.changed(containment.organization_id, "containment", containment.id, after)
    return get(tx, containment.id)


def note(tx: Transaction, containment: Containment, **columns: Any) -> Containment:
    """Write facts about a claimed containment that are no move; raise LeaseLost if another driver has it now."""
    changed = tx.execute(
        sa.update(containments)
        .where(containments.c.id == containment.id, containments.c.fence == containment.fence)
        .values(**columns, **_lease_anew())
    ).rowcount
    if not changed:
        raise LeaseLost(f"Containment {containment.id} is driven by another worker now.")
    return get(tx, containment.id)


def rest(tx: Transaction, containment: Containment, *, until: datetime | None, detail: str | None = None) -> None:
    """Give a claimed containment back, to be looked at again at `until`, or sooner if somebody asked meanwhile."""
    values: dict[str, Any] = {"lease_owner": None, "lease_until": None, "next_at": _unless_asked(until)}
    if detail is not None:
        values["detail"] = storable(detail)
    changed = tx.execute(
        sa.update(containments)
        .where(containments.c.id == containment.id, containments.c.fence == containment.fence)
        .values(**values)
    ).rowcount
    if changed and detail is not None and detail != containment.detail:
        tx.changed(containment.organization_id, "containment", containment.id, "detail")
