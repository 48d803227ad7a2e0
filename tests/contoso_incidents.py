"""Contoso's incidents: one at work on, with notes, tasks and a host that is cut off, one that nobody took, one that is over."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from ringfence.incidents import service, work
from ringfence.incidents.model import Author, Resolution
from ringfence.storage import Transaction
from ringfence.storage.tables import incident_events, incident_notes, incident_tasks, incidents

_MEGAN, _PLAYBOOK = Author("megan.bowen"), Author("playbook Contain ransomware 1.3")


def seed(tx: Transaction, organization_id: str, first: str, second: str, third: str, *, now: datetime) -> int:
    """Promote three alerts (our ids) and return the number of the incident of the first."""
    service.promote(tx, organization_id, [third], _MEGAN, title="A file renamed many documents")
    ended = Resolution.TRUE_POSITIVE
    service.close(tx, organization_id, 1, _MEGAN, resolution=ended, reason="Reimaged; the mailbox rule was removed.")
    service.promote(tx, organization_id, [second], _MEGAN)
    number = service.promote(tx, organization_id, [first], _PLAYBOOK, title="Ransomware in finance").incident.number
    service.update(tx, organization_id, number, _MEGAN, owner="megan.bowen", status="in_progress")
    work.note(tx, organization_id, number, "Adele opened an invoice at 10:24.\nShe did not enter a password.", _MEGAN)
    work.add_task(tx, organization_id, number, "Call Adele Vance", _MEGAN, assignee="alex.wilber", due_at=now)
    work.add_task(tx, organization_id, number, "Collect the invoice", _MEGAN, due_at=now + timedelta(hours=4))
    work.add_task(tx, organization_id, number, "Look for the sender in other mailboxes", _MEGAN)
    work.change_task(tx, organization_id, number, 2, _MEGAN, done=True)
    _age(tx, now)
    return number


def _age(tx: Transaction, now: datetime) -> None:
    """Let what was written just now have happened a few minutes before `now`, one thing after the other."""
    for minutes, row in enumerate(reversed(tx.all(sa.select(incident_events.c.id).order_by(incident_events.c.id)))):
        at = now - timedelta(seconds=12 + 20 * minutes)
        tx.execute(sa.update(incident_events).where(incident_events.c.id == row["id"]).values(at=at))
    tx.execute(
        sa.update(incidents).values(created_at=now - timedelta(seconds=185), updated_at=now - timedelta(seconds=12))
    )
    tx.execute(sa.update(incidents).where(incidents.c.number == 1).values(resolved_at=now - timedelta(minutes=20)))
    tx.execute(sa.update(incident_notes).values(at=now - timedelta(seconds=90)))
    tx.execute(sa.update(incident_tasks).values(created_at=now - timedelta(seconds=70)))
    done = incident_tasks.c.done_at.is_not(None)
    tx.execute(sa.update(incident_tasks).where(done).values(done_at=now - timedelta(seconds=12)))
