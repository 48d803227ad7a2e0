"""The limits of a playbook: how many of its runs are under way at once, and whether one machine has at most one.

A run beyond a limit is given back to those requested, and says why it waits; when a run of its playbook ends it is looked at
again, about in the order in which runs were asked for. Where the playbook says so it is dropped instead, which is a cancelled
run that says why. A run that was let in once is never stopped by a limit.
"""

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from ringfence import clock
from ringfence.errors import LeaseLost
from ringfence.playbooks.plan import PlanLimits
from ringfence.runs.model import Run, RunStatus
from ringfence.runs.wakes import Address
from ringfence.storage import Transaction
from ringfence.storage.tables import playbooks, runs

_UNDER_WAY = sa.and_(
    runs.c.admitted_at.is_not(None), runs.c.status.in_([RunStatus.RUNNING.value, RunStatus.WAITING.value])
)
_HELD = sa.and_(runs.c.held_since.is_not(None), runs.c.status == RunStatus.REQUESTED.value)
_FIRST_IN_LINE = 2
_LOOKED_AT_ANYWAY = timedelta(minutes=1)
_AT_ONCE = 20


def admit(tx: Transaction, run: Run, limits: PlanLimits) -> bool:
    """Let a run that was claimed begin; False if it may not yet, or never: then it is given back.

    Raises LeaseLost if another holder has taken over.
    """
    # One after the other, so that two workers do not both take the last place.
    tx.one(sa.select(playbooks.c.id).where(playbooks.c.id == run.playbook_id).with_for_update())
    mine = sa.and_(runs.c.id == run.id, runs.c.fence == run.fence)
    row = tx.one(sa.select(runs.c.admitted_at, runs.c.machine_id, runs.c.held_since).where(mine))
    if row is None:
        raise LeaseLost(f"Run {run.id} is carried by another worker now.")
    if row["admitted_at"] is not None:
        return True
    now = clock.now()
    reason = _reason(tx, run.playbook_id, limits, row["machine_id"], but=run.id)
    if not reason:
        tx.execute(sa.update(runs).where(mine).values(admitted_at=now, held_since=None, error=""))
        return True
    back = {"lease_owner": None, "lease_until": None, "started_at": None}
    if limits.excess == "drop":
        ended = {"status": RunStatus.CANCELLED.value, "error": f"Dropped: {reason}", "finished_at": now}
        tx.execute(sa.update(runs).where(mine).values(**back, **ended))
        tx.changed(run.organization_id, "run", run.id, RunStatus.CANCELLED)
        return False
    held = {"status": RunStatus.REQUESTED.value, "error": f"Waits for its turn: {reason}", "held_since": now}
    tx.execute(sa.update(runs).where(mine).values(**back, **held))
    if row["held_since"] is None:
        tx.changed(run.organization_id, "run", run.id, "held")
    return False


def foreseen(tx: Transaction, organization_id: str, playbook: str, limits: PlanLimits, machine_id: str | None) -> str:
    """Say what would become of a run that was asked for now: that it waits, or is dropped, and why; empty if it began."""
    named = (playbooks.c.organization_id == organization_id, playbooks.c.name == playbook)
    playbook_id = tx.scalar(sa.select(playbooks.c.id).where(*named))
    reason = "" if playbook_id is None else _reason(tx, str(playbook_id), limits, machine_id)
    if not reason:
        return ""
    return f"A run would {'be dropped' if limits.excess == 'drop' else 'wait for its turn'} now: {reason}"


def _reason(tx: Transaction, playbook_id: str, limits: PlanLimits, machine_id: str | None, *, but: str = "") -> str:
    others = sa.and_(runs.c.playbook_id == playbook_id, runs.c.id != but, _UNDER_WAY)
    if limits.concurrent is not None:
        count = int(tx.scalar(sa.select(sa.func.count()).select_from(runs).where(others)) or 0)
        if count >= limits.concurrent:
            many = "run of this playbook is" if count == 1 else "runs of this playbook are"
            return f"{count} {many} under way, and no more than {limits.concurrent} may be."
    if limits.one_per_machine and machine_id is not None:
        other = tx.scalar(sa.select(runs.c.id).where(others, runs.c.machine_id == machine_id).limit(1))
        if other is not None:
            return f"Run {other} of this playbook is at work on the same machine."
    return ""


def next_in_line(tx: Transaction, ended: Sequence[str]) -> list[Address]:
    """Return the runs that may begin, perhaps, now that these have ended."""
    places = tx.all(
        sa.select(runs.c.playbook_id, runs.c.machine_id)
        .where(runs.c.id.in_(ended), runs.c.admitted_at.is_not(None))
        .distinct()
    )
    found: dict[str, Address] = {}
    for place in places:
        line = _line().where(runs.c.playbook_id == place["playbook_id"])
        for query in (line, line.where(runs.c.machine_id == place["machine_id"])):
            for row in tx.all(query.limit(_FIRST_IN_LINE)):
                found[row["id"]] = _address(row)
    return list(found.values())


def overlooked(tx: Transaction) -> list[Address]:
    """Return runs that wait for their turn and were not looked at for a while: what should have woken them may be lost."""
    line = _line().where(runs.c.held_since <= clock.now() - _LOOKED_AT_ANYWAY)
    return [_address(row) for row in tx.all(line.limit(_AT_ONCE))]


def _line() -> sa.Select[str, str, int]:
    held = sa.select(runs.c.id, runs.c.organization_id, runs.c.segment).where(_HELD)
    return held.order_by(runs.c.requested_at, runs.c.id)


def _address(row: sa.RowMapping) -> Address:
    return row["id"], row["organization_id"], row["segment"]
