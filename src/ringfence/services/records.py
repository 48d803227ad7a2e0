"""Find services, and write down how they go; each change of state is one entry in the change feed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Conflict, NotFound
from ringfence.services.model import Service, judge
from ringfence.storage import Transaction
from ringfence.storage.columns import Moment, storable
from ringfence.storage.tables import accounts, organizations
from ringfence.storage.tables import trigger_services as table

# Nothing is read any more for an organization that is closed.
_CLOSED = sa.select(organizations.c.id).where(organizations.c.state == "closed")
_SELECT: Final = sa.select(
    *(each for each in table.c if each is not table.c.account_id),
    sa.func.coalesce(table.c.account_id, "").label("account_id"),
    sa.func.coalesce(accounts.c.name, "").label("account"),
    sa.func.coalesce(accounts.c.state, "healthy").label("account_state"),
    sa.func.coalesce(accounts.c.updated_at, table.c.created_at, type_=Moment).label("account_updated_at"),
).join_from(table, accounts, accounts.c.id == table.c.account_id, isouter=True)
# What follows no account is not held back by one.
_READ: Final = (
    table.c.enabled,
    sa.func.coalesce(accounts.c.state, "healthy") != "disabled",
    table.c.organization_id.not_in(_CLOSED),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """What one poll that ended well met: changes of alerts that started runs and that did not, and the delay in seconds."""

    polled_at: datetime
    next_poll_at: datetime
    watermark: datetime | None = None
    hits: int = 0
    misses: int = 0
    lag: float | None = None


def follow(tx: Transaction, organization_id: str, account_id: str, name: str) -> None:
    """Make the service that a new account begins with, under the account's name, or a free one like it."""
    taken = {each.name for each in every(tx, organization_id)}
    free = next(
        each for each in (name, *(f"{name} {number}" for number in range(2, len(taken) + 3))) if each not in taken
    )
    now, service_id = clock.now(), clock.new_id()
    row = {
        "id": service_id,
        "organization_id": organization_id,
        "account_id": account_id,
        "name": free,
        "problems": {},
        "activated_at": now,
        "created_at": now,
        "updated_at": now,
    }
    tx.execute(sa.insert(table), [row])
    tx.changed(organization_id, "service", service_id, "created")


def insert(tx: Transaction, row: Mapping[str, Any]) -> Service:
    """Save a new service; Conflict if the organization has one of that name."""
    tx.insert_new(table, [row])
    found = tx.one(_SELECT.where(table.c.id == row["id"]))
    if found is None:
        raise name_taken(str(row["name"]))
    tx.changed(row["organization_id"], "service", row["id"], "created")
    log.write(tx, Event.SERVICE_CREATED, row["organization_id"], row["id"], details={"name": row["name"]})
    return Service(**found)


def every(tx: Transaction, organization_id: str) -> list[Service]:
    """Return an organization's services in the order of their names."""
    query = _SELECT.where(table.c.organization_id == organization_id).order_by(table.c.name)
    return [Service(**row) for row in tx.all(query)]


def of_account(tx: Transaction, account_id: str) -> list[Service]:
    """Return the services of an account, the oldest first."""
    return [Service(**row) for row in tx.all(_SELECT.where(table.c.account_id == account_id).order_by(table.c.id))]


def rivals(tx: Transaction, service: Service) -> list[Service]:
    """Return the services that are on and read the same tenant through another account of the organization."""
    own = tx.one(sa.select(accounts.c.cloud, accounts.c.tenant_id).where(accounts.c.id == service.account_id))
    if own is None:
        return []
    query = _SELECT.where(
        table.c.organization_id == service.organization_id,
        table.c.account_id != service.account_id,
        table.c.enabled,
        accounts.c.state != "disabled",
        accounts.c.cloud == own["cloud"],
        sa.func.lower(accounts.c.tenant_id) == own["tenant_id"].lower(),
    )
    return [Service(**row) for row in tx.all(query.order_by(table.c.id))]


def switched_on(tx: Transaction, pools: Sequence[str] | None = None) -> list[Service]:
    """Return the services of all organizations, or of some pools, that are on and whose accounts are, the oldest first."""
    query = _SELECT.where(*_READ).order_by(table.c.id)
    if pools is not None:
        query = query.where(table.c.pool.in_(pools))
    return [Service(**row) for row in tx.all(query)]


