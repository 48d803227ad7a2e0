"""The incidents of an organization: listed, counted, and one with its alerts, notes and tasks. Reads only."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import sqlalchemy as sa

from ringfence.alerts.model import Alert
from ringfence.alerts.source import common_form
from ringfence.errors import Invalid, NotFound
from ringfence.incidents.model import Incident, Note, Resolution, Status, Task
from ringfence.storage import Transaction, searching
from ringfence.storage.columns import not_by, storable
from ringfence.storage.tables import (
    accounts,
    alert_versions,
    alerts,
    incident_alerts,
    incident_notes,
    incident_tasks,
    incidents,
)

LARGEST_PAGE: Final = 500
_LED: Final = 2_000
_HIGHEST: Final = 2**31 - 1
NOBODY: Final = "-"
"""The owner to filter by for incidents that nobody owns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which incidents: any of the words of each list, and the text; what is empty lets everything through.

    `owner` is a name, or NOBODY; `text` is looked for in title, owner, closing reason and number.
    """

    status: Sequence[str] = ()
    severity: Sequence[str] = ()
    owner: str = ""
    text: str = ""


UNRESOLVED: Final = (Status.OPEN.value, Status.IN_PROGRESS.value)


@dataclass(frozen=True, slots=True)
class Row:
    """One incident of the list, with how many alerts, tasks and undone tasks it has."""

    incident: Incident
    alerts: int
    tasks: int
    undone: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some incidents, the highest number first; `next` is the cursor of the page after it, None if there is none."""

    rows: tuple[Row, ...]
    next: str | None


def page(
    tx: Transaction,
    organization_id: str,
    filters: Filters | None = None,
    *,
    limit: int = 100,
    cursor: str | None = None,
) -> Page:
    """Return up to `limit` incidents; Invalid for a cursor that is none of this list's."""
    limit = max(1, min(limit, LARGEST_PAGE))
    wanted = filters or Filters()
    few = _few(tx, organization_id, wanted)
    own = incidents.c.organization_id if few is None else not_by(incidents.c.organization_id)
    query = _select().where(own == organization_id, *_conditions(wanted, apart=few is not None))
    if few is not None:
        query = query.where(few)
    if cursor is not None:
        if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 9):
            raise Invalid("The cursor is not one of this list's.", advice="Ask for the first page again.")
        query = query.where(incidents.c.number < int(cursor))
    order = incidents.c.number if few is None else not_by(incidents.c.number)
    found = [_incident(row) for row in tx.all(query.order_by(order.desc()).limit(limit + 1))]
    shown = found[:limit]
    ids = [each.id for each in shown]
    alerts_of = _count(tx, incident_alerts, ids)
    tasks_of = _count(tx, incident_tasks, ids)
    undone_of = _count(tx, incident_tasks, ids, incident_tasks.c.done_at.is_(None))
    rows = tuple(
        Row(each, alerts_of.get(each.id, 0), tasks_of.get(each.id, 0), undone_of.get(each.id, 0)) for each in shown
    )
    return Page(rows, str(shown[-1].number) if len(found) > limit else None)


def counts(tx: Transaction, organization_id: str) -> dict[str, int]:
    """Return how many incidents there are of each status."""
    query = (
        sa.select(incidents.c.status, sa.func.count().label("many"))
        .where(incidents.c.organization_id == organization_id)
        .group_by(incidents.c.status)
    )
    return {each.value: 0 for each in Status} | {row["status"]: int(row["many"]) for row in tx.all(query)}


def owners(tx: Transaction, organization_id: str) -> list[str]:
    """Name those who own an incident that is not resolved."""
    query = sa.select(incidents.c.owner).where(
        incidents.c.organization_id == organization_id,
        incidents.c.owner.is_not(None),
        incidents.c.status.in_(UNRESOLVED),
    )
    return [row["owner"] for row in tx.all(query.distinct().order_by(incidents.c.owner))]


def get(tx: Transaction, organization_id: str, number: int) -> Incident:
    """Return an incident by its number; NotFound where the organization has none such."""
    wanted = (incidents.c.organization_id == organization_id, incidents.c.number == number)
    row = tx.one(_select().where(*wanted)) if 0 < number <= _HIGHEST else None
    if row is None:
        raise NotFound(f"There is no incident #{number}.", advice="List them: `ringfence incident list --all`.")
    return _incident(row)


def by_id(tx: Transaction, organization_id: str, incident_id: str) -> Incident:
    """Return an incident by its id; NotFound where the organization has none such."""
    row = tx.one(_select().where(incidents.c.organization_id == organization_id, incidents.c.id == incident_id))
    if row is None:
        raise NotFound("There is no such incident.", advice="List them: `ringfence incident list --all`.")
    return _incident(row)


def of_alerts(tx: Transaction, organization_id: str, alert_ids: Iterable[str]) -> dict[str, list[Incident]]:
    """Return, by our id of each alert that is in any, the incidents that it is in: the one not resolved first."""
    wanted = list(alert_ids)
    found: dict[str, list[Incident]] = {}
    query = (
        _select(incident_alerts.c.alert_id.label("of_alert"))
        .join(incident_alerts, incident_alerts.c.incident_id == incidents.c.id)
        .where(not_by(incidents.c.organization_id) == organization_id, incident_alerts.c.alert_id.in_(wanted))
        .order_by(incident_alerts.c.open_alert_id.is_(None), incidents.c.number.desc())
    )
    for row in tx.all(query):
        values = dict(row)
        found.setdefault(values.pop("of_alert"), []).append(_incident(values))
    return found


