"""Start the playbooks that are there for failed runs, each once for each run, with what is known of that run."""

import json
from typing import Any, Final

import sqlalchemy as sa

from ringfence.clock import iso
from ringfence.listeners.starting import start
from ringfence.playbooks import rounds
from ringfence.playbooks.library import StoredPlaybook
from ringfence.playbooks.triggers import ErrorTrigger
from ringfence.runs import rows
from ringfence.runs.masked import masks_of
from ringfence.runs.model import RunStatus
from ringfence.storage import Transaction
from ringfence.storage.changes import Change
from ringfence.storage.tables import accounts, playbook_versions, playbooks, runs
from ringfence.triggers import error
from ringfence.triggers.listening import Listener, Listening

# A run's trigger is a row that lists of runs read too.
_MOST: Final = 262_144


def heard(tx: Transaction, listening: Listening, change: Change) -> list[Listener[ErrorTrigger]]:
    """Return the playbooks that listen to a change, if it is the failure of a run."""
    if change.noun != "run" or change.kind != RunStatus.FAILED:
        return []
    listeners = listening.of(tx, change.organization_id, ErrorTrigger)
    return [each for each in listeners if not each.paused and change.at >= each.playbook.updated_at]


def begin(tx: Transaction, change: Change, playbook: StoredPlaybook, trigger: ErrorTrigger) -> list[str]:
    """Start a playbook for a failed run if it is one that counts; returns the ids of the runs."""
    failed = _failed(tx, change)
    if failed is None:
        return []
    seen = _seen(tx, failed)
    if not error.match(trigger, playbook.id, failed["account"], seen).matched:
        return []
    run_id = start(
        tx,
        playbook,
        f"error:{failed['id']}",
        seen,
        failed["account"],
        account_id=failed["account_id"],
        alert_id=failed["alert_id"],
        alert_version=failed["alert_version"],
    )
    return [run_id]


def _failed(tx: Transaction, change: Change) -> sa.RowMapping | None:
    query = (
        sa.select(
            runs,
            playbooks.c.name.label("playbook"),
            playbook_versions.c.major,
            playbook_versions.c.minor,
            accounts.c.name.label("account"),
        )
        .join(playbooks, playbooks.c.id == runs.c.playbook_id)
        .join(playbook_versions, playbook_versions.c.id == runs.c.playbook_version_id)
        .outerjoin(accounts, accounts.c.id == runs.c.account_id)
        .where(runs.c.id == change.noun_id, runs.c.organization_id == change.organization_id)
    )
    return tx.one(query)


def _seen(tx: Transaction, run: sa.RowMapping) -> dict[str, Any]:
    """Return what the playbook sees: the run, its failed steps, its trigger, and what its steps gave.

    What a step hides from people is left out, since a trigger is shown to them.
    """
    steps = rows.every_step(tx, run["id"])
    hidden = masks_of(tx, [run["id"]]).get(run["id"], {})
    # What came back from a component may hold what one of its steps hides.
    calling = {name.partition("/")[0] for name in hidden}
    seen: dict[str, Any] = {
        "type": error.DECLARATION.type,
        "run": {
            "id": run["id"],
            "playbook_id": run["playbook_id"],
            "playbook": run["playbook"],
            "version": f"{run['major']}.{run['minor']}",
            "error": run["error"],
            "requested_at": iso(run["requested_at"]),
            "finished_at": iso(run["finished_at"]) if run["finished_at"] else None,
        },
        "failed": [
            {"step": step.step, **_round(step.iteration), "action": step.action, "error": step.error}
            for step in steps
            if step.status == "failed"
        ][:100],
        "trigger": {"type": run["trigger"].get("type")},
        "steps": {},
    }
    outputs = {
        step.step: step.output for step in steps if not step.iteration and step.step.partition("/")[0] not in calling
    }
    for name, found in (("trigger", run["trigger"]), ("steps", outputs)):
        # It is told what went wrong in any case; the run itself has the rest.
        if len(json.dumps(found)) <= _MOST:
            seen[name] = found
    return seen


def _round(iteration: int) -> dict[str, Any]:
    """Say in which item of which list, counted from 0, and in which try of a call a step failed; nothing outside of these."""
    items = [rounds.number_of(each) - 1 for each in rounds.path_of(iteration) if not rounds.is_try(each)]
    return {**({"item": items[-1]} if items else {}), **({"round": rounds.said(iteration)} if iteration else {})}
