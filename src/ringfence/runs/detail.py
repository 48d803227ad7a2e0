"""One run as people look at it: why it ran, each step with its input, output, attempts and errors, and its log. Reads only.

No secret that Ringfence knows, and nothing that a playbook masks, is in what these functions return.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.errors import NotFound
from ringfence.playbooks import rounds
from ringfence.playbooks.masks import Masks, Side
from ringfence.runs import known_secrets
from ringfence.runs.history import Row, row_of, select
from ringfence.runs.masked import masked_texts, masks_of
from ringfence.security.crypto import Vault
from ringfence.security.hiding import Hider
from ringfence.storage import Transaction
from ringfence.storage.columns import not_by
from ringfence.storage.tables import alerts, playbook_versions, run_alerts, run_logs, runs, step_runs, wakes

LOG_LINES: Final = 500
REASONS: Final = 200
STEPS: Final = 500
"""Of a run with more steps, as loops have, so many are given: those outside of loops and those that failed first."""
LARGEST_SHOWN: Final = 65_536
"""Characters of JSON above which an input or output is left out and only its size is given."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a step that is over; `error` is empty where it succeeded."""

    number: int
    started_at: datetime
    finished_at: datetime
    error: str

    @property
    def took(self) -> timedelta:
        """Time from start to end."""
        return self.finished_at - self.started_at


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a run, in one iteration: 0 outside of loops, else which item it is of, from 1.

    `round` says so for people: `3`, `3, 2` in a loop in a loop, `try 2` of a call; empty outside of these. `error_code` is the
    one that a `retry` may name, of several errors all with commas between them. `input_size` and `output_size` are in
    characters of JSON. What is larger than LARGEST_SHOWN is None and named in `cut`.
    """

    step: str
    iteration: int
    round: str
    position: int
    action: str
    status: str
    outcome: str | None
    attempt: int
    input: Any
    output: Any
    error: str
    error_code: str
    started_at: datetime | None
    finished_at: datetime | None
    wake_at: datetime | None
    attempts: tuple[Attempt, ...]
    waits_for: tuple[str, ...]
    input_size: int
    output_size: int
    cut: tuple[str, ...]
    masked: bool

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
class Again:
    """A run that did this one again."""

    id: str
    status: str
    requested_at: datetime
    run_as: str
    rerun_from: list[str] | None


@dataclass(frozen=True, slots=True)
class Detail:
    """One run with everything that is known of it. Of a long log the newest lines are here, and `older_lines` says so.

    `alerts` has the first REASONS of the alerts, of which there are `alert_count`; `steps` the first STEPS of `step_count`,
    unless all were asked for. `source` is the text of the version that it runs.
    """

    row: Row
    trigger: Any
    steps: tuple[Step, ...]
    lines: tuple[Line, ...]
    older_lines: bool
    alerts: tuple[Reason, ...] = ()
    alert_count: int = 0
    step_count: int = 0
    again: tuple[Again, ...] = ()
    source: str = ""


def get(tx: Transaction, organization_id: str, run_id: str, vault: Vault, *, whole: bool = False) -> Detail:
    """Return one run with its steps in order and its log; `whole` leaves nothing out, however much it is.

    Raise NotFound where this organization has none.
    """
    found = _found(tx, organization_id, run_id)
    of_steps = masks_of(tx, [run_id])
    known = known_secrets.hider(tx, vault, organization_id)
    hide = known.more(masked_texts(tx, [run_id], of_steps).get(run_id, ()))
    row = row_of(found)
    steps, count = _steps(tx, run_id, of_steps.get(run_id, {}), hide, whole=whole)
    wanted = [run_logs.c[name] for name in Line.__dataclass_fields__]
    newest = sa.select(*wanted).where(run_logs.c.run_id == run_id).order_by(run_logs.c.id.desc())
    lines = tx.all(newest if whole else newest.limit(LOG_LINES + 1))
    shown = lines if whole else lines[:LOG_LINES]
    more = tx.one(
        sa.select(runs.c.trigger, playbook_versions.c.source)
        .join(playbook_versions, playbook_versions.c.id == runs.c.playbook_version_id)
        .where(runs.c.id == run_id)
    )
    assert more is not None
    return Detail(
        row=replace(
            row,
            error=hide.text(row.error),
            cancel_reason=None if row.cancel_reason is None else hide.text(row.cancel_reason),
        ),
        trigger=hide.value(more["trigger"]),
        steps=steps,
        lines=tuple(line(each, hide) for each in reversed(shown)),
        older_lines=len(shown) < len(lines),
        alerts=_reasons(tx, run_id),
        alert_count=int(
            tx.scalar(sa.select(sa.func.count()).select_from(run_alerts).where(run_alerts.c.run_id == run_id)) or 0
        ),
        step_count=count,
        again=_again(tx, organization_id, run_id),
        source=more["source"],
    )


def value(
    tx: Transaction, organization_id: str, run_id: str, step: str, iteration: int, side: Side, vault: Vault
) -> str:
    """Return the whole input or output of a step as a JSON text, indented; NotFound where there is none."""
    _found(tx, organization_id, run_id)
    row = tx.one(
        sa.select(step_runs.c.input, step_runs.c.output).where(
            step_runs.c.run_id == run_id, step_runs.c.step == step, step_runs.c.iteration == iteration
        )
    )
    if row is None:
        raise NotFound("This run has no such step.", advice="Look at the run: it names its steps.")
    of_steps = masks_of(tx, [run_id])
    hide = known_secrets.hider(tx, vault, organization_id).more(masked_texts(tx, [run_id], of_steps).get(run_id, ()))
    masks = of_steps.get(run_id, {}).get(step, Masks())
    return json.dumps(hide.value(masks.apply(row[side], side)[0]), indent=2, ensure_ascii=False)


def step(tx: Transaction, organization_id: str, run_id: str, name: str, iteration: int, vault: Vault) -> Step:
    """Return one step of a run; NotFound where there is none."""
    _found(tx, organization_id, run_id)
    of_steps = masks_of(tx, [run_id])
    hide = known_secrets.hider(tx, vault, organization_id).more(masked_texts(tx, [run_id], of_steps).get(run_id, ()))
    found, _ = _steps(tx, run_id, of_steps.get(run_id, {}), hide, whole=False, one=(name, iteration))
    if not found:
        raise NotFound("This run has no such step.", advice="Look at the run: it names its steps.")
    return found[0]


def _found(tx: Transaction, organization_id: str, run_id: str) -> Any:
    found = tx.one(select(organization_id).where(runs.c.id == run_id))
    if found is None:
        raise NotFound("There is no such run.", advice="Look for it among the executions.")
    return found


def line(row: Mapping[Any, Any], hide: Hider) -> Line:
    """Return a row of the log as a line."""
    return Line(**{**row, "message": hide.text(row["message"]), "fields": hide.value(row["fields"])})


_OWN = [name for name in Step.__dataclass_fields__ if name in step_runs.c and name not in ("input", "output")]


def _steps(
    tx: Transaction,
    run_id: str,
    of_steps: Mapping[str, Masks],
    hide: Hider,
    *,
    whole: bool,
    one: tuple[str, int] | None = None,
) -> tuple[tuple[Step, ...], int]:
    topics: dict[tuple[str, int], list[str]] = {}
    for wake in tx.all(sa.select(wakes).where(wakes.c.run_id == run_id).order_by(wakes.c.topic)):
        topics.setdefault((wake["step"], wake["iteration"]), []).append(wake["topic"])
    count = tx.scalar(sa.select(sa.func.count()).select_from(step_runs).where(step_runs.c.run_id == run_id)) or 0
    sizes = {
        side: sa.func.coalesce(sa.func.length(sa.cast(step_runs.c[side], sa.Text)), 0) for side in ("input", "output")
    }
    query = sa.select(
        *(step_runs.c[name] for name in _OWN),
        *(size.label(f"{side}_size") for side, size in sizes.items()),
        *(
            step_runs.c[side] if whole else sa.case((size <= LARGEST_SHOWN, step_runs.c[side])).label(side)
            for side, size in sizes.items()
        ),
    ).where(step_runs.c.run_id == run_id)
    if one is not None:
        query = query.where(step_runs.c.step == one[0], step_runs.c.iteration == one[1])
    elif not whole and count > STEPS:
        telling = sa.case((step_runs.c.iteration == 0, 0), (step_runs.c.status == "failed", 1), else_=2)
        first = (
            sa.select(step_runs.c.step, step_runs.c.iteration)
            .where(step_runs.c.run_id == run_id)
            .order_by(telling, step_runs.c.iteration, step_runs.c.position)
            .limit(STEPS)
        )
        query = query.where(sa.tuple_(step_runs.c.step, step_runs.c.iteration).in_(first))
    found = tx.all(query.order_by(step_runs.c.position, step_runs.c.step, step_runs.c.iteration))
    return tuple(_step(dict(row), of_steps, topics, hide, whole=whole) for row in found), int(count)


def _step(
    row: dict[str, Any],
    of_steps: Mapping[str, Masks],
    topics: Mapping[tuple[str, int], list[str]],
    hide: Hider,
    *,
    whole: bool,
) -> Step:
    masks = of_steps.get(row["step"], Masks())
    cut = () if whole else tuple(side for side in ("input", "output") if row[f"{side}_size"] > LARGEST_SHOWN)
    attempts = tuple(
        Attempt(
            each["number"],
            datetime.fromisoformat(each["started_at"]),
            datetime.fromisoformat(each["finished_at"]),
            hide.text(each["error"]),
        )
        for each in row.pop("attempts") or ()
    )
    shown: dict[str, Any] = {
        "error": hide.text(row.pop("error")),
        "input": hide.value(masks.apply(row.pop("input"), "input")[0]),
        "output": hide.value(masks.apply(row.pop("output"), "output")[0]),
    }
    waits_for = tuple(topics.get((row["step"], row["iteration"]), ()))
    shown["round"] = rounds.said(row["iteration"])
    return Step(**row, **shown, attempts=attempts, waits_for=waits_for, cut=cut, masked=bool(masks))


def _again(tx: Transaction, organization_id: str, run_id: str) -> tuple[Again, ...]:
    columns = [runs.c[name] for name in Again.__dataclass_fields__]
    query = sa.select(*columns).where(runs.c.rerun_of == run_id, not_by(runs.c.organization_id) == organization_id)
    return tuple(Again(**row) for row in tx.all(query.order_by(runs.c.requested_at, runs.c.id)))


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
