"""The rows of runs: request, claim, write under the claim, park, wake. Every function works inside the caller's transaction."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.errors import LeaseLost
from ringfence.playbooks.compiler import StepStatus
from ringfence.runs.model import OPEN, Run, RunStatus, StepRun
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import (
    alert_versions,
    changes,
    organizations,
    playbook_versions,
    playbooks,
    run_logs,
    runs,
    step_runs,
    wakes,
)

Address = tuple[str, str, int]
"""Where a run is to be started: (run, organization, segment)."""

_OPEN = [status.value for status in OPEN]


def _free(now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(runs.c.lease_until.is_(None), runs.c.lease_until <= now)


def request(
    tx: Transaction,
    *,
    organization_id: str,
    playbook_id: str,
    playbook_version_id: str,
    cause_key: str,
    trigger: Mapping[str, Any],
    account_id: str | None = None,
    alert_id: str | None = None,
    alert_version: int | None = None,
) -> str:
    """Ask for a run, once for each cause of a playbook, and return its id."""
    run_id = clock.new_id()
    tx.insert_new(
        runs,
        [
            {
                "id": run_id,
                "organization_id": organization_id,
                "playbook_id": playbook_id,
                "playbook_version_id": playbook_version_id,
                "account_id": account_id,
                "alert_id": alert_id,
                "alert_version": alert_version,
                "cause_key": cause_key,
                "trigger": dict(trigger),
                "status": RunStatus.REQUESTED.value,
                "requested_at": clock.now(),
            }
        ],
    )
    made = tx.scalar(sa.select(runs.c.id).where(runs.c.playbook_id == playbook_id, runs.c.cause_key == cause_key))
    if made == run_id:
        tx.changed(organization_id, "run", run_id, RunStatus.REQUESTED)
    return str(made)


# The statements of every segment are built once: building one costs more than running it.
_NOW = sa.bindparam("now", type_=runs.c.lease_until.type)
_CLAIM = (
    sa.update(runs)
    .where(
        runs.c.id == sa.bindparam("run"),
        runs.c.status.in_(_OPEN),
        sa.or_(runs.c.lease_until.is_(None), runs.c.lease_until <= _NOW),
    )
    .values(
        status=RunStatus.RUNNING.value,
        started_at=sa.func.coalesce(runs.c.started_at, _NOW),
        lease_owner=sa.bindparam("owner"),
        lease_until=sa.bindparam("until"),
        fence=runs.c.fence + 1,
        segment=runs.c.segment + 1,
    )
)
_NUDGE = (
    sa.update(runs)
    .where(runs.c.id == sa.bindparam("run"), runs.c.status.in_(_OPEN))
    .values(nudges=runs.c.nudges + 1, segment=runs.c.segment + 1)
)
_CLAIMED = (
    sa.select(
        runs.c.id,
        runs.c.organization_id,
        organizations.c.name.label("organization_name"),
        runs.c.playbook_id,
        playbooks.c.name.label("playbook_name"),
        runs.c.playbook_version_id,
        playbook_versions.c.major,
        playbook_versions.c.minor,
        playbook_versions.c.source,
        runs.c.account_id,
        runs.c.alert_id,
        runs.c.trigger,
        alert_versions.c.raw,
        runs.c.fence,
        runs.c.nudges,
        runs.c.segment,
        runs.c.requested_at,
    )
    .join(organizations, organizations.c.id == runs.c.organization_id)
    .join(playbooks, playbooks.c.id == runs.c.playbook_id)
    .join(playbook_versions, playbook_versions.c.id == runs.c.playbook_version_id)
    .outerjoin(
        alert_versions,
        sa.and_(alert_versions.c.alert_id == runs.c.alert_id, alert_versions.c.version == runs.c.alert_version),
    )
    .where(runs.c.id == sa.bindparam("run"))
)
_UNDER_CLAIM = sa.update(runs).where(runs.c.id == sa.bindparam("run"), runs.c.fence == sa.bindparam("held"))
_RENEW = _UNDER_CLAIM.values(lease_until=sa.bindparam("until"))
_END = _UNDER_CLAIM.values(
    status=sa.bindparam("status_"),
    error=sa.bindparam("error_"),
    finished_at=sa.bindparam("finished"),
    lease_owner=None,
    lease_until=None,
)
_PARK = _UNDER_CLAIM.where(runs.c.nudges == sa.bindparam("seen")).values(
    status=RunStatus.WAITING.value, lease_owner=None, lease_until=None
)
_INSERT_LINES = sa.insert(run_logs)


def claim(tx: Transaction, run_id: str, *, owner: str, lease: float) -> Run | None:
    """Take an open run that nobody holds, for `lease` seconds; None if there is none to take.

    Where somebody holds it, the holder is told to look once more before letting go.
    """
    now = clock.now()
    values = {"run": run_id, "now": now, "owner": owner, "until": now + timedelta(seconds=lease)}
    if not tx.execute(_CLAIM, values).rowcount:
        tx.execute(_NUDGE, {"run": run_id})
        return None
    row = tx.one(_CLAIMED, {"run": run_id})
    assert row is not None
    found = dict(row)
    major, minor, raw = found.pop("major"), found.pop("minor"), found.pop("raw")
    return Run(**found, version=f"{major}.{minor}", alert=json.loads(raw) if raw else None, resumed=found["fence"] > 1)


def steps_of(tx: Transaction, run_id: str) -> dict[str, StepRun]:
    """Return the step rows of a run by step name."""
    rows = tx.all(sa.select(step_runs).where(step_runs.c.run_id == run_id))
    return {row["step"]: StepRun.of(row) for row in rows}


def write(
    tx: Transaction, run: Run, steps: Sequence[StepRun], lines: Sequence[Mapping[str, Any]] = (), *, lease: float
) -> None:
    """Write what happened, under the claim, which is renewed; raise LeaseLost if another holder has taken over."""
    until = clock.now() + timedelta(seconds=lease)
    if not tx.execute(_RENEW, {"run": run.id, "held": run.fence, "until": until}).rowcount:
        raise _lost(run)
    _write_rows(tx, steps, lines)
    if steps:
        tx.changed(run.organization_id, "run", run.id, "progress")


def _write_rows(tx: Transaction, steps: Sequence[StepRun], lines: Sequence[Mapping[str, Any]]) -> None:
    tx.upsert(step_runs, [step.row() for step in steps])
    if lines:
        tx.execute(_INSERT_LINES, [{**line, "message": storable(line["message"])} for line in lines])


def _lost(run: Run) -> LeaseLost:
    return LeaseLost(f"Run {run.id} is carried by another worker now.")


def wait_on(tx: Transaction, run_id: str, step: str, topics: Iterable[str], *, since: int) -> bool:
    """Note on which changes a step waits; returns whether one of them has come since change number `since`."""
    forget_topics(tx, run_id, step)
    come = False
    for topic in topics:
        noun, _, noun_id = topic.partition(":")
        tx.execute(sa.insert(wakes).values(topic=topic, run_id=run_id, step=step, after_change=since))
        newer = sa.select(changes.c.id).where(
            changes.c.noun == noun, changes.c.noun_id == noun_id, changes.c.id > since
        )
        come = come or tx.one(newer.limit(1)) is not None
    return come


def forget_topics(tx: Transaction, run_id: str, step: str) -> None:
    """Forget on which changes a step waited."""
    tx.execute(sa.delete(wakes).where(wakes.c.run_id == run_id, wakes.c.step == step))


def let_go(
    tx: Transaction,
    run: Run,
    status: RunStatus,
    *,
    error: str = "",
    steps: Sequence[StepRun] = (),
    lines: Sequence[Mapping[str, Any]] = (),
) -> bool:
    """Write what is left and give the claim up; False, and the claim is kept, if somebody asked for another look meanwhile."""
    held = {"run": run.id, "held": run.fence}
    over = status not in OPEN
    if over:
        ended = {"status_": status.value, "error_": storable(error), "finished": clock.now()}
        given = tx.execute(_END, held | ended).rowcount
    else:
        given = tx.execute(_PARK, held | {"seen": run.nudges}).rowcount
    if not given and (over or tx.scalar(sa.select(runs.c.fence).where(runs.c.id == run.id)) != run.fence):
        raise _lost(run)
    _write_rows(tx, steps, lines)
    if over and run.resumed:
        # Only what was parked once can have waited for changes.
        tx.execute(sa.delete(wakes).where(wakes.c.run_id == run.id))
    if given or steps:
        tx.changed(run.organization_id, "run", run.id, status if given else "progress")
    return bool(given)


def nudges_of(tx: Transaction, run_id: str) -> int:
    """Return how often somebody asked for another look at the run."""
    return int(tx.scalar(sa.select(runs.c.nudges).where(runs.c.id == run_id)) or 0)


def waited_for(tx: Transaction, topics: Sequence[str]) -> bool:
    """Say whether any step waits on one of the topics."""
    return tx.one(sa.select(wakes.c.run_id).where(wakes.c.topic.in_(topics)).limit(1)) is not None


def wake(tx: Transaction, topics: Sequence[str]) -> list[Address]:
    """Make the steps that wait on one of the topics due; returns (run, organization, segment) of their runs."""
    waiting = tx.all(sa.select(wakes.c.run_id, wakes.c.step).where(wakes.c.topic.in_(topics)).distinct())
    return _make_due(tx, [(row["run_id"], row["step"]) for row in waiting])


def wake_missed(tx: Transaction) -> list[Address]:
    """Do the same for changes that came while the step was being parked, and that no follower saw."""
    topic = changes.c.noun + ":" + changes.c.noun_id
    missed = tx.all(
        sa.select(wakes.c.run_id, wakes.c.step)
        .join(changes, sa.and_(changes.c.id > wakes.c.after_change, topic == wakes.c.topic))
        .distinct()
        .limit(500)
    )
    return _make_due(tx, [(row["run_id"], row["step"]) for row in missed])


def _make_due(tx: Transaction, pairs: Sequence[tuple[str, str]]) -> list[Address]:
    now = clock.now()
    woken: set[str] = set()
    for run_id, step in pairs:
        due = tx.execute(
            sa.update(step_runs)
            .where(
                step_runs.c.run_id == run_id,
                step_runs.c.step == step,
                step_runs.c.status == StepStatus.WAITING.value,
                sa.or_(step_runs.c.wake_at.is_(None), step_runs.c.wake_at > now),
            )
            .values(wake_at=now)
        ).rowcount
        if due:
            tx.execute(sa.update(runs).where(runs.c.id == run_id).values(nudges=runs.c.nudges + 1))
            woken.add(run_id)
    return [_address(tx, run_id) for run_id in woken]


def _address(tx: Transaction, run_id: str) -> Address:
    row = tx.one(sa.select(runs.c.id, runs.c.organization_id, runs.c.segment).where(runs.c.id == run_id))
    assert row is not None
    return row["id"], row["organization_id"], row["segment"]


def addresses(tx: Transaction, run_ids: Sequence[str]) -> list[Address]:
    """Return (run, organization, segment) of the runs among these that are open."""
    rows = tx.all(
        sa.select(runs.c.id, runs.c.organization_id, runs.c.segment)
        .where(runs.c.id.in_(run_ids), runs.c.status.in_(_OPEN))
        .order_by(runs.c.requested_at)
    )
    return [(row["id"], row["organization_id"], row["segment"]) for row in rows]


def stranded(tx: Transaction, *, older_than: timedelta, limit: int = 200) -> list[Address]:
    """Find open runs that somebody should be carrying and nobody does; returns (run, organization, segment)."""
    now = clock.now()
    past = now - older_than
    due = sa.exists(
        sa.select(step_runs.c.step).where(
            step_runs.c.run_id == runs.c.id,
            step_runs.c.status == StepStatus.WAITING.value,
            step_runs.c.wake_at <= past,
        )
    )
    rows = tx.all(
        sa.select(runs.c.id, runs.c.organization_id, runs.c.segment)
        .where(
            _free(now),
            sa.or_(
                sa.and_(runs.c.status == RunStatus.REQUESTED.value, runs.c.requested_at <= past),
                runs.c.status == RunStatus.RUNNING.value,
                sa.and_(runs.c.status == RunStatus.WAITING.value, due),
            ),
        )
        .order_by(runs.c.requested_at)
        .limit(limit)
    )
    return [(row["id"], row["organization_id"], row["segment"]) for row in rows]


def free_leases(tx: Transaction, owner: str) -> int:
    """Give back what a dead worker held."""
    return tx.execute(
        sa.update(runs).where(runs.c.lease_owner == owner).values(lease_owner=None, lease_until=None)
    ).rowcount


def renew_leases(tx: Transaction, owner: str, run_ids: Sequence[str], *, lease: float) -> None:
    """Prolong the leases of runs that are still being carried."""
    if run_ids:
        tx.execute(
            sa.update(runs)
            .where(runs.c.lease_owner == owner, runs.c.id.in_(run_ids))
            .values(lease_until=clock.now() + timedelta(seconds=lease))
        )
