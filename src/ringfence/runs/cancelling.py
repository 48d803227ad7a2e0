"""Ending a run before its time: somebody asks, its holder sees it, and whatever goes on without the run is named.

Nothing that was asked for is taken back by itself: a host that is cut off stays so until somebody lets it go.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ringfence import clock
from ringfence.approvals import service as approvals
from ringfence.approvals.model import Subject
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.containment import board as containments
from ringfence.containment.model import HELD
from ringfence.errors import Conflict, NotFound
from ringfence.incidents import asking
from ringfence.incidents.model import Author
from ringfence.playbooks.schedule import StepStatus
from ringfence.responses import board as responses
from ringfence.runs.model import OPEN, Run, RunStatus, StepRun, shortened
from ringfence.storage import Transaction
from ringfence.storage.tables import runs, step_runs

REQUESTED = "cancel_requested"
"""The kind of change by which a run is looked at at once that somebody wants to end."""

_OPEN_STATES = [status.value for status in OPEN]
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Cancel:
    """Who wants a run to end, since when, and why."""

    by: str
    at: datetime
    reason: str


def request(tx: Transaction, organization_id: str, run_id: str, *, by: str, reason: str = "") -> RunStatus:
    """Ask for a run to end; returns where it stands now: `cancelled` if nobody had begun it, else its holder ends it.

    Asking twice changes nothing. Raises NotFound, and Conflict where the run has ended.
    """
    mine = sa.and_(runs.c.id == run_id, runs.c.organization_id == organization_id)
    wanted = {
        "cancel_requested_at": clock.now(),
        "cancel_requested_by": shortened(by, 200),
        "cancel_reason": shortened(reason),
    }
    waiting = sa.and_(mine, runs.c.status == RunStatus.REQUESTED.value)
    cancel = Cancel(by, clock.now(), reason)
    ended = {
        "status": RunStatus.CANCELLED.value,
        "error": shortened(_sentence(cancel)),
        "finished_at": clock.now(),
        "held_since": None,
    }
    if tx.execute(sa.update(runs).where(waiting).values(**wanted, **ended)).rowcount:
        tx.changed(organization_id, "run", run_id, RunStatus.CANCELLED)
        _told(tx, organization_id, run_id, cancel)
        return RunStatus.CANCELLED
    under_way = sa.and_(mine, runs.c.status.in_(_OPEN_STATES), runs.c.cancel_requested_at.is_(None))
    look_again = {"nudges": runs.c.nudges + 1, "segment": runs.c.segment + 1}
    if tx.execute(sa.update(runs).where(under_way).values(**wanted, **look_again)).rowcount:
        # The sweep finds what is overdue, should nobody see the change.
        waits = sa.and_(step_runs.c.run_id == run_id, step_runs.c.status == StepStatus.WAITING.value)
        tx.execute(sa.update(step_runs).where(waits).values(wake_at=clock.now()))
        tx.changed(organization_id, "run", run_id, REQUESTED)
        _told(tx, organization_id, run_id, cancel)
    status = tx.scalar(sa.select(runs.c.status).where(mine))
    if status is None:
        raise NotFound("There is no such run.", advice="Look for it among the executions.")
    if status not in _OPEN_STATES:
        raise Conflict(f"The run has ended already: {status}.", advice="There is nothing left to cancel.")
    return RunStatus(status)


def _told(tx: Transaction, organization_id: str, run_id: str, cancel: Cancel) -> None:
    log.write(tx, Event.RUN_CANCELLED, organization_id, run_id, details={"reason": cancel.reason}, actor=cancel.by)


_WANTED = sa.select(runs.c.cancel_requested_at, runs.c.cancel_requested_by, runs.c.cancel_reason).where(
    runs.c.id == sa.bindparam("run"), runs.c.cancel_requested_at.is_not(None)
)


def of(tx: Transaction, run_id: str) -> Cancel | None:
    """Return who wants the run to end, if anybody does."""
    row = tx.connection.execute(_WANTED, {"run": run_id}).first()
    return Cancel(row.cancel_requested_by, row.cancel_requested_at, row.cancel_reason or "") if row else None


def conclude(tx: Transaction, run: Run, cancel: Cancel, cut: Iterable[StepRun]) -> str:
    """Withdraw the questions that the steps cut off had asked; returns what is wrong, with all that goes on by itself."""
    for step in cut:
        key = f"{run.id}:{step.step}:{step.iteration}"
        asked = approvals.open_for(tx, Subject.STEP, key)
        if asked is not None:
            approvals.void(tx, asked, f"The run was cancelled by {cancel.by}.")
        asking.withdraw(tx, run.organization_id, key, Author(cancel.by, run.id))
    left = [
        f"{row.machine_name or row.target} is {'held cut off' if row.state in HELD else 'being cut off'} "
        f"(containment {row.id}, {row.state.value})"
        for row in containments.listing(tx, run.organization_id, run_id=run.id, live=True, limit=_MOST_NAMED).rows
    ]
    left += [
        f"{row.what} (response {row.id}, {row.state.value})"
        for row in responses.listing(tx, run.organization_id, run_id=run.id, live=True, limit=_MOST_NAMED).rows
    ]
    going = f" Still going on: {'; '.join(left)}. Release or undo it if it should not." if left else ""
    return f"{_sentence(cancel)}{going}"


def _sentence(cancel: Cancel) -> str:
    return f"Cancelled by {cancel.by}{f': {cancel.reason}' if cancel.reason else ''}".rstrip(".") + "."
