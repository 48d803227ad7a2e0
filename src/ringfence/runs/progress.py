"""How far a run has come, step by step, and one step of it close up: what its picture on the canvas shows. Reads only.

It is asked for again with each change of a run that is under way: inputs, outputs and the log come with one step only. No secret
that Ringfence knows, and nothing that a playbook masks, is in what these functions return.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy import RowMapping

from ringfence import clock
from ringfence.errors import NotFound
from ringfence.playbooks import rounds
from ringfence.runs import detail, known_secrets
from ringfence.runs.history import Row, row_of, select
from ringfence.runs.masked import masked_texts
from ringfence.security.crypto import Vault
from ringfence.security.hiding import Hider
from ringfence.storage import Transaction
from ringfence.storage.tables import playbook_versions, run_logs, runs, step_runs

ITEMS: Final = 200
"""Of the items of a loop so many are named, those that failed first."""
LINES: Final = 200
LONGEST_ERROR: Final = 500


@dataclass(frozen=True, slots=True)
class Standing:
    """How one step stands; `items` counts by status those of the loop that it is, or in whose body it stands."""

    step: str
    status: str
    outcome: str | None
    attempt: int
    error: str
    started_at: datetime | None
    finished_at: datetime | None
    wake_at: datetime | None
    items: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Progress:
    """A run, how its steps stand by name, and the text of the version that it runs."""

    row: Row
    steps: Mapping[str, Standing]
    source: str


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a loop in one of its steps; `number` is its round, see `playbooks.rounds`."""

    number: int
    status: str
    error: str
    took: timedelta | None


@dataclass(frozen=True, slots=True)
class CloseUp:
    """One step with input, output, attempts and its newest lines; `items` are there where it is of a loop's body."""

    step: detail.Step
    lines: tuple[detail.Line, ...]
    items: tuple[Item, ...]
    item_count: int


def progress(tx: Transaction, organization_id: str, run_id: str, vault: Vault) -> Progress:
    """Say how far a run has come; NotFound where this organization has none."""
    found = tx.one(select(organization_id).where(runs.c.id == run_id))
    if found is None:
        raise NotFound("There is no such run.", advice="Look for it among the executions.")
    hide = _hider(tx, organization_id, run_id, vault)
    source = tx.scalar(
        sa.select(playbook_versions.c.source)
        .join(runs, runs.c.playbook_version_id == playbook_versions.c.id)
        .where(runs.c.id == run_id)
    )
    row = row_of(found)
    shown = replace(
        row,
        error=hide.text(row.error),
        cancel_reason=None if row.cancel_reason is None else hide.text(row.cancel_reason),
    )
    inside, own = _of_items(tx, run_id), _own(tx, run_id, hide)
    # A loop has a row of its own beside those of its items.
    whole = {name: replace(each, items=inside[name].items) if name in inside else each for name, each in own.items()}
    return Progress(shown, inside | whole, str(source or ""))


def close_up(
    tx: Transaction, organization_id: str, run_id: str, vault: Vault, step: str, number: int | None = None
) -> CloseUp:
    """Return one step: in the round with this number, else the step as a whole, else the first item that failed, else the first.

    NotFound where the run has no such step, or it has not begun.
    """
    items, count = _items(tx, run_id, step)
    own = sa.select(step_runs.c.step).where(
        step_runs.c.run_id == run_id, step_runs.c.step == step, step_runs.c.iteration == 0
    )
    wanted = number if number is not None else 0 if tx.scalar(own) is not None or not items else items[0].number
    found = detail.step(tx, organization_id, run_id, step, wanted, vault)
    hide = _hider(tx, organization_id, run_id, vault)
    columns = [run_logs.c[name] for name in detail.Line.__dataclass_fields__]
    newest = sa.select(*columns).where(run_logs.c.run_id == run_id, run_logs.c.step == step)
    lines = tx.all(newest.order_by(run_logs.c.id.desc()).limit(LINES))
    told = tuple(replace(each, error=hide.text(each.error)) for each in items)
    return CloseUp(found, tuple(detail.line(line, hide) for line in reversed(lines)), told, count)


