"""The rows of the completeness ledger: one for each sweep of a service, claimed by the worker that writes it first."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.ingestion.completeness import Before, Delays, delays
from ringfence.services.model import Service
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import alert_versions, alerts, sweeps

FOUND_BY: Final = "sweep"
KEPT: Final = timedelta(days=30)
LARGEST_PAGE: Final = 200
_CHUNK: Final = 400
_MOST_NAMED: Final = 20
_MOST_DELAYS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Missed:
    """A version of an alert that no poll had brought: `late` is how many seconds after its update it was taken in."""

    id: str
    alert_id: str
    title: str
    version: int
    created_at: datetime | None
    updated_at: datetime | None
    late: float | None


@dataclass(frozen=True, slots=True)
class Sweep:
    """One sweep: the span of updates that it re-read, what was missed, and how late alerts were seen in that span.

    `finished_at` is None while it is at work, or if its worker ended; `error` says why one ended early.
    """

    id: str
    service_id: str
    due_at: datetime
    started_at: datetime
    finished_at: datetime | None
    since: datetime
    until: datetime | None
    watermark: datetime | None
    newest: datetime | None
    pages: int
    seen: int
    missed_alerts: int
    missed_versions: int
    missed: tuple[Mapping[str, Any], ...]
    delays: Delays | None
    problem: str
    error: str


def claim(tx: Transaction, service: Service, *, due_at: datetime, since: datetime) -> str | None:
    """Write the row of a sweep that is due and return its id; None if another worker has it. Old rows go."""
    sweep_id, now = clock.new_id(), clock.now()
    row = {
        "id": sweep_id,
        "organization_id": service.organization_id,
        "service_id": service.id,
        "due_at": due_at,
        "started_at": now,
        "since": since,
        "watermark": service.watermark,
    }
    tx.insert_new(sweeps, [row])
    if tx.scalar(sa.select(sa.func.count()).select_from(sweeps).where(sweeps.c.id == sweep_id)) == 0:
        return None
    tx.execute(sa.delete(sweeps).where(sweeps.c.service_id == service.id, sweeps.c.due_at < now - KEPT))
    return sweep_id


def finish(tx: Transaction, service: Service, sweep_id: str, values: Mapping[str, Any]) -> None:
    """Write what a sweep found."""
    row = {name: storable(value) if isinstance(value, str) else value for name, value in values.items()}
    tx.execute(sa.update(sweeps).where(sweeps.c.id == sweep_id).values(finished_at=clock.now(), **row))
    tx.changed(service.organization_id, "service", service.id, "swept")


def recent(tx: Transaction, service_id: str, *, limit: int = 20) -> list[Sweep]:
    """Return the last sweeps of a service, newest first."""
    query = (
        sa.select(sweeps)
        .where(sweeps.c.service_id == service_id)
        .order_by(sweeps.c.due_at.desc())
        .limit(max(1, min(limit, LARGEST_PAGE)))
    )
    return [_read(row) for row in tx.all(query)]


def before(tx: Transaction, service_id: str, due_at: datetime) -> Before | None:
    """Return what the last sweep that ended well before this one saw."""
    query = (
        sa.select(sweeps.c.watermark, sweeps.c.newest)
        .where(
            sweeps.c.service_id == service_id,
            sweeps.c.due_at < due_at,
            sweeps.c.finished_at.is_not(None),
            sweeps.c.error == "",
        )
        .order_by(sweeps.c.due_at.desc())
        .limit(1)
    )
    row = tx.one(query)
    return None if row is None else Before(row["watermark"], row["newest"])


def missed(tx: Transaction, taken: Sequence[tuple[str, int]]) -> list[Missed]:
    """Return the versions that a sweep has brought, by our id and number, the earliest update first."""
    found = []
    for at in range(0, len(taken), _CHUNK):
        query = (
            sa.select(
                alerts.c.id,
                alerts.c.alert_id,
                alerts.c.title,
                alerts.c.created_at,
                alerts.c.updated_at,
                alert_versions.c.version,
                alert_versions.c.seen_at,
            )
            .join(alert_versions, alert_versions.c.alert_id == alerts.c.id)
            .where(sa.tuple_(alerts.c.id, alert_versions.c.version).in_(taken[at : at + _CHUNK]))
        )
        found += [_missed(row) for row in tx.all(query)]
    return sorted(found, key=lambda each: (each.updated_at is not None, each.updated_at, each.id, each.version))


def named(found: Sequence[Missed]) -> list[dict[str, Any]]:
    """Return the first of what was missed as the ledger keeps it."""
    return [
        asdict(each)
        | {
            "created_at": each.created_at and clock.iso(each.created_at),
            "updated_at": each.updated_at and clock.iso(each.updated_at),
        }
        for each in found[:_MOST_NAMED]
    ]


def seen_late(tx: Transaction, service: Service, since: datetime) -> Delays | None:
    """Return how late alerts were seen that were created since then and since the service was switched on."""
    query = (
        sa.select(alerts.c.created_at, alerts.c.ingested_at)
        .join(
            alert_versions,
            (alert_versions.c.alert_id == alerts.c.id)
            & (alert_versions.c.version == 1)
            & (alert_versions.c.source == service.source),
        )
        .where(
            alerts.c.account_id == service.account_id,
            alerts.c.organization_id == service.organization_id,
            alerts.c.ingested_at >= max(since, service.activated_at),
            alerts.c.created_at >= max(since, service.activated_at),
        )
        .order_by(alerts.c.ingested_at.desc())
        .limit(_MOST_DELAYS)
    )
    return delays((row["ingested_at"] - row["created_at"]).total_seconds() for row in tx.all(query))


def _missed(row: sa.RowMapping) -> Missed:
    at = row["updated_at"]
    late = None if at is None else round((row["seen_at"] - at).total_seconds(), 3)
    return Missed(row["id"], row["alert_id"], row["title"], row["version"], row["created_at"], at, late)


def _read(row: sa.RowMapping) -> Sweep:
    values = {name: row[name] for name in Sweep.__slots__ if name not in ("missed", "delays")}
    told = row["delays"]
    return Sweep(**values, missed=tuple(row["missed"] or ()), delays=Delays(**told) if told else None)
