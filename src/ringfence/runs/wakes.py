"""Who waits for which change: noted with the row of the waiting step, made due by whoever sees the change.

A topic is `noun:id`, as in the change feed. Every function works inside the caller's transaction.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.containment.model import State
from ringfence.playbooks.schedule import StepStatus
from ringfence.runs.model import OPEN, Awaited, Run, RunStatus
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import changes, runs, step_runs, wakes

Address = tuple[str, str, int]
"""Where a run is to be started: (run, organization, segment)."""

PASSING: Final = frozenset(
    {
        *(state.value for state in (State.REQUESTED, State.APPROVED, State.SUBMITTING, State.PENDING, State.RELEASING)),
        "detail",
        "held",
        "let_go",
        "release_requested",
    }
)
"""Changes of a containment that end no wait: on its way it changes half a dozen times, and a step goes on only when it has
come somewhere."""

OPEN_STATES = [status.value for status in OPEN]
_AT_ONCE = 500
_ENDS_A_WAIT = sa.or_(changes.c.noun != "containment", changes.c.kind.not_in(sorted(PASSING)))

_FORGET_STEP = sa.delete(wakes).where(
    wakes.c.run_id == sa.bindparam("run"),
    wakes.c.step == sa.bindparam("name"),
    wakes.c.iteration == sa.bindparam("round"),
)
_FORGET_RUN = sa.delete(wakes).where(wakes.c.run_id == sa.bindparam("run"))
_INSERT = sa.insert(wakes)
_COME = (
    sa.select(changes.c.id)
    .where(
        changes.c.noun == sa.bindparam("noun"),
        changes.c.noun_id == sa.bindparam("noun_id"),
        changes.c.id > sa.bindparam("since"),
        _ENDS_A_WAIT,
    )
    .limit(1)
)
_NUDGE = (
    sa.update(runs)
    .where(runs.c.id == sa.bindparam("run"), runs.c.status.in_(OPEN_STATES))
    .values(nudges=runs.c.nudges + 1)
)
_NOW = sa.bindparam("now", type_=step_runs.c.wake_at.type)
_SLEEPING = sa.and_(
    step_runs.c.status == StepStatus.WAITING.value, sa.or_(step_runs.c.wake_at.is_(None), step_runs.c.wake_at > _NOW)
)
_MAKE_DUE = (
    sa.update(step_runs)
    .where(
        step_runs.c.run_id == sa.bindparam("run"),
        step_runs.c.step == sa.bindparam("name"),
        step_runs.c.iteration == sa.bindparam("round"),
        _SLEEPING,
    )
    .values(wake_at=_NOW)
)


_STEP = (wakes.c.run_id, wakes.c.step, wakes.c.iteration)


def _missed(position: Callable[..., sa.ColumnElement[int]]) -> sa.Select[str, str, int]:
    # The topic is taken apart, and not the change put together, so that the index of the change feed serves.
    colon = position(wakes.c.topic, ":")
    come = sa.exists(
        sa.select(changes.c.id).where(
            changes.c.noun == sa.func.substr(wakes.c.topic, 1, colon - 1),
            changes.c.noun_id == sa.func.substr(wakes.c.topic, colon + 1),
            changes.c.id > wakes.c.after_change,
            _ENDS_A_WAIT,
        )
    )
    waits = sa.and_(
        step_runs.c.run_id == wakes.c.run_id,
        step_runs.c.step == wakes.c.step,
        step_runs.c.iteration == wakes.c.iteration,
    )
    query = sa.select(*_STEP).join(step_runs, waits).where(_SLEEPING, come).distinct()
    return query.limit(_AT_ONCE)


_MISSED = {"sqlite": _missed(sa.func.instr), "postgresql": _missed(sa.func.strpos)}


def note(tx: Transaction, run: Run, awaited: Sequence[Awaited]) -> bool:
    """Note on which changes steps wait, before their rows are written; returns whether a change has come already.

    A step whose change has come is made due at once.
    """
    any_come = False
    for each in awaited:
        step = {"run_id": run.id, "step": each.step.step, "iteration": each.step.iteration}
        tx.execute(_FORGET_STEP, {"run": run.id, "name": each.step.step, "round": each.step.iteration})
        come = False
        for topic in {storable(topic) for topic in each.topics}:
            noun, _, noun_id = topic.partition(":")
            tx.execute(_INSERT, {"topic": f"{noun}:{noun_id}", **step, "after_change": each.since})
            come = come or tx.one(_COME, {"noun": noun, "noun_id": noun_id, "since": each.since}) is not None
        if come:
            each.step.wake_at = clock.now()
            any_come = True
    return any_come


def forget(tx: Transaction, run_id: str) -> None:
    """Forget on which changes the steps of a run waited."""
    tx.execute(_FORGET_RUN, {"run": run_id})


def waited_for(tx: Transaction, topics: Sequence[str]) -> bool:
    """Say whether any step waits on one of the topics."""
    return tx.one(sa.select(wakes.c.run_id).where(wakes.c.topic.in_(topics)).limit(1)) is not None


def wake(tx: Transaction, topics: Sequence[str]) -> list[Address]:
    """Make the steps that wait on one of the topics due; returns (run, organization, segment) of their runs."""
    waiting = tx.all(sa.select(*_STEP).where(wakes.c.topic.in_(topics)).distinct())
    return _make_due(tx, waiting)


def missed(tx: Transaction) -> Sequence[sa.RowMapping]:
    """Return the steps (run_id, step, iteration) that sleep although a change that they wait for has come."""
    return tx.connection.execute(_MISSED[tx.dialect], {"now": clock.now()}).mappings().all()


def wake_missed(tx: Transaction) -> list[Address]:
    """Do as `wake` does for changes that came while the step was being parked, and that no follower saw."""
    return _make_due(tx, missed(tx))


def _make_due(tx: Transaction, waiting: Sequence[sa.RowMapping]) -> list[Address]:
    now = clock.now()
    woken: set[str] = set()
    # In one order, and the run before its step as its holder does, so that two of us cannot stop each other.
    for run_id, step, iteration in sorted((row["run_id"], row["step"], row["iteration"]) for row in waiting):
        tx.execute(_NUDGE, {"run": run_id})
        if tx.execute(_MAKE_DUE, {"run": run_id, "name": step, "round": iteration, "now": now}).rowcount:
            woken.add(run_id)
    return addresses(tx, sorted(woken)) if woken else []


def addresses(tx: Transaction, run_ids: Sequence[str]) -> list[Address]:
    """Return (run, organization, segment) of the runs among these that are open, the oldest request first.

    Those that still gather alerts are left out; the sweep finds them when their time has come.
    """
    gathering = sa.and_(runs.c.not_before.is_not(None), runs.c.not_before > clock.now())
    rows = tx.all(
        sa.select(runs.c.id, runs.c.organization_id, runs.c.segment)
        .where(runs.c.id.in_(run_ids), runs.c.status.in_(OPEN_STATES), ~gathering)
        .order_by(runs.c.requested_at, runs.c.id)
    )
    return [_address(row) for row in rows]


def _address(row: sa.RowMapping) -> Address:
    return row["id"], row["organization_id"], row["segment"]


_FREE = sa.or_(runs.c.lease_until.is_(None), runs.c.lease_until <= _NOW)
_PAST = sa.bindparam("past", type_=runs.c.requested_at.type)
_FOUND = (runs.c.id, runs.c.organization_id, runs.c.segment, runs.c.requested_at)
_UNCARRIED = sa.select(*_FOUND).where(
    _FREE,
    runs.c.held_since.is_(None),
    sa.or_(runs.c.not_before.is_(None), runs.c.not_before <= _NOW),
    sa.or_(
        sa.and_(runs.c.status == RunStatus.REQUESTED.value, runs.c.requested_at <= _PAST),
        runs.c.status == RunStatus.RUNNING.value,
    ),
)
# By the index of what is due, however many runs wait: without a figure for either, SQLite would take all runs that wait first
# and look at the steps of each, which with 10,000 of them took twenty times as long.
_WAITS = sa.func.coalesce(runs.c.status, "") == RunStatus.WAITING.value
_OVERDUE = (
    sa.select(*_FOUND)
    .join(step_runs, step_runs.c.run_id == runs.c.id)
    .where(
        _WAITS,
        _FREE,
        step_runs.c.wake_at <= _PAST,
        step_runs.c.status == StepStatus.WAITING.value,
    )
)
_STRANDED = sa.union(_UNCARRIED, _OVERDUE).order_by(sa.text("requested_at"), sa.text("id")).limit(sa.bindparam("most"))


def stranded(tx: Transaction, *, older_than: timedelta, limit: int = 200) -> list[Address]:
    """Find open runs that somebody should be carrying and nobody does; returns (run, organization, segment)."""
    now: datetime = clock.now()
    values = {"now": now, "past": now - older_than, "most": limit}
    return [_address(row) for row in tx.connection.execute(_STRANDED, values).mappings()]
