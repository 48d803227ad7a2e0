"""Make and find organizations.

A missing organization is an error, never another one: whoever asks must know whose rows are meant.
"""

from typing import Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.organizations.model import DEFAULT, Organization
from ringfence.storage import Transaction
from ringfence.storage.tables import organizations

LONGEST_NAME: Final = 100


def create(tx: Transaction, name: str) -> Organization:
    """Make an organization; Conflict if the name is taken."""
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Invalid(
            "This cannot be an organization's name.", advice=f"Use 1 to {LONGEST_NAME} characters that can be seen."
        )
    row = {"id": clock.new_id(), "name": name, "created_at": clock.now()}
    tx.insert_new(organizations, [row])
    made = by_name(tx, name)
    if made.id != row["id"]:
        raise Conflict(f"There already is an organization named {name!r}.", advice="Choose another name.")
    log.write(tx, Event.ORGANIZATION_CREATED, made.id, made.id, details={"name": made.name})
    tx.changed(made.id, "organization", made.id, "created")
    return made


def get(tx: Transaction, organization_id: str) -> Organization:
    """Return an organization by its id; NotFound if there is none."""
    return _found(tx, organizations.c.id == organization_id, f"with the id {organization_id[:40]!r}")


def by_name(tx: Transaction, name: str) -> Organization:
    """Return an organization by its exact name; NotFound if there is none."""
    return _found(tx, organizations.c.name == name, f"named {name[:LONGEST_NAME]!r}")


def every(tx: Transaction) -> list[Organization]:
    """Return all organizations in the order of their names."""
    return [Organization(**row) for row in tx.all(sa.select(organizations).order_by(organizations.c.name))]


def ensure_default(tx: Transaction) -> Organization:
    """Return the organization that an installation starts with, made if it is missing; for the first start only."""
    try:
        return by_name(tx, DEFAULT)
    except NotFound:
        pass
    try:
        return create(tx, DEFAULT)
    except Conflict:
        # Another process started at the same moment and was first.
        return by_name(tx, DEFAULT)


def _found(tx: Transaction, condition: sa.ColumnElement[bool], described: str) -> Organization:
    row = tx.one(sa.select(organizations).where(condition))
    if row is None:
        raise NotFound(f"There is no organization {described}.", advice="Check the name, or make the organization.")
    return Organization(**row)
