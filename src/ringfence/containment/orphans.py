"""Hosts that are isolated for long with nobody bound to come back to them, whoever isolated them. Reads only.

Somebody comes back to a host where an open incident with an owner is about it, where the run that holds it still goes on,
or where a timer will let it go.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.containment import isolations
from ringfence.containment.isolations import Isolation
from ringfence.containment.model import FINAL
from ringfence.incidents.queue import UNRESOLVED
from ringfence.storage import Transaction
from ringfence.storage.tables import (
    alerts,
    containment_holds,
    containments,
    incident_alerts,
    incidents,
    runs,
)
from ringfence.storage.tables import isolations as table

OLDER_THAN: Final = timedelta(hours=24)
_OVER: Final = tuple(state.value for state in FINAL)


@dataclass(frozen=True, slots=True)
class Orphan:
    """A host that nobody is bound to come back to, why that is so, and whom to ask."""

    isolation: Isolation
    since: datetime
    why: str
    ask: str
    incidents: tuple[int, ...]


def orphans(tx: Transaction, organization_id: str, *, older_than: timedelta = OLDER_THAN) -> list[Orphan]:
    """Return the hosts that have been isolated for longer than this and that nobody is bound to, the longest first."""
    before = clock.now() - older_than
    query = isolations.select(organization_id).where(table.c.isolated.is_(True), table.c.since <= before)
    rows = [isolations.read(row) for row in tx.all(query.order_by(table.c.since, table.c.machine_id))]
    if not rows:
        return []
    ids = [row.machine_id for row in rows]
    about = _incidents(tx, organization_id, ids)
    held = _held(tx, organization_id, ids)
    watched = _watched(tx, [row["id"] for row in held.values()])
    found: list[Orphan] = []
    for row in rows:
        assert row.since is not None
        mine = held.get(row.machine_id) if row.containment_id is not None else None
        if mine is not None and (mine["id"] in watched or mine["auto_release_at"] is not None):
            continue
        open_ones = about.get(row.machine_id, {})
        if any(owner for owner in open_ones.values()):
            continue
        why = "; ".join(filter(None, (_why(row, mine), _no_incident(open_ones))))
        ask = mine["requested_by"] if mine is not None else row.owner
        found.append(Orphan(row, row.since, why, ask, tuple(sorted(open_ones))))
    return found


def _why(row: Isolation, mine: sa.RowMapping | None) -> str:
    if row.foreign:
        return f"isolated by {row.owner}"
    if mine is None:
        return "isolated by Ringfence, and no containment holds it any more"
    return "no running playbook and no timer holds it"


def _no_incident(open_ones: dict[int, str | None]) -> str:
    if not open_ones:
        return "no open incident is about it"
    return f"nobody owns {', '.join(f'incident #{number}' for number in sorted(open_ones))}"


def _incidents(tx: Transaction, organization_id: str, machine_ids: Sequence[str]) -> dict[str, dict[int, str | None]]:
    """Return for each machine the open incidents about it, by number, with their owners."""
    is_open = (incidents.c.organization_id == organization_id, incidents.c.status.in_(UNRESOLVED))
    by_alert = (
        sa.select(alerts.c.machine_id, incidents.c.number, incidents.c.owner)
        .join(incident_alerts, incident_alerts.c.alert_id == alerts.c.id)
        .join(incidents, incidents.c.id == incident_alerts.c.incident_id)
        .where(alerts.c.machine_id.in_(machine_ids), *is_open)
    )
    holder = containment_holds.c.holder
    by_hold = (
        sa.select(containments.c.machine_id, incidents.c.number, incidents.c.owner)
        .join(containment_holds, containment_holds.c.containment_id == containments.c.id)
        .join(incidents, sa.func.substr(holder, 1, 46) == sa.literal("incident:") + incidents.c.id + sa.literal(":"))
        .where(containments.c.machine_id.in_(machine_ids), containment_holds.c.let_go_at.is_(None), *is_open)
    )
    found: dict[str, dict[int, str | None]] = {}
    for row in (*tx.all(by_alert), *tx.all(by_hold)):
        found.setdefault(row["machine_id"], {})[row["number"]] = row["owner"]
    return found


def _held(tx: Transaction, organization_id: str, machine_ids: Sequence[str]) -> dict[str, sa.RowMapping]:
    """Return the containments that are not over, by machine."""
    query = sa.select(
        containments.c.id, containments.c.machine_id, containments.c.auto_release_at, containments.c.requested_by
    ).where(
        containments.c.organization_id == organization_id,
        containments.c.state.not_in(_OVER),
        containments.c.live_key.is_not(None),
        containments.c.machine_id.in_(machine_ids),
    )
    return {row["machine_id"]: row for row in tx.all(query)}


def _watched(tx: Transaction, containment_ids: Sequence[str]) -> set[str]:
    """Return the containments that a run holds which is not over; its holds begin with its id."""
    holds = containment_holds.c
    query = (
        sa.select(holds.containment_id)
        .join(runs, sa.func.substr(holds.holder, 1, 36) == runs.c.id)
        .where(holds.containment_id.in_(containment_ids), holds.let_go_at.is_(None), runs.c.finished_at.is_(None))
    )
    return {row["containment_id"] for row in tx.all(query)}