def overdue(tx: Transaction, since: datetime) -> list[Service]:
    """Return the services of all organizations that are on, and should have been read before a moment."""
    due = sa.func.coalesce(table.c.next_poll_at, table.c.activated_at, type_=Moment) < since
    return [Service(**row) for row in tx.all(_SELECT.where(*_READ, due).order_by(table.c.id))]


def by_name(tx: Transaction, organization_id: str, name: str) -> Service:
    """Return a service by its name; NotFound, with the names that there are, if there is none."""
    row = tx.one(_SELECT.where(table.c.organization_id == organization_id, table.c.name == name))
    if row is not None:
        return Service(**row)
    names = [each.name for each in every(tx, organization_id)]
    known = f"There are: {', '.join(names)}." if names else "There is none yet: connect an account first."
    raise NotFound(f"There is no service named {name[:100]!r}.", advice=known)


def by_id(tx: Transaction, service_id: str, *, organization_id: str | None = None) -> Service:
    """Return a service by its id, within one organization where given; NotFound if there is none."""
    query = _SELECT.where(table.c.id == service_id)
    if organization_id is not None:
        query = query.where(table.c.organization_id == organization_id)
    row = tx.one(query)
    if row is None:
        raise NotFound(f"There is no service with the id {service_id[:40]!r}.", advice="Look at the list of services.")
    return Service(**row)


def locked(tx: Transaction, service_id: str, *, organization_id: str) -> Service:
    """Return a service as it is now, and let nobody else change it until the transaction ends; NotFound if there is none."""
    tx.one(sa.select(table.c.id).where(table.c.id == service_id).with_for_update())
    return by_id(tx, service_id, organization_id=organization_id)


def change(tx: Transaction, service_id: str, values: Mapping[str, Any]) -> Service:
    """Write what a person decided, judge the service anew and return it; Conflict if a new name is taken."""
    before = by_id(tx, service_id)
    name = values.get("name", before.name)
    if name != before.name and any(each.name == name for each in every(tx, before.organization_id)):
        raise name_taken(name)
    tx.execute(sa.update(table).where(table.c.id == service_id).values(**values, updated_at=clock.now()))
    if not settle(tx, service_id):
        tx.changed(before.organization_id, "service", service_id, "edited")
    switched = values.get("enabled", before.enabled) != before.enabled
    event = Event.SERVICE_CHANGED
    if switched:
        event = Event.SERVICE_ACTIVATED if values["enabled"] else Event.SERVICE_PAUSED
    said = {"name": before.name, "changed": dict(values)}
    log.write(tx, event, before.organization_id, service_id, details=said)
    return by_id(tx, service_id)


def remove(tx: Transaction, service: Service) -> None:
    """Forget a service; what it has brought stays."""
    tx.execute(sa.delete(table).where(table.c.id == service.id))
    tx.changed(service.organization_id, "service", service.id, "removed")
    log.write(tx, Event.SERVICE_REMOVED, service.organization_id, service.id, details={"name": service.name})


def claim(tx: Transaction, service_id: str, *, now: datetime, until: datetime, early: bool = False) -> bool:
    """Take the poll that is due (or, `early`, is not) for one worker; returns whether no other worker took it."""
    due = sa.true() if early else table.c.next_poll_at.is_(None) | (table.c.next_poll_at <= now)
    done = tx.execute(sa.update(table).where(table.c.id == service_id, due).values(next_poll_at=until))
    return done.rowcount == 1


def advance(tx: Transaction, service_id: str, watermark: datetime | None) -> None:
    """Move the watermark up to where the next poll may begin; it never moves back. None leaves it."""
    if watermark is not None:
        later = table.c.watermark.is_(None) | (table.c.watermark < watermark)
        tx.execute(sa.update(table).where(table.c.id == service_id, later).values(watermark=watermark))


def moved(tx: Transaction, service: Service, cursor: object) -> bool:
    """Keep the cursor that a poll gave back; returns whether the service still stands where that poll began."""
    here = table.c.cursor.is_(None) if service.cursor is None else table.c.cursor == service.cursor
    same = table.c.updated_at == service.updated_at
    done = tx.execute(sa.update(table).where(table.c.id == service.id, here, same).values(cursor=cursor))
    return done.rowcount == 1


