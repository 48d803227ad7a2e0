"""The first administrator: there is no default account, so an installation without people offers one link, once.

Whoever starts the server reads it there. It is void as soon as there is anybody, and each start makes another.
"""

from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from ringfence.errors import NotSignedIn
from ringfence.organizations import members, service
from ringfence.security import passwords, people, steps
from ringfence.security.people import User
from ringfence.security.rbac import Role
from ringfence.security.steps import Kind
from ringfence.storage import Transaction
from ringfence.storage.tables import users

LIFETIME: Final = timedelta(hours=1)


def offer(tx: Transaction) -> str | None:
    """Return a token by which somebody becomes the first administrator; None where there is anybody already."""
    if tx.scalar(sa.select(users.c.id).limit(1)) is not None:
        return None
    steps.drop(tx, Kind.FIRST)
    return steps.begin(tx, Kind.FIRST, {}, lifetime=LIFETIME)


def look(tx: Transaction, token: str) -> None:
    """Raise NotSignedIn where a token is used, expired, unknown, or not needed any more."""
    if tx.scalar(sa.select(users.c.id).limit(1)) is not None:
        raise NotSignedIn("There is an administrator already.", advice="Ask them, or run `ringfence sign-in-link`.")
    steps.look(tx, Kind.FIRST, token)


def take(tx: Transaction, token: str, name: str, password_hash: str) -> User:
    """Use the token up and return the first System Administrator, who signs in by that name and password."""
    look(tx, token)
    steps.finish(tx, Kind.FIRST, token)
    user_id = members.ensure(tx, service.ensure_default(tx).id, name, Role.SYSTEM_ADMINISTRATOR)
    passwords.store(tx, user_id, password_hash)
    return people.get(tx, user_id)
