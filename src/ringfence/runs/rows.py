"""The rows of runs: request, claim, write under the claim, let go. Every function works inside the caller's transaction."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.alerts.source import Source
from ringfence.audit.acting import actor
from ringfence.errors import LeaseLost
from ringfence.playbooks.schedule import StepStatus
from ringfence.runs import wakes
from ringfence.runs.model import OPEN, Awaited, Key, Run, RunStatus, StepRun, shortened
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import (
    alert_versions,
    alerts,
    changes,
    organizations,
    playbook_versions,
    playbooks,
    run_alerts,
    run_logs,
    runs,
    step_runs,
)
from ringfence.triggers.identity import identity

MOST_ALERTS = 100
"""How many of the alerts that joined a run its document has."""

_LONGEST_LINE = 4_000
_MOST_CONTINUED = 20
_NEVER = datetime(1, 1, 1, tzinfo=UTC)


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
    more: Mapping[str, Any] | None = None,
) -> str:
    """Ask for a run, once for each cause of a playbook, and return its id; `more` are further columns of it."""
    run_id = clock.new_id()
    cause = storable(cause_key)
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
                "cause_key": cause,
                "trigger": dict(trigger),
                "status": RunStatus.REQUESTED.value,
                "requested_at": clock.now(),
                **identity(trigger, actor(), machine_id=_machine_of(tx, alert_id)).row(),
                **(more or {}),
            }
        ],
    )
    made = tx.scalar(sa.select(runs.c.id).where(runs.c.playbook_id == playbook_id, runs.c.cause_key == cause))
    if made == run_id:
        if alert_id is not None:
            reason = {"run_id": run_id, "alert_id": alert_id, "alert_version": alert_version or 1}
            tx.execute(sa.insert(run_alerts), [reason | {"joined_at": clock.now()}])
        tx.changed(organization_id, "run", run_id, RunStatus.REQUESTED)
    return str(made)


def _machine_of(tx: Transaction, alert_id: str | None) -> str | None:
    return None if alert_id is None else tx.scalar(sa.select(alerts.c.machine_id).where(alerts.c.id == alert_id))


# The statements of every segment are built once: building one costs more than running it.
_MOMENT = runs.c.lease_until.type
_NOW = sa.bindparam("now", type_=_MOMENT)
_NEWEST = sa.select(sa.func.max(changes.c.id))
_CLAIM = (
    sa.update(runs)
    .where(
        runs.c.id == sa.bindparam("run"),
        runs.c.status.in_(wakes.OPEN_STATES),
        sa.or_(runs.c.not_before.is_(None), runs.c.not_before <= _NOW),
        sa.or_(runs.c.lease_until.is_(None), runs.c.lease_until <= sa.bindparam("expired", type_=_MOMENT)),
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
    .where(runs.c.id == sa.bindparam("run"), runs.c.status.in_(wakes.OPEN_STATES))
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
        alert_versions.c.source.label("alert_source"),
        runs.c.fence,
        runs.c.nudges,
        runs.c.segment,
        runs.c.requested_at,
        runs.c.started_at,
        runs.c.rerun_of,
        runs.c.rerun_from,
        _NEWEST.scalar_subquery().label("newest_change"),
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
_ALERTS = (
    sa.select(run_alerts.c.alert_id, alert_versions.c.source, alert_versions.c.raw)
    .join(
        alert_versions,
        sa.and_(
            alert_versions.c.alert_id == run_alerts.c.alert_id, alert_versions.c.version == run_alerts.c.alert_version
        ),
    )
    .where(run_alerts.c.run_id == sa.bindparam("run"))
    .order_by(run_alerts.c.joined_at, run_alerts.c.alert_id, run_alerts.c.alert_version)
    .limit(MOST_ALERTS)
)
_STEPS = (
    sa.select(step_runs)
    .where(step_runs.c.run_id == sa.bindparam("run"))
    .order_by(step_runs.c.position, step_runs.c.iteration)
)
_NEWS = sa.select(_NEWEST.scalar_subquery(), runs.c.cancel_requested_at).where(runs.c.id == sa.bindparam("run"))
_UNDER_CLAIM = sa.update(runs).where(runs.c.id == sa.bindparam("run"), runs.c.fence == sa.bindparam("held"))
# What a success spares people, unless another run of the same cause spared it already: nothing is counted twice.
_OTHER = runs.alias("other")
_SPARED = (
    sa.select(playbook_versions.c.minutes_saved)
    .where(
        playbook_versions.c.id == runs.c.playbook_version_id,
        sa.or_(
            runs.c.original_id.is_(None),
            ~sa.exists(
                sa.select(_OTHER.c.id).where(
                    sa.or_(_OTHER.c.id == runs.c.original_id, _OTHER.c.original_id == runs.c.original_id),
                    _OTHER.c.minutes_saved.is_not(None),
                )
            ).correlate(runs),
        ),
    )
    .correlate(runs)
    .scalar_subquery()
)
_RENEW = _UNDER_CLAIM.values(lease_until=sa.bindparam("until"))
_END = _UNDER_CLAIM.values(
    status=sa.bindparam("status_"),
    error=sa.bindparam("error_"),
    finished_at=sa.bindparam("finished"),
    minutes_saved=sa.case((sa.bindparam("status_") == RunStatus.SUCCEEDED.value, _SPARED)),
    lease_owner=None,
    lease_until=None,
)
_PARK = _UNDER_CLAIM.where(runs.c.nudges == sa.bindparam("seen")).values(
    status=RunStatus.WAITING.value, lease_owner=None, lease_until=None
)
_HELD_BY = sa.select(runs.c.fence).where(runs.c.id == sa.bindparam("run"))
_NUDGES = sa.select(runs.c.nudges).where(runs.c.id == sa.bindparam("run"))
_WAITING = sa.select(step_runs.c.step, step_runs.c.iteration, step_runs.c.wake_at).where(
    step_runs.c.run_id == sa.bindparam("run"), step_runs.c.status == StepStatus.WAITING.value
)
_INSERT_LINES = sa.insert(run_logs)


def claim(tx: Transaction, run_id: str, *, owner: str, lease: float, carried: bool = False) -> Run | None:
    """Take an open run that nobody holds, for `lease` seconds; None if there is none to take.

    Where somebody holds it, the holder is told to look once more before letting go. `carried` says that this process is
    itself at work on the run: then only a run that was given back is taken, and not one whose lease ran out.
    """
    now = clock.now()
    until = now + timedelta(seconds=lease)
    values = {"run": run_id, "now": now, "expired": _NEVER if carried else now, "owner": owner, "until": until}
    taken = tx.execute(_CLAIM, values).rowcount
    if not taken and tx.execute(_NUDGE, {"run": run_id}).rowcount:
        # The nudge waited for a holder who was parking the run at that moment, and who then did not see it.
        taken = tx.execute(_CLAIM, values).rowcount
    if not taken:
        return None
    row = tx.one(_CLAIMED, {"run": run_id})
    assert row is not None
    found = dict(row)
    major, minor, raw = found.pop("major"), found.pop("minor"), found.pop("raw")
    found["newest_change"] = found["newest_change"] or 0
    found["alert_source"] = found["alert_source"] or Source.DEFENDER.value
    rerun_of, rerun_from = found.pop("rerun_of"), found.pop("rerun_from")
    continues = () if rerun_from is None else _continued(tx, rerun_of)
    return Run(
        **found,
        version=f"{major}.{minor}",
        alert=json.loads(raw) if raw else None,
        resumed=found["fence"] > 1 or bool(continues),
        continues=continues,
        alerts=_alerts_of(tx, run_id) if "run_per" in found["trigger"] else (),
    )


def _alerts_of(tx: Transaction, run_id: str) -> tuple[tuple[str, dict[str, Any]], ...]:
    """Return source and document of each alert that a run is about, at the last version that joined."""
    found = {
        row["alert_id"]: (row["source"], json.loads(row["raw"]))
        for row in tx.connection.execute(_ALERTS, {"run": run_id}).mappings()
    }
    return tuple(found.values())


def _continued(tx: Transaction, rerun_of: str | None) -> tuple[str, ...]:
    """Return the runs that a run goes on from, the latest first: each that went on from another has what that one held."""
    found: list[str] = []
    while rerun_of is not None and rerun_of not in found and len(found) < _MOST_CONTINUED:
        found.append(rerun_of)
        row = tx.one(sa.select(runs.c.rerun_of, runs.c.rerun_from).where(runs.c.id == rerun_of))
        rerun_of = row["rerun_of"] if row is not None and row["rerun_from"] is not None else None
    return tuple(found)


def every_step(tx: Transaction, run_id: str) -> list[StepRun]:
    """Return the step rows of a run in the order of the plan, and each step's by iteration."""
    return [StepRun.of(row) for row in tx.connection.execute(_STEPS, {"run": run_id}).mappings()]