def succeeded(tx: Transaction, service_id: str, poll: Poll) -> None:
    """Record a poll that ended well."""
    advance(tx, service_id, poll.watermark)
    values: dict[str, Any] = {
        "polled_at": poll.polled_at,
        "next_poll_at": poll.next_poll_at,
        "polls": table.c.polls + 1,
        "hits": table.c.hits + poll.hits,
        "misses": table.c.misses + poll.misses,
        "failures": 0,
        "poll_error": "",
    }
    values |= {} if poll.lag is None else {"lag": poll.lag}
    tx.execute(sa.update(table).where(table.c.id == service_id).values(values))
    settle(tx, service_id)


def failed(tx: Transaction, service_id: str, sentence: str, next_poll_at: datetime, *, waits: bool = False) -> None:
    """Record a poll that ended early, and why; one that only `waits` for its turn uses up no restart."""
    enough = (table.c.failures >= table.c.max_restarts) & (table.c.failures > 0)
    values = {
        "next_poll_at": next_poll_at,
        "failures": sa.case((enough, table.c.failures), else_=table.c.failures + 1) if waits else table.c.failures + 1,
        "errors": table.c.errors + 1,
        "poll_error": storable(sentence),
    }
    tx.execute(sa.update(table).where(table.c.id == service_id).values(values))
    settle(tx, service_id)


_BEAT: Final = (
    sa.update(table)
    .where(table.c.id == sa.bindparam("b_id"))
    .values(
        polled_at=sa.bindparam("b_polled_at"),
        next_poll_at=sa.bindparam("b_next_poll_at"),
        polls=table.c.polls + sa.bindparam("b_polls"),
    )
)


def beat(tx: Transaction, beats: Sequence[tuple[str, datetime, datetime, int]]) -> None:
    """Record, for many services at once, polls that met nothing new: service, when, when next, how many."""
    rows = [
        {"b_id": service_id, "b_polled_at": polled_at, "b_next_poll_at": next_poll_at, "b_polls": polls}
        for service_id, polled_at, next_poll_at, polls in beats
    ]
    if rows:
        tx.execute(_BEAT, rows)


def flag(tx: Transaction, service_id: str, kind: str, sentence: str) -> None:
    """Record something noticed beside the polls, such as alerts that were missed; the service is degraded until `clear`."""
    _note(tx, service_id, lambda problems: problems | {kind: storable(sentence)})


def clear(tx: Transaction, service_id: str, kind: str) -> None:
    """Take back what was recorded as `kind`, if anything was."""
    _note(tx, service_id, lambda problems: {each: said for each, said in problems.items() if each != kind})


def settle(tx: Transaction, service_id: str) -> bool:
    """Judge a service by the facts in its row; returns whether its state, or the reason for it, thereby changed."""
    row = tx.one(sa.select(table).where(table.c.id == service_id).with_for_update())
    if row is None:
        return False
    state, reason = judge(
        enabled=row["enabled"],
        polled=row["polled_at"] is not None and row["polled_at"] >= row["activated_at"],
        failures=row["failures"],
        max_restarts=row["max_restarts"],
        poll_error=row["poll_error"],
        problems=row["problems"],
    )
    if (state, reason) == (row["state"], row["state_reason"]):
        return False
    tx.execute(sa.update(table).where(table.c.id == service_id).values(state=state, state_reason=reason))
    tx.changed(row["organization_id"], "service", service_id, state)
    return True


def name_taken(name: str) -> Conflict:
    """Return the error for a name that is in use."""
    return Conflict(f"There already is a service named {name[:100]!r}.", advice="Choose another name.")


def _note(tx: Transaction, service_id: str, step: Callable[[dict[str, str]], dict[str, str]]) -> None:
    row = tx.one(sa.select(table.c.problems).where(table.c.id == service_id).with_for_update())
    if row is None:
        return
    problems = step(dict(row["problems"]))
    if problems != row["problems"]:
        tx.execute(sa.update(table).where(table.c.id == service_id).values(problems=problems))
        settle(tx, service_id)