def promoted(tx: Transaction, alert_id: str) -> bool:
    """Whether an alert (our id) is in an incident that is not resolved."""
    return (
        tx.scalar(sa.select(incident_alerts.c.alert_id).where(incident_alerts.c.open_alert_id == alert_id)) is not None
    )


def alerts_of(tx: Transaction, incident_id: str) -> list[Alert]:
    """Return the alerts of an incident, that which came first first."""
    query = (
        sa.select(alerts, accounts.c.name.label("account"))
        .join(accounts, accounts.c.id == alerts.c.account_id)
        .join(incident_alerts, incident_alerts.c.alert_id == alerts.c.id)
        .where(incident_alerts.c.incident_id == incident_id)
        .order_by(alerts.c.ingested_at, alerts.c.id)
    )
    return [Alert(**row) for row in tx.all(query)]


def documents_of(tx: Transaction, incident_id: str) -> list[Any]:
    """Return the documents of the alerts of an incident as they stand now, in the form that all sources share."""
    query = (
        sa.select(alert_versions.c.source, alert_versions.c.raw)
        .join(alerts, sa.and_(alerts.c.id == alert_versions.c.alert_id, alerts.c.version == alert_versions.c.version))
        .join(incident_alerts, incident_alerts.c.alert_id == alerts.c.id)
        .where(incident_alerts.c.incident_id == incident_id)
        .order_by(alerts.c.ingested_at, alerts.c.id)
    )
    return [common_form(row["source"], json.loads(row["raw"])) for row in tx.all(query)]


def notes_of(tx: Transaction, incident_id: str) -> list[Note]:
    """Return the notes of an incident, first to last."""
    named = [incident_notes.c[each.name] for each in fields(Note)]
    query = sa.select(*named).where(incident_notes.c.incident_id == incident_id)
    return [Note(**row) for row in tx.all(query.order_by(incident_notes.c.at, incident_notes.c.id))]


def tasks_of(tx: Transaction, incident_id: str) -> list[Task]:
    """Return the tasks of an incident by their numbers."""
    named = [incident_tasks.c[each.name] for each in fields(Task)]
    query = sa.select(*named).where(incident_tasks.c.incident_id == incident_id)
    return [Task(**row) for row in tx.all(query.order_by(incident_tasks.c.number))]


_other = incidents.alias("into")
_COLUMNS: Final = [
    _other.c.number.label("merged_into") if each.name == "merged_into" else incidents.c[each.name]
    for each in fields(Incident)
]


def _select(*more: sa.ColumnElement[Any]) -> sa.Select[Any]:
    joined = incidents.outerjoin(_other, _other.c.id == incidents.c.merged_into)
    return sa.select(*_COLUMNS, *more).select_from(joined)


def _incident(row: Any) -> Incident:
    values = {**row, "status": Status(row["status"])}
    values["resolution"] = None if row["resolution"] is None else Resolution(row["resolution"])
    return Incident(**values)


def _few(tx: Transaction, organization_id: str, filters: Filters) -> sa.ColumnElement[bool] | None:
    """Return what leads to the incidents that may have the text, where they are few."""
    text = storable(filters.text.strip())
    found = searching.few(tx, searching.INCIDENTS, organization_id, text, limit=_LED)
    if found is None:
        return None
    numbered = _number(text)
    if numbered is None:
        return incidents.c.id.in_(found)
    here = sa.and_(incidents.c.organization_id == organization_id, incidents.c.number == numbered)
    return sa.or_(incidents.c.id.in_(found), incidents.c.id.in_(sa.select(incidents.c.id).where(here)))


def _number(text: str) -> int | None:
    number = text.removeprefix("#")
    return int(number) if number.isascii() and number.isdecimal() and len(number) <= 9 else None


def _conditions(filters: Filters, *, apart: bool = False) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    for column, words in ((incidents.c.status, filters.status), (incidents.c.severity, filters.severity)):
        if words:
            found.append((not_by(column) if apart else column).in_([storable(word) for word in words]))
    if filters.owner == NOBODY:
        found.append(incidents.c.owner.is_(None))
    elif filters.owner:
        found.append(incidents.c.owner == storable(filters.owner))
    if text := storable(filters.text.strip()):
        wanted = [searching.INCIDENTS.holds(text)]
        numbered = _number(text)
        if numbered is not None:
            wanted.append(incidents.c.number == numbered)
        found.append(sa.or_(*wanted))
    return found


def _count(tx: Transaction, table: sa.Table, ids: Sequence[str], *more: sa.ColumnElement[bool]) -> dict[str, int]:
    query = sa.select(table.c.incident_id, sa.func.count().label("many")).where(table.c.incident_id.in_(ids), *more)
    return {row["incident_id"]: int(row["many"]) for row in tx.all(query.group_by(table.c.incident_id))}
