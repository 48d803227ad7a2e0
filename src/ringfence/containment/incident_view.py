"""An incident as people see it: what it holds, its hosts, its clocks, and what happened, from every side. Reads only."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ringfence.containment import incident_hosts
from ringfence.containment.incident_hosts import Clocks, Host
from ringfence.incidents import events, queue, suggestions
from ringfence.incidents.document import Contents, contents
from ringfence.incidents.model import Incident
from ringfence.incidents.suggestions import Suggestion
from ringfence.storage import Transaction
from ringfence.storage.tables import containment_events


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened: to the incident itself (`kind` is a `Kind`), or to a host (`kind` is a containment's state)."""

    at: datetime
    by: str
    kind: str
    detail: str
    host: Host | None
    run_id: str | None


@dataclass(frozen=True, slots=True)
class View:
    """One incident, whole."""

    contents: Contents
    hosts: tuple[Host, ...]
    clocks: Clocks
    timeline: tuple[Moment, ...]
    suggestions: tuple[Suggestion, ...]

    @property
    def incident(self) -> Incident:
        """The incident."""
        return self.contents.incident

    @property
    def held(self) -> tuple[Host, ...]:
        """The hosts that the incident did not let go of."""
        return tuple(host for host in self.hosts if host.held)

    @property
    def isolated(self) -> int:
        """How many hosts Defender keeps isolated."""
        return sum(host.isolated for host in self.hosts)


def view(tx: Transaction, organization_id: str, number: int) -> View:
    """Read an incident; NotFound where the organization has none such."""
    incident = queue.get(tx, organization_id, number)
    hosts = tuple(incident_hosts.of(tx, incident))
    return View(
        contents=contents(tx, incident),
        hosts=hosts,
        clocks=incident_hosts.clocks(tx, incident, hosts),
        timeline=tuple(_timeline(tx, incident, hosts)),
        suggestions=tuple(suggestions.of(tx, incident)) if incident.open else (),
    )


def _timeline(tx: Transaction, incident: Incident, hosts: tuple[Host, ...]) -> list[Moment]:
    """Return what happened, first to last; of hosts only what moved them."""
    by_id = {host.containment.id: host for host in hosts}
    row = containment_events.c
    moves = sa.select(row.containment_id, row.at, row.after, row.detail).where(
        row.containment_id.in_(list(by_id)), sa.or_(row.before.is_(None), row.before != row.after)
    )
    found = [Moment(each.at, each.by, each.kind, each.detail, None, each.run_id) for each in events.of(tx, incident.id)]
    found += [
        Moment(each["at"], "", each["after"], each["detail"], by_id[each["containment_id"]], None)
        for each in tx.all(moves.order_by(row.id))
    ]
    return sorted(found, key=lambda moment: moment.at)