def steps_of(tx: Transaction, run_id: str) -> dict[str, StepRun]:
    """Return the step rows of a run by step name, in the order of the plan, without those of the items of loops."""
    return {step.step: step for step in every_step(tx, run_id) if step.iteration == 0}


def waiting_of(tx: Transaction, run_id: str) -> dict[Key, datetime | None]:
    """Return when the waiting steps of a run are to be looked at, by name and iteration."""
    return {(row.step, row.iteration): row.wake_at for row in tx.execute(_WAITING, {"run": run_id})}


def news(tx: Transaction, run_id: str) -> tuple[int, bool]:
    """Return the number that the change feed has reached, and whether somebody wants the run to end."""
    newest, cancelled_at = tx.connection.execute(_NEWS, {"run": run_id}).one()
    return newest or 0, cancelled_at is not None


def newest_change(tx: Transaction) -> int:
    """Return the number that the change feed has reached."""
    return tx.scalar(_NEWEST) or 0


def write(
    tx: Transaction,
    run: Run,
    steps: Sequence[StepRun],
    lines: Sequence[Mapping[str, Any]] = (),
    awaited: Sequence[Awaited] = (),
    *,
    lease: float,
) -> None:
    """Write what happened, under the claim, which is renewed; raise LeaseLost if another holder has taken over.

    A step whose awaited change has come already is made due.
    """
    until = clock.now() + timedelta(seconds=lease)
    if not tx.execute(_RENEW, {"run": run.id, "held": run.fence, "until": until}).rowcount:
        raise _lost(run)
    if awaited:
        wakes.note(tx, run, awaited)
    _write_rows(tx, steps, lines)
    if steps:
        tx.changed(run.organization_id, "run", run.id, "progress")


