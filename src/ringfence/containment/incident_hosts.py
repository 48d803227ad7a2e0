"""The hosts of an incident: which containments are its own, which it holds, and what becomes of them when it ends.

A containment is an incident's if its alert is in the incident, or if the incident holds it by hand (its hold then begins
with `incident:ID:`). An incident lets go of its own holds only, and of those of runs and people who asked because of its
alerts: what another incident holds stays cut off. All functions work inside the caller's transaction.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from ringfence import clock
from ringfence.containment import service
from ringfence.containment.holders import INCIDENT
from ringfence.containment.model import FINAL, HELD, Containment
from ringfence.errors import Conflict, Invalid
from ringfence.incidents import events, queue
from ringfence.incidents import service as incidents
from ringfence.incidents.document import machines
from ringfence.incidents.model import Author, Incident, Kind, Resolution
from ringfence.storage import Transaction
from ringfence.storage.columns import not_by
from ringfence.storage.tables import containment_holds, containments, incident_alerts, run_alerts
from ringfence.storage.tables import incidents as incidents_table

_HELD = tuple(state.value for state in HELD)
_OVER = tuple(state.value for state in FINAL)

What = Literal["release", "keep"]


class HoldsHosts(Conflict):
    """The incident cannot be closed before it is said what becomes of the hosts that it holds."""

    code = "incident_holds_hosts"


@dataclass(frozen=True, slots=True)
class Host:
    """One containment of an incident; `held`: the incident has a hold on it that it did not let go of."""

    containment: Containment
    held: bool

    @property
    def name(self) -> str:
        """The host as people call it."""
        return self.containment.machine_name or self.containment.target

    @property
    def isolated(self) -> bool:
        """Whether Defender confirmed the isolation and no release is confirmed."""
        return self.containment.state in HELD


@dataclass(frozen=True, slots=True)
class Clocks:
    """When each thing happened: to the first alert of an incident, and to the host that was cut off first."""

    event: datetime | None
    created: datetime | None
    ingested: datetime | None
    promoted: datetime | None
    decided: datetime | None
    accepted: datetime | None
    confirmed: datetime | None
    released: datetime | None

    def steps(self) -> list[tuple[str, datetime | None, timedelta | None]]:
        """Return each clock with its time, and how long after the last known one before it."""
        found: list[tuple[str, datetime | None, timedelta | None]] = []
        last: datetime | None = None
        for name in ("event", "created", "ingested", "promoted", "decided", "accepted", "confirmed", "released"):
            at: datetime | None = getattr(self, name)
            found.append((name, at, at - last if at is not None and last is not None else None))
            last = at or last
        return found


def of(tx: Transaction, incident: Incident) -> list[Host]:
    """Return the containments of an incident, the newest first."""
    query = sa.select(containments).where(
        not_by(containments.c.organization_id) == incident.organization_id, _linked(tx, incident.id)
    )
    order = (not_by(containments.c.requested_at).desc(), containments.c.id)
    found = [Containment.of(row) for row in tx.all(query.order_by(*order))]
    ours = _own_holds(tx, incident, found)
    return [Host(each, bool(ours.get(each.id)) and not each.final) for each in found]


def held(tx: Transaction, incident: Incident) -> list[Host]:
    """Return the hosts that an incident keeps cut off, or is about to."""
    return [host for host in of(tx, incident) if host.held]


def incidents_of(tx: Transaction, organization_id: str, containment_id: str, alert_id: str | None) -> list[Incident]:
    """Return the incidents that a containment belongs to, by its alert or by a hold, those not resolved first."""
    found: dict[str, Incident] = {}
    if alert_id is not None:
        known = queue.of_alerts(tx, organization_id, [alert_id])
        found |= {each.id: each for each in known.get(alert_id, [])}
    for incident_id in _holding(tx, containment_id):
        if incident_id not in found:
            found[incident_id] = queue.by_id(tx, organization_id, incident_id)
    return sorted(found.values(), key=lambda each: (not each.open, -each.number))


def promoted(tx: Transaction, organization_id: str, containment_id: str, alert_ids: Sequence[str]) -> bool:
    """Whether what is asked for is about an incident that is not resolved: by one of its alerts, or because it holds it."""
    if any(queue.promoted(tx, alert_id) for alert_id in alert_ids):
        return True
    holding = _holding(tx, containment_id, still=True)
    return any(queue.by_id(tx, organization_id, incident_id).open for incident_id in holding)


def isolated(tx: Transaction, incident_ids: Iterable[str]) -> dict[str, int]:
    """Return how many hosts of each incident Defender keeps isolated, for those that have any."""
    wanted = set(incident_ids)
    found: dict[str, set[str]] = {}
    by_alert = (
        sa.select(incident_alerts.c.incident_id, containments.c.id)
        .join(containments, containments.c.alert_id == incident_alerts.c.alert_id)
        .where(incident_alerts.c.incident_id.in_(wanted), containments.c.state.in_(_HELD))
    )
    for row in tx.all(by_alert):
        found.setdefault(row["incident_id"], set()).add(row["id"])
    by_hold = (
        sa.select(containment_holds.c.holder, containments.c.id)
        .join(containments, containments.c.id == containment_holds.c.containment_id)
        .where(
            # Few hosts are held at a time; what was held once is not gone through.
            containments.c.organization_id.in_(
                sa.select(incidents_table.c.organization_id).where(incidents_table.c.id.in_(wanted))
            ),
            containments.c.state.in_(_HELD),
            _begins_with(INCIDENT),
        )
    )
    for row in tx.all(by_hold):
        incident_id = row["holder"].split(":")[1]
        if incident_id in wanted:
            found.setdefault(incident_id, set()).add(row["id"])
    return {incident_id: len(each) for incident_id, each in found.items()}


def contain(
    tx: Transaction,
    organization_id: str,
    number: int,
    target: str,
    author: Author,
    *,
    reason: str,
    account_id: str | None = None,
    isolation_type: str = "Full",
    auto_release_after: float | None = None,
    deadline: float = 4 * 3600.0,
) -> Containment:
    """Let an incident hold a host: ask for its containment, or hold the one there is. Asking twice is harmless.

    `target` is a machine of the incident, by its id or name in any case of letters; any other host by its id, or its whole
    name or address, and then with its account. Durations are in seconds.
    """
    incidents.queue_up(tx, organization_id)
    incident = incidents.open_one(tx, organization_id, number)
    alerts = queue.alerts_of(tx, incident.id)
    wanted = target.strip().casefold().removesuffix(".")
    known = [
        each
        for each in machines(alerts)
        if wanted in (each.machine_id.casefold(), each.name.casefold().removesuffix("."))
        and account_id in (None, each.account_id)
    ]
    if len(known) > 1:
        raise Invalid(
            f"{len(known)} machines of the incident are called {target[:100]!r}.",
            advice=f"Name one by its id: {', '.join(each.machine_id for each in known)}.",
        )
    if not known and account_id is None:
        raise Invalid(
            f"{target[:100]!r} is no machine of incident {incident.name}, so it is not clear whose it is.",
            advice="Name its account as well, or one of the incident's machines: "
            + (", ".join(each.name or each.machine_id for each in machines(alerts)) or "there are none")
            + ".",
        )
    machine_id = known[0].machine_id if known else target.strip()
    for host in held(tx, incident):
        same = machine_id.casefold() in ((host.containment.machine_id or "").casefold(), host.name.casefold())
        if same and host.containment.release_requested_at is None and _by_hand(tx, incident, host.containment):
            return host.containment
    alert = next((each for each in reversed(alerts) if known and each.machine_id == machine_id), None)
    made = service.request(
        tx,
        organization_id=organization_id,
        account_id=known[0].account_id if known else str(account_id),
        target=machine_id,
        reason=reason,
        requested_by=author.by,
        key=f"{INCIDENT}{incident.id}:{clock.new_id()}",
        isolation_type=isolation_type,
        run_id=author.run_id,
        alert_id=alert.id if alert else None,
        auto_release_after=auto_release_after,
        deadline=deadline,
    )
    name = made.machine_name or (known[0].name if known else "") or made.target
    facts = {"containment": made.id, "machine": made.machine_id}
    events.write(tx, organization_id, incident.id, author, Kind.HOST_HELD, f"Holds {name}: {reason.strip()}", facts)
    return made


def let_go(
    tx: Transaction, organization_id: str, number: int, author: Author, *, reason: str, target: str | None = None
) -> list[Containment]:
    """Let an incident let go of its hosts, or of the one named; those that nobody else holds are released.

    Letting go twice is harmless. Invalid where the named host is none that the incident holds.
    """
    incidents.queue_up(tx, organization_id)
    incident = queue.get(tx, organization_id, number)
    if not reason.strip():
        raise Invalid("A release needs a reason.", advice="Say in a few words why the host may be free again.")
    hosts = held(tx, incident)
    if target is not None:
        wanted = target.strip().casefold().removesuffix(".")
        hosts = [host for host in hosts if wanted in _names(host)]
        if not hosts:
            raise Invalid(
                f"Incident {incident.name} holds no host {target[:100]!r}.", advice="Look at its containments."
            )
    return [_let_one_go(tx, incident, host, author, reason) for host in hosts]


def close(
    tx: Transaction,
    organization_id: str,
    number: int,
    author: Author,
    *,
    resolution: Resolution,
    reason: str,
    hosts: What | None = None,
) -> Incident:
    """Resolve an incident; HoldsHosts, naming them, where it holds hosts and nobody said what becomes of them."""
    incidents.queue_up(tx, organization_id)
    incident = queue.get(tx, organization_id, number)
    if not incident.open or events.made_by(tx, author) is not None:
        return incident
    kept = held(tx, incident)
    if kept and hosts is None:
        names = ", ".join(sorted({host.name for host in kept}))
        raise HoldsHosts(
            f"Incident {incident.name} holds {_hosts(len(kept))}: {names}.",
            advice="Say what becomes of them: let them go (--release), or keep them cut off (--keep).",
        )
    closed = incidents.close(tx, organization_id, number, author, resolution=resolution, reason=reason)
    if hosts == "release":
        for host in kept:
            _let_one_go(
                tx, incident, host, Author(author.by, author.run_id), f"Incident {incident.name} was closed: {reason}"
            )
    return closed


def merge(tx: Transaction, organization_id: str, number: int, into: int, author: Author) -> Incident:
    """Merge an incident into another, which takes over what it holds of hosts."""
    incidents.queue_up(tx, organization_id)
    source, target = queue.get(tx, organization_id, number), queue.get(tx, organization_id, into)
    merged = incidents.merge(tx, organization_id, number, into, author)
    old, new = _holder(source.id), _holder(target.id)
    holder = containment_holds.c.holder
    renamed = sa.literal(new).concat(sa.func.substr(holder, len(old) + 1))
    tx.execute(sa.update(containment_holds).where(_begins_with(old)).values(holder=renamed))
    return merged


def clocks(tx: Transaction, incident: Incident, hosts: Sequence[Host]) -> Clocks:
    """Return when what happened: for the alert that came first, and for the one of its hosts that was cut off first."""
    alerts = queue.alerts_of(tx, incident.id)
    first = min(alerts, key=lambda alert: alert.event_at or alert.created_at or alert.ingested_at, default=None)
    found = [host.containment for host in hosts]
    host = min(found, key=_progress, default=None)
    return Clocks(
        event=first.event_at if first else None,
        created=first.created_at if first else None,
        ingested=first.ingested_at if first else None,
        promoted=incident.created_at,
        decided=host.decided_at if host else None,
        accepted=host.accepted_at if host else None,
        confirmed=host.confirmed_at if host else None,
        released=host.released_at if host else None,
    )


def _progress(containment: Containment) -> tuple[int, datetime]:
    """Order containments by how far they came, and then by how early."""
    times = (containment.confirmed_at, containment.accepted_at, containment.decided_at)
    for rank, at in enumerate(times):
        if at is not None:
            return rank, at
    return len(times), containment.requested_at


def _let_one_go(tx: Transaction, incident: Incident, host: Host, author: Author, reason: str) -> Containment:
    after = host.containment
    for holder in _own_holds(tx, incident, [host.containment])[host.containment.id]:
        after = service.let_go(tx, host.containment.id, by=author.by, reason=reason, holder_prefix=holder)
    others = "" if after.release_requested_at is not None or after.final else "; others keep it cut off"
    facts = {"containment": host.containment.id, "machine": host.containment.machine_id}
    detail = f"Let go of {host.name}{others}: {reason.strip()}"
    events.write(tx, incident.organization_id, incident.id, author, Kind.HOST_LET_GO, detail, facts)
    return after


def _own_holds(tx: Transaction, incident: Incident, found: Sequence[Containment]) -> dict[str, list[str]]:
    """Return, by containment, the holds that are the incident's: its own, and those of who asked because of its alerts."""
    alert_ids = [alert.id for alert in queue.alerts_of(tx, incident.id)]
    runs = sa.select(run_alerts.c.run_id).where(run_alerts.c.alert_id.in_(alert_ids)).distinct()
    of_runs = {row["run_id"] for row in tx.all(runs)}
    asked = {
        each.request_key for each in found if each.alert_id in alert_ids and not each.request_key.startswith(INCIDENT)
    }
    holds = containment_holds.c
    query = sa.select(holds.containment_id, holds.holder).where(
        holds.containment_id.in_([each.id for each in found]), holds.let_go_at.is_(None)
    )
    ours: dict[str, list[str]] = {}
    for row in tx.all(query):
        holder: str = row["holder"]
        mine = holder.startswith(_holder(incident.id)) or holder.split(":")[0] in of_runs or holder in asked
        if mine:
            ours.setdefault(row["containment_id"], []).append(holder)
    return ours


