"""The queue of alerts: filtered, paged, counted, and one alert with its versions. All within one organization."""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from ringfence.alerts.judging import read_difference
from ringfence.alerts.model import Alert, AlertVersion, RejectedAlert
from ringfence.alerts.versions import Standing
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.storage import Transaction
from ringfence.storage.columns import Moment, storable
from ringfence.storage.tables import accounts, alert_versions, alerts, rejected_alerts

LARGEST_PAGE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which alerts: any of the words of each list, and both texts; what is empty lets everything through.

    `text` is looked for in title, Defender's alert id and machine name, `machine` is a machine's id or its name.
    """

    severity: Sequence[str] = ()
    status: Sequence[str] = ()
    category: Sequence[str] = ()
    text: str = ""
    machine: str = ""


@dataclass(frozen=True, slots=True)
class AlertPage:
    """A page of alerts, newest first; `cursor` asks for the one after it, None if there is none."""

    alerts: list[Alert]
    cursor: str | None


def page(
    tx: Transaction, organization_id: str, filters: Filters | None = None, *, limit: int = 50, cursor: str | None = None
) -> AlertPage:
    """Return up to `limit` alerts in the order of their arrival, newest first; Invalid for a cursor that is none of ours."""
    limit = max(1, min(limit, LARGEST_PAGE))
    query = _query(organization_id).where(*_conditions(filters or Filters()))
    if cursor is not None:
        at, alert_id = _read_cursor(cursor)
        query = query.where(
            sa.tuple_(alerts.c.ingested_at, alerts.c.id) < sa.tuple_(sa.literal(at, Moment), sa.literal(alert_id))
        )
    query = query.order_by(alerts.c.ingested_at.desc(), alerts.c.id.desc()).limit(limit + 1)
    found = [Alert(**row) for row in tx.all(query)]
    more = len(found) > limit
    found = found[:limit]
    return AlertPage(found, _write_cursor(found[-1]) if more else None)


def counts(tx: Transaction, organization_id: str, filters: Filters | None = None) -> dict[str, int]:
    """Return how many alerts there are of each severity that occurs."""
    query = (
        sa.select(alerts.c.severity, sa.func.count().label("many"))
        .where(alerts.c.organization_id == organization_id, *_conditions(filters or Filters()))
        .group_by(alerts.c.severity)
    )
    return {row["severity"]: row["many"] for row in tx.all(query)}


def get(tx: Transaction, organization_id: str, alert: str) -> Alert:
    """Return an alert by our id or by Defender's; NotFound if the organization has none, Conflict if accounts share it."""
    wanted = storable(alert)
    query = _query(organization_id).where(sa.or_(alerts.c.id == wanted, alerts.c.alert_id == wanted)).limit(3)
    found = [Alert(**row) for row in tx.all(query)]
    if not found:
        raise NotFound(
            f"There is no alert {wanted[:100]!r}.", advice="Look at the queue; alerts come with the next poll."
        )
    if len(found) > 1:
        raise Conflict(
            f"Several accounts have an alert {wanted[:100]!r}: {', '.join(sorted(each.account for each in found))}.",
            advice=f"Use one of our ids: {', '.join(sorted(each.id for each in found))}.",
        )
    return found[0]


def raw(tx: Transaction, organization_id: str, alert: Alert, version: int | None = None) -> dict[str, Any]:
    """Return the document of an alert's present version, or of another one; NotFound if there is no such version."""
    return read_version(tx, organization_id, alert, version).raw


def read_version(tx: Transaction, organization_id: str, alert: Alert, version: int | None = None) -> AlertVersion:
    """Return an alert's present version, or another one; NotFound if there is no such version."""
    return _version(tx, organization_id, alert, alert.version if version is None else version)


def versions(tx: Transaction, organization_id: str, alert: Alert) -> list[AlertVersion]:
    """Return all versions of an alert, first to last."""
    return [_read(row) for row in tx.all(_versions(organization_id, alert).order_by(alert_versions.c.version))]


def rejected(tx: Transaction, organization_id: str, *, limit: int = 50) -> list[RejectedAlert]:
    """Return what came as an alert and could not be read as one, newest first."""
    kept = rejected_alerts.c
    query = (
        sa.select(kept.id, accounts.c.name.label("account"), kept.reason, kept.raw, kept.seen_at)
        .join(accounts, accounts.c.id == kept.account_id)
        .where(kept.organization_id == organization_id)
        .order_by(kept.seen_at.desc(), kept.id.desc())
        .limit(max(1, min(limit, LARGEST_PAGE)))
    )
    return [RejectedAlert(**row) for row in tx.all(query)]


def count_rejected(tx: Transaction, organization_id: str) -> int:
    """Return how many documents could not be read as alerts."""
    return int(
        tx.scalar(
            sa.select(sa.func.count())
            .select_from(rejected_alerts)
            .where(rejected_alerts.c.organization_id == organization_id)
        )
        or 0
    )


def _query(organization_id: str) -> sa.Select[Any]:
    return (
        sa.select(alerts, accounts.c.name.label("account"))
        .join(accounts, accounts.c.id == alerts.c.account_id)
        .where(alerts.c.organization_id == organization_id)
    )


def _conditions(filters: Filters) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    for column, words in (
        (alerts.c.severity, filters.severity),
        (alerts.c.status, filters.status),
        (alerts.c.category, filters.category),
    ):
        if words:
            found.append(column.in_([storable(word) for word in words]))
    if text := storable(filters.text.strip()):
        columns = (alerts.c.title, alerts.c.alert_id, alerts.c.machine_name)
        found.append(sa.or_(*(column.icontains(text, autoescape=True) for column in columns)))
    if machine := storable(filters.machine.strip()):
        found.append(sa.or_(alerts.c.machine_id == machine, sa.func.lower(alerts.c.machine_name) == machine.lower()))
    return found


def _versions(organization_id: str, alert: Alert) -> sa.Select[Any]:
    return (
        sa.select(alert_versions)
        .join(alerts, alerts.c.id == alert_versions.c.alert_id)
        .where(alerts.c.organization_id == organization_id, alerts.c.id == alert.id)
    )


def _version(tx: Transaction, organization_id: str, alert: Alert, version: int) -> AlertVersion:
    row = tx.one(_versions(organization_id, alert).where(alert_versions.c.version == version))
    if row is None:
        raise NotFound(f"The alert has no version {version}.", advice=f"Its present version is {alert.version}.")
    return _read(row)


def _read(row: sa.RowMapping) -> AlertVersion:
    differences, ours = read_difference(row["difference"])
    return AlertVersion(
        alert_id=row["alert_id"],
        version=row["version"],
        fingerprint=row["fingerprint"],
        seen_at=row["seen_at"],
        raw=json.loads(row["raw"]),
        standing=Standing(row["standing"]),
        transitions=None if row["transitions"] is None else tuple(row["transitions"]),
        compared_with=row["compared_with"],
        differences=differences,
        ours=ours,
        source=row["source"],
        found_by=row["found_by"],
    )


def _write_cursor(alert: Alert) -> str:
    return urlsafe_b64encode(json.dumps([alert.ingested_at.isoformat(), alert.id]).encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        at, alert_id = json.loads(urlsafe_b64decode(cursor.encode()))
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError(at)
        return moment, storable(str(alert_id))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise Invalid("The cursor is not one of this list's.", advice="Ask for the first page again.") from None