def _write_rows(tx: Transaction, steps: Sequence[StepRun], lines: Sequence[Mapping[str, Any]]) -> None:
    tx.upsert(step_runs, [step.row() for step in steps])
    if lines:
        tx.execute(_INSERT_LINES, [{**line, "message": shortened(line["message"], _LONGEST_LINE)} for line in lines])


def _lost(run: Run) -> LeaseLost:
    return LeaseLost(f"Run {run.id} is carried by another worker now.")


def let_go(
    tx: Transaction,
    run: Run,
    status: RunStatus,
    *,
    error: str = "",
    steps: Sequence[StepRun] = (),
    lines: Sequence[Mapping[str, Any]] = (),
    awaited: Sequence[Awaited] = (),
    ever_waited: bool = True,
) -> bool:
    """Write what is left and give the claim up; raise LeaseLost if another holder has taken over.

    False, and the claim is kept, if the run is to be parked and somebody asked for another look meanwhile, or a change
    that a step waits for has come. `ever_waited` says whether a step may have waited for changes.
    """
    held = {"run": run.id, "held": run.fence}
    over = status not in OPEN
    if over:
        given = tx.execute(
            _END, held | {"status_": status.value, "error_": shortened(error), "finished": clock.now()}
        ).rowcount
        if ever_waited:
            wakes.forget(tx, run.id)
    else:
        # The run's row is the first that is locked, as by everybody who wakes one of its steps.
        if awaited and tx.connection.execute(_HELD_BY.with_for_update(), {"run": run.id}).scalar() != run.fence:
            raise _lost(run)
        come = bool(awaited) and wakes.note(tx, run, awaited)
        given = 0 if come else tx.execute(_PARK, held | {"seen": run.nudges}).rowcount
    if not given and (over or tx.connection.execute(_HELD_BY, {"run": run.id}).scalar() != run.fence):
        raise _lost(run)
    _write_rows(tx, steps, lines)
    if given or steps:
        tx.changed(run.organization_id, "run", run.id, status if given else "progress")
    return bool(given)


def nudges_of(tx: Transaction, run_id: str) -> int:
    """Return how often somebody asked for another look at the run."""
    return int(tx.connection.execute(_NUDGES, {"run": run_id}).scalar() or 0)


def free_leases(tx: Transaction, owner: str) -> int:
    """Give back what a dead worker held; should it live after all, it can write nothing more."""
    return tx.execute(
        sa.update(runs)
        .where(runs.c.lease_owner == owner)
        .values(lease_owner=None, lease_until=None, fence=runs.c.fence + 1)
    ).rowcount


def renew_leases(tx: Transaction, owner: str, run_ids: Sequence[str], *, lease: float) -> None:
    """Prolong the leases of runs that are still being carried."""
    if run_ids:
        tx.execute(
            sa.update(runs)
            .where(runs.c.lease_owner == owner, runs.c.id.in_(run_ids))
            .values(lease_until=clock.now() + timedelta(seconds=lease))
        )
