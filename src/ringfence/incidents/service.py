"""Make and change incidents: promote alerts, say how it stands, close, reopen, merge.

Every function works inside the caller's transaction, writes an event and an entry of the change feed, and does nothing
where the author's step did it before. The organization's row is locked first, so that numbers and "an alert belongs to one
open incident" hold; the constraints of the tables hold them too. What an incident holds of hosts is the business of
`containment.incident_hosts`, which closes and merges with that in mind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.alerts import queue as alert_queue
from ringfence.alerts.model import Alert
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.incidents import events, model, queue, suggestions
from ringfence.incidents.model import (
    LONGEST_NAME,
    LONGEST_REASON,
    LONGEST_TITLE,
    MOST_ALERTS,
    Author,
    InAnotherIncident,
    Incident,
    Kind,
    NotOpen,
    Resolution,
    Status,
)
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import incident_alerts, incident_notes, incident_tasks, incidents, organizations

_NAMED = 10
_UNKNOWN = "Medium"


@dataclass(frozen=True, slots=True)
class Promoted:
    """The incident that alerts are in now, whether it was made for them, and which of them (our ids) were added to it."""

    incident: Incident
    created: bool
    added: tuple[str, ...]


def promote(
    tx: Transaction,
    organization_id: str,
    alert_ids: Sequence[str],
    author: Author,
    *,
    number: int | None = None,
    title: str = "",
    severity: str = "",
    owner: str = "",
    join: bool = False,
) -> Promoted:
    """Promote alerts (our ids or Defender's) to an incident: the one with the number, else a new one.

    Alerts that are in an open incident already take the others there with them; promoting twice is harmless. With `join`
    an open incident with alerts of the same incident of Defender is taken before a new one is made. InAnotherIncident
    where the alerts belong to different open incidents, or to another one than was named.
    """
    queue_up(tx, organization_id)
    if (before := events.made_by(tx, author)) is not None:
        return Promoted(queue.by_id(tx, organization_id, before), False, ())
    found = _alerts(tx, organization_id, alert_ids)
    owned = _open_incidents(tx, organization_id, found)
    target = None if number is None else open_one(tx, organization_id, number)
    held = {each.id: each for each in owned.values()}
    if target is None and len(held) == 1:
        target = next(iter(held.values()))
    strangers = [alert for alert in found if alert.id in owned and (target is None or owned[alert.id].id != target.id)]
    if strangers:
        raise _in_another(strangers, owned)
    if target is None and join:
        target = next(iter(suggestions.incidents_for(tx, organization_id, found)), None)
    created = target is None
    if target is None:
        target = _make(tx, organization_id, found, author, title=title, severity=severity, owner=owner)
    new = [alert for alert in found if alert.id not in owned]
    _put(tx, target, new, author)
    if not created and new:
        _told_of_new(tx, target, new, author)
    return Promoted(queue.get(tx, organization_id, target.number), created, tuple(alert.id for alert in new))


def create(
    tx: Transaction, organization_id: str, author: Author, *, title: str, severity: str = "", owner: str = ""
) -> tuple[Incident, bool]:
    """Make an incident that no alert is behind, once for the author's key; returns also whether it is new.

    Without a severity it is Medium. Invalid for a title or an owner that cannot be used.
    """
    queue_up(tx, organization_id)
    if (before := events.made_by(tx, author)) is not None:
        return queue.by_id(tx, organization_id, before), False
    made = _make(tx, organization_id, (), author, title=title, severity=severity or _UNKNOWN, owner=owner)
    return made, True


def remove(tx: Transaction, organization_id: str, number: int, alert_id: str, author: Author) -> Incident:
    """Take an alert out of an incident that is not resolved; NotFound where it is not in it."""
    queue_up(tx, organization_id)
    incident = open_one(tx, organization_id, number)
    alert = alert_queue.get(tx, organization_id, alert_id)
    row = incident_alerts.c
    gone = tx.execute(sa.delete(incident_alerts).where(row.incident_id == incident.id, row.alert_id == alert.id))
    if not gone.rowcount:
        raise NotFound(f"The alert is not in incident {incident.name}.", advice="Look at the incident's alerts.")
    facts = {"alerts": [alert.id]}
    events.write(tx, organization_id, incident.id, author, Kind.ALERTS_REMOVED, f"Took out: {alert.title}", facts)
    return queue.get(tx, organization_id, number)


def update(
    tx: Transaction,
    organization_id: str,
    number: int,
    author: Author,
    *,
    title: str | None = None,
    severity: str | None = None,
    owner: str | None = None,
    status: str | None = None,
) -> Incident:
    """Change what is given; an empty owner means nobody. Resolved is a status that `close` gives and `reopen` takes."""
    queue_up(tx, organization_id)
    incident = queue.get(tx, organization_id, number)
    if events.made_by(tx, author) is not None:
        return incident
    wanted: dict[str, str | None] = {}
    if title is not None:
        wanted["title"] = model.line(title, "The title", LONGEST_TITLE)
    if severity is not None:
        wanted["severity"] = model.severity(severity)
    if owner is not None:
        wanted["owner"] = model.line(owner, "The owner", LONGEST_NAME) if owner.strip() else None
    if status is not None:
        wanted["status"] = _status(incident, status)
    changes = {
        name: (getattr(incident, name), value) for name, value in wanted.items() if getattr(incident, name) != value
    }
    if not changes:
        return incident
    tx.execute(
        sa.update(incidents)
        .where(incidents.c.id == incident.id)
        .values({name: new for name, (_, new) in changes.items()})
    )
    said = [f"{name}: {_word(old)} ▸ {_word(new)}" for name, (old, new) in changes.items()]
    facts = {name: {"before": old, "after": new} for name, (old, new) in changes.items()}
    events.write(tx, organization_id, incident.id, author, Kind.UPDATED, "; ".join(said), facts)
    return queue.get(tx, organization_id, number)


def close(
    tx: Transaction, organization_id: str, number: int, author: Author, *, resolution: Resolution, reason: str
) -> Incident:
    """Resolve an incident; its alerts may then be promoted anew. Closing twice is harmless and changes nothing."""
    queue_up(tx, organization_id)
    incident = queue.get(tx, organization_id, number)
    if not incident.open or events.made_by(tx, author) is not None:
        return incident
    said = model.prose(reason, "The reason for closing", LONGEST_REASON)
    _resolve(tx, incident, resolution, said)
    detail = f"Resolved as {resolution.replace('_', ' ')}: {said}"
    events.write(tx, organization_id, incident.id, author, Kind.RESOLVED, detail, {"resolution": resolution.value})
    return queue.get(tx, organization_id, number)


def reopen(tx: Transaction, organization_id: str, number: int, author: Author, *, reason: str = "") -> Incident:
    """Open a resolved incident again; Conflict where it was merged, or where its alerts went into another one meanwhile."""
    queue_up(tx, organization_id)
    incident = queue.get(tx, organization_id, number)
    if incident.open:
        return incident
    if incident.merged_into is not None:
        raise Conflict(
            f"Incident {incident.name} was merged into #{incident.merged_into}.",
            advice="Work on that one; reopen it if need be.",
        )
    found = queue.alerts_of(tx, incident.id)
    owned = _open_incidents(tx, organization_id, found)
    if owned:
        raise _in_another([alert for alert in found if alert.id in owned], owned)
    links = sa.update(incident_alerts).where(incident_alerts.c.incident_id == incident.id)
    tx.execute(links.values(open_alert_id=incident_alerts.c.alert_id))
    values = {"status": Status.IN_PROGRESS.value, "resolution": None, "reason": "", "resolved_at": None}
    tx.execute(sa.update(incidents).where(incidents.c.id == incident.id).values(values))
    why = storable(reason).strip()
    detail = f"Reopened: {why}" if why else "Reopened."
    events.write(tx, organization_id, incident.id, author, Kind.REOPENED, detail)
    return queue.get(tx, organization_id, number)


def merge(tx: Transaction, organization_id: str, number: int, into: int, author: Author) -> Incident:
    """Move the alerts, notes and tasks of one open incident into another and resolve it; returns the other."""
    queue_up(tx, organization_id)
    if number == into:
        raise Invalid("An incident cannot be merged into itself.", advice="Name two incidents.")
    source = queue.get(tx, organization_id, number)
    target = queue.get(tx, organization_id, into)
    if source.merged_into == into:
        return target
    for each in (source, target):
        if not each.open:
            raise _not_open(each)
    alerts = tx.execute(_moved(incident_alerts, source, target)).rowcount
    notes = tx.execute(_moved(incident_notes, source, target)).rowcount
    last = _last_task(tx, target.id)
    tasks = tx.execute(_moved(incident_tasks, source, target).values(number=incident_tasks.c.number + last)).rowcount
    _resolve(tx, source, Resolution.MERGED, f"Merged into {target.name}.", merged_into=target.id)
    worst = model.worst([source.severity, target.severity])
    tx.execute(sa.update(incidents).where(incidents.c.id == target.id).values(severity=worst))
    moved = {"alerts": alerts, "notes": notes, "tasks": tasks}
    took = ", ".join(f"{many} {name if many != 1 else name[:-1]}" for name, many in moved.items())
    facts = {"incident": source.number, **moved}
    detail = f"Took over {source.name}, {source.title}: {took}."
    events.write(tx, organization_id, target.id, author, Kind.MERGED, detail, facts)
    other = Author(author.by, author.run_id)
    events.write(tx, organization_id, source.id, other, Kind.RESOLVED, f"Merged into {target.name}.", {"into": into})
    return queue.get(tx, organization_id, into)


def queue_up(tx: Transaction, organization_id: str) -> None:
    """Wait for one's turn: what changes the incidents of an organization does so one after the other."""
    row = tx.one(sa.select(organizations.c.id).where(organizations.c.id == organization_id).with_for_update())
    if row is None:
        raise NotFound("There is no such organization.")


def open_one(tx: Transaction, organization_id: str, number: int) -> Incident:
    """Return an incident that is not resolved; NotOpen if it is."""
    incident = queue.get(tx, organization_id, number)
    if not incident.open:
        raise _not_open(incident)
    return incident


def _not_open(incident: Incident) -> NotOpen:
    into = f"; it was merged into #{incident.merged_into}" if incident.merged_into is not None else ""
    advice = "Work on that one." if into else f"Reopen it first: `ringfence incident reopen {incident.number}`."
    return NotOpen(f"Incident {incident.name} is resolved{into}.", advice=advice)


def _in_another(alerts: Sequence[Alert], owned: dict[str, Incident]) -> InAnotherIncident:
    numbers = sorted({owned[alert.id].number for alert in alerts})
    which = ", ".join(f"#{each}" for each in numbers)
    many = "The alert belongs" if len(alerts) == 1 else f"{len(alerts)} of the alerts belong"
    return InAnotherIncident(
        f"{many} to {which} already.",
        advice=f"Merge the incidents (`ringfence incident merge {numbers[0]} --into NUMBER`), or leave these alerts out.",
    )


def _alerts(tx: Transaction, organization_id: str, alert_ids: Sequence[str]) -> list[Alert]:
    wanted = list(dict.fromkeys(each.strip() for each in alert_ids if each.strip()))
    if not wanted:
        raise Invalid("No alert was named.", advice="Name at least one, by our id or by Defender's.")
    if len(wanted) > MOST_ALERTS:
        raise Invalid(f"{len(wanted)} alerts at once are too many.", advice=f"Promote {MOST_ALERTS} at a time.")
    found = {alert.id: alert for alert in (alert_queue.get(tx, organization_id, each) for each in wanted)}
    return list(found.values())


def _open_incidents(tx: Transaction, organization_id: str, alerts: Sequence[Alert]) -> dict[str, Incident]:
    """Return, by our id of an alert, the incident not resolved that it is in."""
    known = queue.of_alerts(tx, organization_id, [alert.id for alert in alerts])
    return {alert_id: each[0] for alert_id, each in known.items() if each[0].open}


def _make(
    tx: Transaction,
    organization_id: str,
    alerts: Sequence[Alert],
    author: Author,
    *,
    title: str,
    severity: str,
    owner: str,
) -> Incident:
    now = clock.now()
    newest = tx.scalar(sa.select(sa.func.max(incidents.c.number)).where(incidents.c.organization_id == organization_id))
    first = alerts[0] if alerts else None
    number = (newest or 0) + 1
    if first is None:
        named, otherwise, detail = title, "", "Made without an alert."
    else:
        named, otherwise = title if title.strip() else first.title[:LONGEST_TITLE], f"Alert {first.alert_id}"
        more = f" and {len(alerts) - 1} more" if len(alerts) > 1 else ""
        detail = f"Promoted from the alert {first.title}{more}."
    row = {
        "id": clock.new_id(),
        "organization_id": organization_id,
        "number": number,
        "title": otherwise[:LONGEST_TITLE]
        if otherwise and not named.strip()
        else model.line(named, "The title", LONGEST_TITLE),
        "status": Status.OPEN.value,
        "severity": model.severity(severity) if severity.strip() else model.worst([each.severity for each in alerts]),
        "owner": model.line(owner, "The owner", LONGEST_NAME) if owner.strip() else None,
        "created_at": now,
        "created_by": storable(author.by),
        "updated_at": now,
    }
    tx.execute(sa.insert(incidents).values(row))
    facts = {"alerts": [alert.id for alert in alerts]}
    events.write(tx, organization_id, str(row["id"]), author, Kind.CREATED, detail, facts)
    return queue.get(tx, organization_id, number)


def _put(tx: Transaction, incident: Incident, alerts: Sequence[Alert], author: Author) -> None:
    now = clock.now()
    rows = [
        {
            "incident_id": incident.id,
            "alert_id": alert.id,
            "open_alert_id": alert.id,
            "added_at": now,
            "added_by": storable(author.by),
        }
        for alert in alerts
    ]
    if rows:
        tx.execute(sa.insert(incident_alerts), rows)


def _told_of_new(tx: Transaction, incident: Incident, alerts: Sequence[Alert], author: Author) -> None:
    worst = model.worst([incident.severity, *(alert.severity for alert in alerts)])
    titles = "; ".join(alert.title for alert in alerts[:_NAMED])
    more = f"; and {len(alerts) - _NAMED} more" if len(alerts) > _NAMED else ""
    many = "1 alert" if len(alerts) == 1 else f"{len(alerts)} alerts"
    raised = ""
    if worst != incident.severity:
        tx.execute(sa.update(incidents).where(incidents.c.id == incident.id).values(severity=worst))
        raised = f" The severity rose to {worst}."
    facts: dict[str, Any] = {"alerts": [alert.id for alert in alerts]}
    detail = f"Added {many}: {titles}{more}.{raised}"
    events.write(tx, incident.organization_id, incident.id, author, Kind.ALERTS_ADDED, detail, facts)


def _resolve(
    tx: Transaction, incident: Incident, resolution: Resolution, reason: str, merged_into: str | None = None
) -> None:
    values = {
        "status": Status.RESOLVED.value,
        "resolution": resolution.value,
        "reason": reason,
        "merged_into": merged_into,
        "resolved_at": clock.now(),
    }
    tx.execute(sa.update(incidents).where(incidents.c.id == incident.id).values(values))
    links = sa.update(incident_alerts).where(incident_alerts.c.incident_id == incident.id)
    tx.execute(links.values(open_alert_id=None))


def _status(incident: Incident, text: str) -> str:
    plain = text.strip().lower().replace("-", "_").replace(" ", "_")
    if plain == Status.RESOLVED:
        raise Invalid("An incident is resolved by closing it, with a reason.", advice="Use `ringfence incident close`.")
    if plain not in queue.UNRESOLVED:
        raise Invalid(f"There is no status {text[:60]!r}.", advice="Use open or in_progress.")
    if not incident.open:
        raise _not_open(incident)
    return plain


def _moved(table: sa.Table, source: Incident, target: Incident) -> sa.Update:
    return sa.update(table).where(table.c.incident_id == source.id).values(incident_id=target.id)


def _last_task(tx: Transaction, incident_id: str) -> int:
    query = sa.select(sa.func.max(incident_tasks.c.number)).where(incident_tasks.c.incident_id == incident_id)
    return tx.scalar(query) or 0


def _word(value: object) -> str:
    return "nobody" if value is None else str(value)