def _hider(tx: Transaction, organization_id: str, run_id: str, vault: Vault) -> Hider:
    known = known_secrets.hider(tx, vault, organization_id)
    return known.more(masked_texts(tx, [run_id]).get(run_id, ()))


def _own(tx: Transaction, run_id: str, hide: Hider) -> dict[str, Standing]:
    names = [name for name in Standing.__dataclass_fields__ if name != "items"]
    query = sa.select(*(step_runs.c[name] for name in names))
    rows = tx.all(query.where(step_runs.c.run_id == run_id, step_runs.c.iteration == 0))
    return {
        row["step"]: Standing(**{**row, "error": hide.text(row["error"])[:LONGEST_ERROR]}, items={}) for row in rows
    }


def _of_items(tx: Transaction, run_id: str) -> dict[str, Standing]:
    own = step_runs.c
    last = own.iteration.bitwise_and((1 << rounds.BITS) - 1)
    place = sa.case((last > rounds.MOST_ITEMS, own.iteration), else_=own.iteration - last)
    query = (
        sa.select(
            own.step,
            own.status,
            place.label("place"),
            sa.func.count().label("number"),
            sa.func.max(own.attempt).label("attempt"),
            sa.func.min(own.started_at).label("started_at"),
            sa.func.max(own.finished_at).label("finished_at"),
            sa.func.min(own.wake_at).label("wake_at"),
        )
        .where(own.run_id == run_id, own.iteration > 0)
        .group_by(own.step, own.status, place)
    )
    of_step: dict[str, list[RowMapping]] = {}
    for row in tx.all(query):
        of_step.setdefault(row["step"], []).append(row)
    return {step: _of_rounds(step, rows) for step, rows in of_step.items()}


def _of_rounds(step: str, rows: Sequence[RowMapping]) -> Standing:
    """Sum up the rounds of a step: of a call that was tried again only the newest try counts."""
    newest: dict[int, int] = {}
    for row in rows:
        for each in _tries(row["place"]):
            newest[rounds.outer_of(each)] = max(each, newest.get(rounds.outer_of(each), 0))
    counting = [row for row in rows if all(newest[rounds.outer_of(each)] == each for each in _tries(row["place"]))]
    counted: dict[str, int] = {}
    for row in counting:
        counted[row["status"]] = counted.get(row["status"], 0) + int(row["number"])
    status = next(
        (each for each in ("started", "waiting", "failed", "succeeded", "skipped") if each in counted), "pending"
    )

    def moments(name: str) -> list[datetime]:
        return [row[name] for row in counting if row[name] is not None]

    return Standing(
        step=step,
        status=status,
        outcome=None,
        attempt=max(int(row["attempt"]) for row in counting),
        error="",
        started_at=min(moments("started_at"), default=None),
        finished_at=max(moments("finished_at"), default=None),
        wake_at=min(moments("wake_at"), default=None),
        items=counted if any(_in_loop(row["place"]) for row in counting) else {},
    )


def _tries(place: int) -> list[int]:
    return [each for each in rounds.path_of(place) if rounds.is_try(each)]


def _in_loop(place: int) -> bool:
    return not rounds.is_try(place) or any(not rounds.is_try(each) for each in rounds.path_of(place))


def _items(tx: Transaction, run_id: str, step: str) -> tuple[tuple[Item, ...], int]:
    own = step_runs.c
    of_step = (own.run_id == run_id, own.step == step, own.iteration > 0)
    count = tx.scalar(sa.select(sa.func.count()).select_from(step_runs).where(*of_step)) or 0
    query = sa.select(own.iteration, own.status, own.error, own.started_at, own.finished_at).where(*of_step)
    telling = sa.case((own.status == "failed", 0), else_=1)
    rows = tx.all(query.order_by(telling, own.iteration).limit(ITEMS))
    now = clock.now()
    return tuple(
        Item(
            row["iteration"],
            row["status"],
            row["error"][:LONGEST_ERROR],
            None if row["started_at"] is None else (row["finished_at"] or now) - row["started_at"],
        )
        for row in rows
    ), int(count)
