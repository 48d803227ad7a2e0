"""People: who may sign in, and the organization that they see.

There is no default account and no default password.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Invalid, NotFound
from ringfence.storage.columns import storable
from ringfence.storage.database import Transaction
from ringfence.storage.tables import users

LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in, and the organization that they see."""

    id: str
    organization_id: str
    name: str


def ensure(tx: Transaction, organization_id: str, name: str) -> str:
    """Return the id of the user called `name`, making it where it is missing; the name is unique in the installation.

    That alone lets nobody work in the organization: a membership does.
    """
    name = storable(name).strip()
    if not 1 <= len(name) <= LONGEST_NAME:
        raise Invalid(
            "A user's name has 1 to 200 characters.", advice="Use a short name, such as the part before the @."
        )
    found = tx.one(sa.select(users).where(users.c.name == name))
    if found is None:
        row = {"id": clock.new_id(), "organization_id": organization_id, "name": name, "created_at": clock.now()}
        tx.insert_new(users, [row])
        found = tx.one(sa.select(users).where(users.c.name == name))
        if found is not None and found["id"] == row["id"]:
            log.write(tx, Event.USER_CREATED, organization_id, str(row["id"]), details={"name": name})
    assert found is not None
    return str(found["id"])


def get(tx: Transaction, user_id: str) -> User:
    """Return a person by their id; NotFound if there is none."""
    return _found(tx, users.c.id == user_id)


def by_name(tx: Transaction, name: str) -> User:
    """Return a person by their name, in whichever organization; NotFound if there is none."""
    return _found(tx, users.c.name == storable(name).strip())


def _found(tx: Transaction, condition: sa.ColumnElement[bool]) -> User:
    row = tx.one(sa.select(users.c.id, users.c.organization_id, users.c.name).where(condition))
    if row is None:
        raise NotFound("There is no such user.", advice="Look at the list of people: `ringfence user list`.")
    return User(**row)
