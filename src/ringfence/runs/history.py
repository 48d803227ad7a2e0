"""Runs as people look at them: which playbook, why, each step with its input, output and log. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.errors import Invalid, NotFound
from ringfence.storage import Transaction
from ringfence.storage.tables import alerts, playbook_versions, playbooks, run_alerts, run_logs, runs, step_runs, wakes

MOST = 500
LOG_LINES = 500
REASONS = 200
UNFINISHED = ("requested", "running", "waiting")


@dataclass(frozen=True, slots=True)
class Row:
    """One run in a list."""

    id: str
    organization_id: str
    playbook_id: str
    playbook_name: str
    version: str
    alert_id: str | None
    alert_title: str | None
    machine_name: str | None
    status: str
    error: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

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
class Step:
    """One step of a run, in one iteration."""

    step: str
    iteration: int
    position: int
    action: str
    status: str
    outcome: str | None
    attempt: int
    input: Any
    output: Any
    error: str
    started_at: datetime | None
    finished_at: datetime | None
    wake_at: datetime | None
    waits_for: tuple[str, ...]

    @property
    def took(self) -> timedelta | None:
        """Time from start to end, or to now; None before the start."""
        if self.started_at is None or self.status == "skipped":
            return None
        return (self.finished_at or clock.now()) - self.started_at


@dataclass(frozen=True, slots=True)
class Reason:
    """One alert, at one version, that a run is about: the first started it, the others joined it since."""

    alert_id: str
    alert_version: int
    title: str
    severity: str
    machine_name: str | None
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a run's log."""

    id: int
    step: str | None
    at: datetime
    level: str
    message: str
    fields: Any


@dataclass(frozen=True, slots=True)
class Detail:
    """One run with everything that is known of it. Of a long log the newest lines are here, and `older_lines` says so.

    `alerts` has the first REASONS of the alerts, of which there are `alert_count`.
    """

    row: Row
    trigger: Any
    steps: tuple[Step, ...]
    lines: tuple[Line, ...]
    older_lines: bool
    alerts: tuple[Reason, ...] = ()
    alert_count: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """How many runs are under way, and how those of the last day ended."""

    live: int
    succeeded: int
    failed: int


def _version(row: Mapping[Any, Any]) -> dict[str, Any]:
    fields = {name: row[name] for name in Row.__dataclass_fields__ if name != "version"}
    return {**fields, "version": f"{row['major']}.{row['minor']}"}


def _select(organization_id: str) -> sa.Select[Any]:
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


def listing(
    tx: Transaction,
    organization_id: str,
    *,
    status: tuple[str, ...] = (),
    playbook_id: str | None = None,
    alert_id: str | None = None,
    text: str = "",
    cursor: str | None = None,
    limit: int = 100,
) -> Page:
    """Return runs, newest first; `text` is part of a playbook's name, an alert's title or a host's name."""
    limit = max(1, min(limit, MOST))
    query = _select(organization_id)
    if status:
        query = query.where(runs.c.status.in_(status))
    if playbook_id is not None:
        query = query.where(runs.c.playbook_id == playbook_id)
    if alert_id is not None:
        joined = sa.select(run_alerts.c.run_id).where(run_alerts.c.alert_id == alert_id)
        query = query.where(runs.c.id.in_(joined))
    if text:
        wanted = [
            column.icontains(text, autoescape=True)
            for column in (playbooks.c.name, alerts.c.title, alerts.c.machine_name)
        ]
        query = query.where(sa.or_(*wanted))
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
    found = tx.all(query.order_by(runs.c.requested_at.desc(), runs.c.id.desc()).limit(limit + 1))
    rows = tuple(Row(**_version(row)) for row in found[:limit])
    return Page(rows, rows[-1].id if len(found) > limit else None)


def get(tx: Transaction, organization_id: str, run_id: str) -> Detail:
    """Return one run with its steps in order and its log; raise NotFound where this organization has none."""
    found = tx.one(_select(organization_id).where(runs.c.id == run_id))
    if found is None:
        raise NotFound("There is no such run.", advice="Look for it among the executions.")
    columns = [step_runs.c[name] for name in Step.__dataclass_fields__ if name in step_runs.c]
    topics: dict[str, list[str]] = {}
    for wake in tx.all(sa.select(wakes).where(wakes.c.run_id == run_id).order_by(wakes.c.topic)):
        topics.setdefault(wake["step"], []).append(wake["topic"])
    steps = tx.all(
        sa.select(*columns)
        .where(step_runs.c.run_id == run_id)
        .order_by(step_runs.c.position, step_runs.c.step, step_runs.c.iteration)
    )
    wanted = [run_logs.c[name] for name in Line.__dataclass_fields__]
    lines = tx.all(
        sa.select(*wanted).where(run_logs.c.run_id == run_id).order_by(run_logs.c.id.desc()).limit(LOG_LINES + 1)
    )
    return Detail(
        row=Row(**_version(found)),
        trigger=tx.scalar(sa.select(runs.c.trigger).where(runs.c.id == run_id)),
        steps=tuple(Step(**step, waits_for=tuple(topics.get(step["step"], ()))) for step in steps),
        lines=tuple(Line(**line) for line in reversed(lines[:LOG_LINES])),
        older_lines=len(lines) > LOG_LINES,
        alerts=_reasons(tx, run_id),
        alert_count=int(
            tx.scalar(sa.select(sa.func.count()).select_from(run_alerts).where(run_alerts.c.run_id == run_id)) or 0
        ),
    )


def _reasons(tx: Transaction, run_id: str) -> tuple[Reason, ...]:
    query = (
        sa.select(
            run_alerts.c.alert_id,
            run_alerts.c.alert_version,
            alerts.c.title,
            alerts.c.severity,
            alerts.c.machine_name,
            run_alerts.c.joined_at,
        )
        .join(alerts, alerts.c.id == run_alerts.c.alert_id)
        .where(run_alerts.c.run_id == run_id)
        .order_by(run_alerts.c.joined_at, run_alerts.c.alert_id, run_alerts.c.alert_version)
        .limit(REASONS)
    )
    return tuple(Reason(**row) for row in tx.all(query))


def counts(tx: Transaction, organization_id: str) -> Counts:
    """Return how many runs are under way, and how many of the last day's succeeded and failed."""
    recent = clock.now() - timedelta(days=1)
    found = tx.all(
        sa.select(runs.c.status, sa.func.count().label("number"))
        .where(
            runs.c.organization_id == organization_id,
            sa.or_(runs.c.status.in_(UNFINISHED), runs.c.requested_at > recent),
        )
        .group_by(runs.c.status)
    )
    numbers = {str(row["status"]): int(row["number"]) for row in found}
    return Counts(
        live=sum(numbers.get(status, 0) for status in UNFINISHED),
        succeeded=numbers.get("succeeded", 0),
        failed=numbers.get("failed", 0),
    )
