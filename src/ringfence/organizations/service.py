"""Make and find organizations.

A missing organization is an error, never another one: whoever asks must know whose rows are meant.
"""

from typing import Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.organizations.model import DEFAULT, Organization, State
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import organizations, sessions

LONGEST_NAME: Final = 100
LONGEST_REASON: Final = 500
_STANDS: Final = {
    State.ACTIVE: Event.ORGANIZATION_OPENED,
    State.FROZEN: Event.ORGANIZATION_FROZEN,
    State.CLOSED: Event.ORGANIZATION_CLOSED,
}


def create(tx: Transaction, name: str) -> Organization:
    """Make an organization; Conflict if the name is taken."""
    name = _checked(name)
    row = {"id": clock.new_id(), "name": name, "created_at": clock.now()}
    _stay(tx)
    tx.insert_new(organizations, [row])
    made = by_name(tx, name)
    if made.id != row["id"]:
        raise Conflict(f"There already is an organization named {name!r}.", advice="Choose another name.")
    log.write(tx, Event.ORGANIZATION_CREATED, made.id, made.id, details={"name": made.name})
    tx.changed(made.id, "organization", made.id, "created")
    return made


def _stay(tx: Transaction) -> None:
    """Let browsers that work in the only organization go on there when there are several: nobody is put out of their work."""
    there = tx.all(sa.select(organizations.c.id).limit(2))
    if len(there) == 1:
        nowhere = sessions.c.organization_id.is_(None)
        tx.execute(sa.update(sessions).where(nowhere).values(organization_id=there[0]["id"]))


def rename(tx: Transaction, organization_id: str, name: str) -> Organization:
    """Give an organization another name; Conflict if the name is taken."""
    before, name = get(tx, organization_id), _checked(name)
    if before.name == name:
        return before
    if tx.one(sa.select(organizations.c.id).where(organizations.c.name == name)) is not None:
        raise Conflict(f"There already is an organization named {name!r}.", advice="Choose another name.")
    tx.execute(sa.update(organizations).where(organizations.c.id == organization_id).values(name=name))
    said = {"name": name, "before": before.name}
    log.write(tx, Event.ORGANIZATION_RENAMED, organization_id, organization_id, details=said)
    tx.changed(organization_id, "organization", organization_id, "renamed")
    return get(tx, organization_id)


def stand(tx: Transaction, organization_id: str, state: State, reason: str) -> Organization:
    """Freeze, close or open an organization; Invalid without a reason. Close by `containment.closing`, which looks at hosts."""
    before, reason = get(tx, organization_id), storable(reason).strip()
    if before.state is state:
        return before
    if not 1 <= len(reason) <= LONGEST_REASON:
        raise Invalid("Say why.", advice=f"A reason has 1 to {LONGEST_REASON} characters.")
    values = {"state": state, "state_reason": reason, "state_since": clock.now()}
    tx.execute(sa.update(organizations).where(organizations.c.id == organization_id).values(values))
    said = {"name": before.name, "before": before.state, "reason": reason}
    log.write(tx, _STANDS[state], organization_id, organization_id, details=said)
    tx.changed(organization_id, "organization", organization_id, state.value)
    return get(tx, organization_id)


def get(tx: Transaction, organization_id: str) -> Organization:
    """Return an organization by its id; NotFound if there is none."""
    return _found(tx, organizations.c.id == organization_id, f"with the id {organization_id[:40]!r}")


def is_active(tx: Transaction, organization_id: str) -> bool:
    """Tell whether something new may be begun in an organization: it is neither frozen nor closed."""
    state = tx.scalar(sa.select(organizations.c.state).where(organizations.c.id == organization_id))
    return bool(state == State.ACTIVE)


def by_name(tx: Transaction, name: str) -> Organization:
    """Return an organization by its exact name; NotFound if there is none."""
    return _found(tx, organizations.c.name == name, f"named {name[:LONGEST_NAME]!r}")


def every(tx: Transaction) -> list[Organization]:
    """Return all organizations in the order of their names."""
    return [read(row) for row in tx.all(sa.select(organizations).order_by(organizations.c.name))]


def ensure_default(tx: Transaction) -> Organization:
    """Return the organization that an installation started with, whatever it is called now; made where there is none."""
    oldest = tx.one(sa.select(organizations).order_by(organizations.c.created_at, organizations.c.id).limit(1))
    if oldest is not None:
        return read(oldest)
    try:
        return create(tx, DEFAULT)
    except Conflict:
        # Another process started at the same moment and was first.
        return by_name(tx, DEFAULT)


def _checked(name: str) -> str:
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Invalid(
            "This cannot be an organization's name.", advice=f"Use 1 to {LONGEST_NAME} characters that can be seen."
        )
    return name


def _found(tx: Transaction, condition: sa.ColumnElement[bool], described: str) -> Organization:
    row = tx.one(sa.select(organizations).where(condition))
    if row is None:
        raise NotFound(f"There is no organization {described}.", advice="Check the name, or make the organization.")
    return read(row)


def read(row: sa.RowMapping) -> Organization:
    """Return a row of `organizations`, whatever else is in it, as one."""
    return Organization(
        row["id"], row["name"], row["created_at"], State(row["state"]), row["state_reason"], row["state_since"]
    )
