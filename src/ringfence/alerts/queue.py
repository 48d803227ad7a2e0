"""The queue of alerts: filtered, paged, counted, and one alert with its versions. All within one organization."""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from ringfence.alerts.finding import Filters as Filters
from ringfence.alerts.finding import Search, Total
from ringfence.alerts.judging import read_difference
from ringfence.alerts.model import Alert, AlertVersion, RejectedAlert
from ringfence.alerts.versions import Standing
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import accounts, alert_versions, alerts, rejected_alerts

# Among so many times as many alerts of its organization those of an account are looked for.
_ACCOUNTS: Final = 5
LARGEST_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class AlertPage:
    """A page of alerts, newest first; `cursor` asks for the one after it, None if there is none."""

    alerts: list[Alert]
    cursor: str | None


def page(
    tx: Transaction, organization_id: str, filters: Filters | None = None, *, limit: int = 50, cursor: str | None = None
) -> AlertPage:
    """Return up to `limit` alerts in the order of their arrival, newest first; Invalid for a cursor that is none of ours."""
    return _page(Search(tx, organization_id, filters or Filters()), limit, cursor)


@dataclass(frozen=True, slots=True)
class Look:
    """A page with how many alerts there are in all, and in how many of the newest a text was looked for (None: in all)."""

    page: AlertPage
    total: Total
    reach: int | None


def look(
    tx: Transaction, organization_id: str, filters: Filters, *, limit: int = 50, cursor: str | None = None
) -> Look:
    """Return a page, and count what fits up to a bound."""
    search = Search(tx, organization_id, filters)
    return Look(_page(search, limit, cursor), search.total(), search.reach)


def _page(search: Search, limit: int, cursor: str | None) -> AlertPage:
    limit = max(1, min(limit, LARGEST_PAGE))
    below = _read_cursor(cursor) if cursor is not None else None
    found = [Alert(**row) for row in search.rows(limit + 1, below)]
    more = len(found) > limit
    found = found[:limit]
    return AlertPage(found, _write_cursor(found[-1]) if more else None)


def counts(tx: Transaction, organization_id: str, status: Sequence[str]) -> dict[str, int]:
    """Return how many alerts with one of these statuses there are of each severity that occurs."""
    # By both, as the index has them: nothing needs to be sorted.
    query = (
        sa.select(alerts.c.severity, sa.func.count().label("many"))
        .where(alerts.c.organization_id == organization_id, alerts.c.status.in_(status))
        .group_by(alerts.c.status, alerts.c.severity)
    )
    found: dict[str, int] = {}
    for row in tx.all(query):
        found[row["severity"]] = found.get(row["severity"], 0) + row["many"]
    return found


def hosts(tx: Transaction, account_id: str, *, among: int = 200) -> dict[str, str]:
    """Return the names of hosts by machine id, as the newest alerts of an account name them.

    Looked for in the newest of its organization, in whose order they stand.
    """
    organization = sa.select(accounts.c.organization_id).where(accounts.c.id == account_id).scalar_subquery()
    newest = (
        sa.select(alerts.c.id, alerts.c.account_id, alerts.c.machine_id, alerts.c.machine_name, alerts.c.ingested_at)
        .where(alerts.c.organization_id == organization)
        .order_by(alerts.c.ingested_at.desc(), alerts.c.id.desc())
        .limit(among * _ACCOUNTS)
        .subquery()
    )
    latest = (
        sa.select(newest.c.machine_id, newest.c.machine_name)
        .where(newest.c.account_id == account_id)
        .order_by(newest.c.ingested_at.desc(), newest.c.id.desc())
        .limit(among)
    )
    named = [(row["machine_id"], row["machine_name"]) for row in tx.all(latest)]
    return {machine_id: name for machine_id, name in reversed(named) if machine_id and name}


def get(tx: Transaction, organization_id: str, alert: str) -> Alert:
    """Return an alert by our id or by Defender's; NotFound if the organization has none, Conflict if accounts share it."""
    wanted = storable(alert)
    found = [Alert(**row) for row in tx.all(_query(organization_id).where(alerts.c.id == wanted))]
    if not found:
        # By account, since Defender's ids are indexed so.
        own = sa.select(accounts.c.id).where(accounts.c.organization_id == organization_id)
        theirs = sa.and_(alerts.c.account_id.in_(own), alerts.c.alert_id == wanted)
        found = [Alert(**row) for row in tx.all(_query(organization_id).where(theirs).limit(3))]
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
