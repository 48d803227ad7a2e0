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


def select(organization_id: str, *, led: bool = False) -> sa.Select[Any]:
    """Return the query of runs as rows, for `row_of`; `led`: something leads further than the organization's indexes would."""
    of = not_by(runs.c.organization_id) if led else runs.c.organization_id
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
        .where(of == organization_id)
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
    conditions, ways = _asked(tx, organization_id, filters)
    if cursor is not None:
        last = tx.one(
            sa.select(runs.c.requested_at, runs.c.id).where(
                runs.c.id == cursor, runs.c.organization_id == organization_id
            )
        )
        if last is None:
            raise Invalid("The cursor names no run.", advice="Start again without a cursor.")
        key = sa.tuple_(runs.c.requested_at, runs.c.id)
        conditions.append(key < sa.tuple_(sa.literal(last["requested_at"], runs.c.requested_at.type), last["id"]))
    query = select(organization_id, led=ways is not None).where(*conditions)
    if ways is not None:
        # Each way brings its newest, and the newest of these are wanted.
        newest = [_newest(query.with_only_columns(runs.c.id), way, limit + 1).subquery() for way in ways]
        ids = sa.union_all(*(sa.select(each.c.id) for each in newest)) if newest else [""]
        query = select(organization_id, led=True).where(runs.c.id.in_(ids))
    found = tx.all(_newest(query, None if ways is None else _Way(sa.true()), limit + 1))
    rows = _hidden(tx, organization_id, vault, [row_of(row) for row in found[:limit]])
    return Page(rows, rows[-1].id if len(found) > limit else None)


def _newest(query: sa.Select[Any], way: "_Way | None", limit: int) -> sa.Select[Any]:
    at: sa.ColumnElement[Any] = runs.c.requested_at
    if way is not None:
        query = query.where(way.condition)
        at = at if way.ordered else not_by(at)
    return query.order_by(at.desc(), runs.c.id.desc()).limit(limit)


def named(tx: Transaction, organization_id: str, ids: Collection[str]) -> dict[str, str]:
    """Return what runs are called, by their ids: playbook and version; those that there are not are left out."""
    found = tx.all(select(organization_id, led=True).where(runs.c.id.in_([storable(each) for each in ids])))
    return {row.id: f"{row.playbook_name} {row.version}" for row in map(row_of, found)}


@dataclass(frozen=True, slots=True)
class _Way:
    """A condition by which an index finds runs; `ordered`: the newest first."""

    condition: sa.ColumnElement[bool]
    ordered: bool = False


_LONGEST_VERSION = 20
_LED = 2_000
"""Runs are looked for along the alerts that a text leads to, where these are no more."""
_WAYS = 20


def _asked(
    tx: Transaction, organization_id: str, filters: Filters
) -> tuple[list[sa.ColumnElement[bool]], list[_Way] | None]:
    """Return the conditions of filters, and the ways to the runs that may fulfil them; None where all are gone through."""
    found: list[sa.ColumnElement[bool]] = []
    ways: list[_Way] | None = None
    if unknown := [each for each in filters.status if each not in list(RunStatus)]:
        raise Invalid(f"There is no status {unknown[0][:60]!r} of a run.", advice=f"There are: {', '.join(RunStatus)}.")
    if filters.version is not None:
        major, dot, minor = filters.version.partition(".")
        if not (dot and major.isdecimal() and minor.isdecimal() and len(filters.version) < _LONGEST_VERSION):
            raise Invalid(f"{filters.version[:40]!r} is not a version.", advice="Write it as major.minor, e.g. 1.3.")
        found += [playbook_versions.c.major == int(major), playbook_versions.c.minor == int(minor)]
    if filters.playbook is not None:
        meant = sa.or_(playbooks.c.id == filters.playbook, playbooks.c.name == filters.playbook)
        ids = _playbooks(tx, organization_id, meant)
        found.append(runs.c.playbook_id.in_(ids))
        ways = [_Way(runs.c.playbook_id == each, ordered=True) for each in ids]
    for text, of_alert, otherwise in _texts(tx, organization_id, filters):
        few = searching.few(tx, searching.ALERTS, organization_id, text, limit=_LED)
        found.append(sa.or_(of_alert, *(way.condition for way in otherwise)))
        if few is not None and len(otherwise) <= _WAYS:
            ways = [_Way(sa.and_(runs.c.alert_id.in_(few), of_alert)), *otherwise]
    if filters.alert_id is not None:
        joined = sa.select(run_alerts.c.run_id).where(run_alerts.c.alert_id == filters.alert_id)
        found.append(runs.c.id.in_(joined))
        ways = [_Way(runs.c.id.in_(joined))]
    if filters.status:
        found.append((runs.c.status if ways is None else not_by(runs.c.status)).in_(filters.status))
    if filters.triggers:
        found.append(runs.c.trigger_kind.in_(filters.triggers))
    if filters.since is not None:
        found.append(runs.c.requested_at >= filters.since)
    if filters.until is not None:
        found.append(runs.c.requested_at < filters.until)
    return found, ways


def _playbooks(tx: Transaction, organization_id: str, meant: sa.ColumnElement[bool]) -> list[str]:
    query = sa.select(playbooks.c.id).where(playbooks.c.organization_id == organization_id, meant)
    return [row["id"] for row in tx.all(query.order_by(playbooks.c.id))]


def _texts(
    tx: Transaction, organization_id: str, filters: Filters
) -> Iterator[tuple[str, sa.ColumnElement[bool], list[_Way]]]:
    """Yield each text with the condition on the run's alert that it is part of, and the ways to runs that fit without it."""
    if filters.machine:
        text = filters.machine
        yield text, holds(text, alerts.c.machine_name), [_Way(runs.c.machine_id == text.lower(), ordered=True)]
    if filters.text:
        text = filters.text
        named = _playbooks(tx, organization_id, playbooks.c.name.icontains(text, autoescape=True))
        otherwise = [_Way(runs.c.playbook_id == each, ordered=True) for each in named]
        yield text, searching.ALERTS.holds(text), otherwise


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
