"""An incident as playbooks, the API and the command line see it: with its alerts, machines, users and tasks."""

from dataclasses import dataclass
from typing import Any, Final

from ringfence.alerts.model import Alert
from ringfence.clock import iso
from ringfence.incidents import queue
from ringfence.incidents.model import Incident, Note, Task
from ringfence.incidents.parties import Machine, User, users
from ringfence.storage import Transaction

MOST: Final = 200
"""How many alerts, machines, users and tasks a playbook sees; `alerts_count` tells how many there are."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What an incident holds."""

    incident: Incident
    alerts: tuple[Alert, ...]
    machines: tuple[Machine, ...]
    users: tuple[User, ...]
    notes: tuple[Note, ...]
    tasks: tuple[Task, ...]


def contents(tx: Transaction, incident: Incident) -> Contents:
    """Read what an incident holds; machines and users are those of its alerts as they stand now."""
    alerts = queue.alerts_of(tx, incident.id)
    return Contents(
        incident,
        tuple(alerts),
        machines(alerts),
        users(queue.documents_of(tx, incident.id)),
        tuple(queue.notes_of(tx, incident.id)),
        tuple(queue.tasks_of(tx, incident.id)),
    )


def machines(alerts: list[Alert]) -> tuple[Machine, ...]:
    """Return the machines of some alerts, those of the most alerts first."""
    found: dict[tuple[str, str], Machine] = {}
    for alert in alerts:
        if not alert.machine_id:
            continue
        key = (alert.account_id, alert.machine_id)
        known = found.get(key)
        name = alert.machine_name or (known.name if known else "")
        many = (known.alerts if known else 0) + 1
        found[key] = Machine(alert.machine_id, name, alert.account_id, alert.account, many)
    return tuple(sorted(found.values(), key=lambda machine: (-machine.alerts, machine.name, machine.machine_id)))


def described(held: Contents) -> dict[str, Any]:
    """Return an incident as JSON."""
    incident = held.incident
    return {
        "id": incident.id,
        "number": incident.number,
        "title": incident.title,
        "status": incident.status.value,
        "severity": incident.severity,
        "owner": incident.owner,
        "resolution": incident.resolution.value if incident.resolution else None,
        "reason": incident.reason,
        "merged_into": incident.merged_into,
        "created_at": iso(incident.created_at),
        "created_by": incident.created_by,
        "resolved_at": iso(incident.resolved_at) if incident.resolved_at else None,
        "alerts_count": len(held.alerts),
        "alerts": [
            {
                "id": alert.id,
                "alert_id": alert.alert_id,
                "title": alert.title,
                "severity": alert.severity,
                "status": alert.status,
                "machine_id": alert.machine_id,
                "machine_name": alert.machine_name,
                "account": alert.account,
            }
            for alert in held.alerts[:MOST]
        ],
        "machines": [
            {"machine_id": each.machine_id, "name": each.name, "account": each.account, "alerts": each.alerts}
            for each in held.machines[:MOST]
        ],
        "users": [
            {"name": each.name, "principal_name": each.principal_name, "sid": each.sid, "alerts": each.alerts}
            for each in held.users[:MOST]
        ],
        "tasks": [
            {
                "number": task.number,
                "title": task.title,
                "assignee": task.assignee,
                "due_at": iso(task.due_at) if task.due_at else None,
                "done": task.done,
                "state": task.state,
                "form": task.filled,
            }
            for task in held.tasks[:MOST]
        ],
    }