def _by_hand(tx: Transaction, incident: Incident, containment: Containment) -> bool:
    return incident.id in _holding(tx, containment.id, still=True)


def _holding(tx: Transaction, containment_id: str, *, still: bool = False) -> list[str]:
    """Return the ids of the incidents that hold a containment by hand, or did."""
    query = sa.select(containment_holds.c.holder).where(
        containment_holds.c.containment_id == containment_id, _begins_with(INCIDENT)
    )
    if still:
        query = query.where(containment_holds.c.let_go_at.is_(None))
    return list(dict.fromkeys(row["holder"].split(":")[1] for row in tx.all(query)))


def _linked(tx: Transaction, incident_id: str) -> sa.ColumnElement[bool]:
    alerts = sa.select(incident_alerts.c.alert_id).where(incident_alerts.c.incident_id == incident_id)
    prefix = _holder(incident_id)
    holds = sa.select(containment_holds.c.containment_id).where(_begins_with(prefix))
    if tx.dialect == "sqlite":
        # Here texts have the order of their letters' numbers, and an index of holders leads to these.
        holder = containment_holds.c.holder
        holds = holds.where(holder >= prefix, holder < prefix[:-1] + chr(ord(prefix[-1]) + 1))
    return sa.or_(containments.c.alert_id.in_(alerts), containments.c.id.in_(holds))


def _holder(incident_id: str) -> str:
    return f"{INCIDENT}{incident_id}:"


def _begins_with(prefix: str) -> sa.ColumnElement[bool]:
    # LIKE would ignore letter case on SQLite, and a range would ignore the colon in most orders of PostgreSQL.
    return sa.func.substr(containment_holds.c.holder, 1, len(prefix)) == prefix


def _names(host: Host) -> tuple[str, ...]:
    found = host.containment
    each = (found.id, found.machine_id or "", found.target, host.name)
    return tuple(name.casefold().removesuffix(".") for name in each if name)


def _hosts(many: int) -> str:
    return "1 host" if many == 1 else f"{many} hosts"
