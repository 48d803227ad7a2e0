"""The events of incidents: each change writes one, in its own transaction, with an entry of the change feed and the audit log."""

from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import acting, log
from ringfence.audit.events import Event as Audited
from ringfence.incidents.model import Author, Event, Kind
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import incident_events, incidents

_LONGEST_DETAIL: Final = 2_000
_AUDITED: Final = {
    Kind.CREATED: Audited.INCIDENT_PROMOTED,
    Kind.ALERTS_ADDED: Audited.INCIDENT_PROMOTED,
    Kind.RESOLVED: Audited.INCIDENT_CLOSED,
    Kind.REOPENED: Audited.INCIDENT_REOPENED,
}


def write(
    tx: Transaction, organization_id: str, incident_id: str, author: Author, kind: Kind, detail: str, facts: Any = None
) -> None:
    """Write an event, touch the incident and tell those who follow the change feed."""
    now = clock.now()
    values = {
        "incident_id": incident_id,
        "at": now,
        "by": storable(author.by),
        "kind": kind.value,
        "detail": storable(detail)[:_LONGEST_DETAIL],
        "facts": facts,
        "run_id": author.run_id,
        "key": author.key,
    }
    tx.execute(sa.insert(incident_events).values(values))
    tx.execute(sa.update(incidents).where(incidents.c.id == incident_id).values(updated_at=now))
    tx.changed(organization_id, "incident", incident_id, kind)
    log.write(
        tx,
        _AUDITED.get(kind, Audited.INCIDENT_CHANGED),
        organization_id,
        incident_id,
        details={"change": kind.value, "detail": values["detail"], "facts": facts},
        actor=author.by if acting.actor() == acting.ENGINE else None,
    )


def made_by(tx: Transaction, author: Author) -> str | None:
    """Return the id of the incident that the author's step has changed already, None for the first time and for people."""
    found = event_of(tx, author)
    return None if found is None else str(found["incident_id"])


def event_of(tx: Transaction, author: Author) -> sa.RowMapping | None:
    """Return the event that the author's step has written already: the incident's id and the facts."""
    if author.key is None:
        return None
    named = (incident_events.c.incident_id, incident_events.c.facts)
    return tx.one(sa.select(*named).where(incident_events.c.key == author.key))


def made_in(tx: Transaction, run_id: str) -> str | None:
    """Return the id of the incident that a run made last, None if it made none."""
    mine = (incident_events.c.run_id == run_id, incident_events.c.kind == Kind.CREATED.value)
    query = sa.select(incident_events.c.incident_id).where(*mine).order_by(incident_events.c.id.desc()).limit(1)
    found = tx.scalar(query)
    return None if found is None else str(found)


def of(tx: Transaction, incident_id: str) -> list[Event]:
    """Return the events of an incident, first to last."""
    named = [incident_events.c[name] for name in Event.__dataclass_fields__]
    query = sa.select(*named).where(incident_events.c.incident_id == incident_id).order_by(incident_events.c.id)
    return [Event(**row) for row in tx.all(query)]
