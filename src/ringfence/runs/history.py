"""Runs as people look for them: which there are, what they are about, in whose name they act. Reads only.

No secret that Ringfence knows, and nothing that a playbook masks, is in what these functions return.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.errors import Invalid
from ringfence.runs import known_secrets
from ringfence.runs.masked import masked_texts
from ringfence.runs.model import RunStatus
from ringfence.security.crypto import Vault
from ringfence.security.hiding import Hider
from ringfence.storage import Transaction, searching
from ringfence.storage.columns import holds, not_by, storable
from ringfence.storage.tables import alerts, playbook_versions, playbooks, run_alerts, runs

MOST = 500
UNFINISHED = ("requested", "running", "waiting")
_ENDED = ("succeeded", "failed", "partly_failed")


@dataclass(frozen=True, slots=True)
class Row:
    """One run in a list.

    `run_as` is the person or service in whose name it acts, `run_credential` the session, token or login by which the person
    came. `rerun_from` are the steps from which on an earlier run was done again, None where all of it was.
    """

    id: str
    organization_id: str
    playbook_id: str
    playbook_name: str
    version: str
    alert_id: str | None
    alert_title: str | None
    machine_id: str | None
    machine_name: str | None
    status: str
    error: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    trigger_kind: str
    run_as: str
    run_as_kind: str
    run_via: str
    run_credential: str
    rerun_of: str | None
    rerun_from: list[str] | None
    minutes_saved: float | None
    cancel_requested_at: datetime | None
    cancel_requested_by: str | None
    cancel_reason: str | None

    @property
    def live(self) -> bool:
        """Whether something may still happen."""
        return self.status in UNFINISHED

    @property
    def took(self) -> timedelta | None:
        """Time from start to end, or to now; None before the start."""
        return None if self.started_at is None else (self.finished_at or clock.now()) - self.started_at


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, newest first, and the cursor of the next page where there is one."""

    rows: tuple[Row, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Filters:
    """Which runs are wanted; what is empty does not narrow.

    `playbook` is an id or a whole name, `version` as major.minor, `machine` an id or part of a name, `triggers` kinds such as
    `defender.alert`. `since` and `until` are when it was asked for, the second excluded. `text` is part of a playbook's name,
    an alert's title or a host's name.
    """

    status: tuple[str, ...] = ()
    playbook: str | None = None
    version: str | None = None
    alert_id: str | None = None
    machine: str | None = None
    triggers: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""

    def __bool__(self) -> bool:
        return self != Filters()


@dataclass(frozen=True, slots=True)
class Counts:
    """How many runs are under way, and how those of the last day ended."""

    live: int
    succeeded: int
    failed: int


def select(organization_id: str) -> sa.Select[Any]:
    """Return the query of runs as rows, for `row_of`."""
    own = [runs.c[name] for name in Row.__dataclass_fields__ if name in runs.c]
    return (
        sa.select(
            *own,
            playbooks.c.name.label("playbook_name"),
            playbook_versions.c.major,
            playbook_versions.c.minor,
            alerts.c.title.label("alert_title"),
            alerts.c.machine_name,
        )
        .select_from(runs)
        .join(playbooks, playbooks.c.id == runs.c.playbook_id)
        .join(playbook_versions, playbook_versions.c.id == runs.c.playbook_version_id)
        .outerjoin(alerts, alerts.c.id == runs.c.alert_id)
        .where(runs.c.organization_id == organization_id)
    )


def row_of(row: Mapping[Any, Any]) -> Row:
    """Read a row of `select`."""
    fields = {name: row[name] for name in Row.__dataclass_fields__ if name != "version"}
    return Row(**fields, version=f"{row['major']}.{row['minor']}")


def listing(
    tx: Transaction,
    organization_id: str,
    vault: Vault,
    filters: Filters = Filters(),  # noqa: B008 - frozen
    *,
    cursor: str | None = None,
    limit: int = 100,
) -> Page:
    """Return runs, newest first; Invalid for a cursor, a status or a version that cannot be."""
    limit = max(1, min(limit, MOST))
    query = _narrowed(select(organization_id), filters)
    few = [_led(tx, text, column, more) for text, column, more in _texts(tx, organization_id, filters)]
    query = query.where(*(condition for condition, _ in few))
    order: list[sa.ColumnElement[Any]] = [runs.c.requested_at, runs.c.id]
    if any(led for _, led in few):
        order[0] = not_by(runs.c.requested_at)
    if cursor is not None:
        last = tx.one(
            sa.select(runs.c.requested_at, runs.c.id).where(
                runs.c.id == cursor, runs.c.organization_id == organization_id
            )
        )
        if last is None:
            raise Invalid("The cursor names no run.", advice="Start again without a cursor.")
        key = sa.tuple_(runs.c.requested_at, runs.c.id)
        query = query.where(key < sa.tuple_(sa.literal(last["requested_at"], runs.c.requested_at.type), last["id"]))
    found = tx.all(query.order_by(*(each.desc() for each in order)).limit(limit + 1))
    rows = _hidden(tx, organization_id, vault, [row_of(row) for row in found[:limit]])
    return Page(rows, rows[-1].id if len(found) > limit else None)


def named(tx: Transaction, organization_id: str, ids: Collection[str]) -> dict[str, str]:
    """Return what runs are called, by their ids: playbook and version; those that there are not are left out."""
    found = tx.all(select(organization_id).where(runs.c.id.in_([storable(each) for each in ids])))
    return {row.id: f"{row.playbook_name} {row.version}" for row in map(row_of, found)}


def _narrowed(query: sa.Select[Any], filters: Filters) -> sa.Select[Any]:
    if unknown := [each for each in filters.status if each not in list(RunStatus)]:
        raise Invalid(f"There is no status {unknown[0][:60]!r} of a run.", advice=f"There are: {', '.join(RunStatus)}.")
    if filters.status:
        query = query.where(runs.c.status.in_(filters.status))
    if filters.playbook is not None:
        query = query.where(sa.or_(runs.c.playbook_id == filters.playbook, playbooks.c.name == filters.playbook))
    if filters.version is not None:
        major, dot, minor = filters.version.partition(".")
        if not (dot and major.isdecimal() and minor.isdecimal() and len(filters.version) < _LONGEST_VERSION):
            raise Invalid(f"{filters.version[:40]!r} is not a version.", advice="Write it as major.minor, e.g. 1.3.")
        query = query.where(playbook_versions.c.major == int(major), playbook_versions.c.minor == int(minor))
    if filters.alert_id is not None:
        joined = sa.select(run_alerts.c.run_id).where(run_alerts.c.alert_id == filters.alert_id)
        query = query.where(runs.c.id.in_(joined))
    if filters.triggers:
        query = query.where(runs.c.trigger_kind.in_(filters.triggers))
    if filters.since is not None:
        query = query.where(runs.c.requested_at >= filters.since)
    if filters.until is not None:
        query = query.where(runs.c.requested_at < filters.until)
    return query


_LONGEST_VERSION = 20
_LED = 2_000
"""Runs are looked for along the alerts that a text leads to, where these are no more."""


def _texts(
    tx: Transaction, organization_id: str, filters: Filters
) -> Iterator[tuple[str, sa.ColumnElement[bool], sa.ColumnElement[bool]]]:
    """Yield each text with the condition on the run's alert that it is part of, and the one that fits a run without it."""
    if filters.machine:
        text = filters.machine
        yield text, holds(text, alerts.c.machine_name), runs.c.machine_id == text.lower()
    if filters.text:
        text = filters.text
        named = sa.select(playbooks.c.id).where(
            playbooks.c.organization_id == organization_id, playbooks.c.name.icontains(text, autoescape=True)
        )
        ids = [row["id"] for row in tx.all(named)]
        yield text, holds(text, alerts.c.title, alerts.c.machine_name), runs.c.playbook_id.in_(ids)


def _led(
    tx: Transaction, text: str, of_alert: sa.ColumnElement[bool], otherwise: sa.ColumnElement[bool]
) -> tuple[sa.ColumnElement[bool], bool]:
    """Return the condition on runs, and whether few alerts lead to them."""
    if searching.possible(tx, text):
        numbers = searching.some(tx, text, below=None, limit=_LED)
        if len(numbers) < _LED:
            return sa.or_(sa.and_(runs.c.alert_id.in_(searching.ids_of(numbers)), of_alert), otherwise), True
    return sa.or_(of_alert, otherwise), False


def _hidden(tx: Transaction, organization_id: str, vault: Vault, rows: Sequence[Row]) -> tuple[Row, ...]:
    if not any(row.error or row.cancel_reason for row in rows):
        return tuple(rows)
    known = known_secrets.hider(tx, vault, organization_id)
    held = masked_texts(tx, [row.id for row in rows if row.error])
    return tuple(
        replace(
            row, error=known.more(held.get(row.id, ())).text(row.error), cancel_reason=_text(known, row.cancel_reason)
        )
        for row in rows
    )


def _text(known: Hider, text: str | None) -> str | None:
    return None if text is None else known.text(text)


def counts(tx: Transaction, organization_id: str) -> Counts:
    """Return how many runs are under way, and how many of the last day's succeeded and failed, if only in part."""
    recent = clock.now() - timedelta(days=1)
    numbers: dict[str, int] = {}
    # Two questions, each of which an index answers alone.
    for narrowed in (runs.c.status.in_(UNFINISHED), sa.and_(runs.c.status.in_(_ENDED), runs.c.requested_at > recent)):
        query = sa.select(runs.c.status, sa.func.count().label("number"))
        found = tx.all(query.where(runs.c.organization_id == organization_id, narrowed).group_by(runs.c.status))
        numbers |= {str(row["status"]): int(row["number"]) for row in found}
    return Counts(
        live=sum(numbers.get(status, 0) for status in UNFINISHED),
        succeeded=numbers.get("succeeded", 0),
        failed=numbers.get("failed", 0) + numbers.get("partly_failed", 0),
    )
