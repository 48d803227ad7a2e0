"""The hosts that playbooks of an organization may call without an account. All functions work inside a transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.outbound.model import host_of
from ringfence.security.egress import Network, open_to, written
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import destinations

MOST: Final = 500


@dataclass(frozen=True, slots=True)
class Destination:
    """A host, or all hosts below a domain (`*.contoso.com`)."""

    id: str
    host: str
    note: str
    added_at: datetime
    added_by: str


def allow(
    tx: Transaction,
    organization_id: str,
    host: str,
    note: str,
    *,
    by: str,
    allowed: tuple[Network, ...] | None = None,
) -> Destination:
    """Let playbooks call a host; one that they may call already stays as it is.

    Invalid for an address inside a private network that is not among those `allowed`: no request would reach it.
    """
    host = host_of(host)
    address = written(host)
    if allowed is not None and address is not None and not open_to(address, allowed):
        raise Invalid(
            f"{address} is not a public address, so no request would reach it.",
            advice="If it is meant, ask who runs the server to name it in RINGFENCE_EGRESS_PRIVATE first.",
        )
    if len(every(tx, organization_id)) >= MOST:
        raise Conflict(f"At most {MOST} hosts are allowed.", advice="Withdraw those that nobody calls.")
    row = {"id": clock.new_id(), "organization_id": organization_id, "host": host, "note": storable(note.strip())[:500]}
    tx.insert_new(destinations, [row | {"added_at": clock.now(), "added_by": storable(by)}])
    found = _by_host(tx, organization_id, host)
    if found.id == row["id"]:
        tx.changed(organization_id, "destination", found.id, "allowed")
        details = {"name": host, "note": found.note}
        log.write(tx, Event.DESTINATION_ALLOWED, organization_id, found.id, details=details, actor=by)
    return found


def withdraw(tx: Transaction, organization_id: str, host: str, *, by: str) -> Destination:
    """Let playbooks call a host no more."""
    found = _by_host(tx, organization_id, host)
    tx.execute(sa.delete(destinations).where(destinations.c.id == found.id))
    tx.changed(organization_id, "destination", found.id, "withdrawn")
    log.write(tx, Event.DESTINATION_WITHDRAWN, organization_id, found.id, details={"name": found.host}, actor=by)
    return found


def every(tx: Transaction, organization_id: str) -> list[Destination]:
    """Return the hosts in order."""
    query = sa.select(destinations).where(destinations.c.organization_id == organization_id)
    return [_destination(row) for row in tx.all(query.order_by(destinations.c.host))]


def patterns(tx: Transaction, organization_id: str) -> frozenset[str]:
    """Return the hosts, to be asked by `model.permits`."""
    query = sa.select(destinations.c.host).where(destinations.c.organization_id == organization_id)
    return frozenset(row["host"] for row in tx.all(query))


def _by_host(tx: Transaction, organization_id: str, host: str) -> Destination:
    wanted = sa.or_(destinations.c.host == storable(host.strip().casefold()), destinations.c.id == storable(host))
    row = tx.one(sa.select(destinations).where(destinations.c.organization_id == organization_id, wanted))
    if row is None:
        raise NotFound(f"Playbooks were never allowed to call {host[:100]!r}.", advice="See `ringfence egress list`.")
    return _destination(row)


def _destination(row: sa.RowMapping) -> Destination:
    return Destination(**{name: row[name] for name in Destination.__dataclass_fields__})
