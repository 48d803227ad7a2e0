"""The incident of a drill: its alert is promoted as a real one would be, and the incident is closed when the drill ends."""

from typing import Final

from ringfence.containment import incident_hosts
from ringfence.drills.model import Drill
from ringfence.incidents import events, queue, service
from ringfence.incidents.model import Author, Incident, Resolution
from ringfence.storage import Transaction

_REASON: Final = "A drill. No host was attacked."


def promote(tx: Transaction, drill: Drill, alert_id: str) -> service.Promoted:
    """Promote the drill's alert, once; where somebody was faster, theirs is the incident."""
    title = f"Drill on {drill.machine_name}"
    return service.promote(tx, drill.organization_id, [alert_id], _author(drill, "promote"), title=title)


def of(tx: Transaction, drill: Drill) -> Incident | None:
    """Return the incident that the drill's alert is in, or None."""
    if drill.alert_id is None:
        return None
    found = queue.of_alerts(tx, drill.organization_id, [drill.alert_id]).get(drill.alert_id, [])
    return found[0] if found else None


def close(tx: Transaction, drill: Drill) -> None:
    """Close the incident that the drill itself has made, letting its hosts go; another one is its owner's business."""
    made = events.made_by(tx, _author(drill, "promote"))
    if made is None:
        return
    incident = queue.by_id(tx, drill.organization_id, made)
    if not incident.open or incident.created_by != _author(drill, "promote").by:
        return
    incident_hosts.close(
        tx,
        drill.organization_id,
        incident.number,
        _author(drill, "close"),
        resolution=Resolution.BENIGN,
        reason=_REASON,
        hosts="release",
    )


def _author(drill: Drill, step: str) -> Author:
    return Author(by=f"drill {drill.id}", key=f"drill:{drill.id}:{step}")
