"""Addresses that sign a person in once: `ringfence sign-in-link` prints them on the server."""

from datetime import timedelta

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import NotFound, NotSignedIn
from ringfence.security import bearer
from ringfence.security.people import User
from ringfence.storage.database import Transaction
from ringfence.storage.tables import sign_in_links, users

LIFETIME = timedelta(minutes=15)
_ADVICE = "Ask for a new one: `ringfence sign-in-link` on the server prints it."


def create(tx: Transaction, user_id: str, lifetime: timedelta = LIFETIME) -> str:
    """Return a token that signs its user in once, within `lifetime`."""
    user = tx.one(sa.select(users).where(users.c.id == user_id))
    if user is None:
        raise NotFound("There is no such user.", advice="Create the user first.")
    token = bearer.new()
    row = {"token_hash": bearer.digest(token), "user_id": user_id, "expires_at": clock.now() + lifetime}
    tx.execute(sa.insert(sign_in_links).values(row))
    said = {"name": user["name"], "expires_at": row["expires_at"]}
    log.write(tx, Event.SIGN_IN_LINK_MADE, user["organization_id"], user_id, details=said)
    return token


def look(tx: Transaction, token: str) -> User:
    """Return whom a link would sign in, without using it up; raise NotSignedIn where it is used, expired or unknown."""
    row = tx.one(
        sa.select(users.c.id, users.c.organization_id, users.c.name)
        .join(sign_in_links, sign_in_links.c.user_id == users.c.id)
        .where(
            sign_in_links.c.token_hash == bearer.digest(token),
            sign_in_links.c.used_at.is_(None),
            sign_in_links.c.expires_at > clock.now(),
        )
    )
    if row is None:
        raise NotSignedIn("This sign-in link has expired, was used already, or is incomplete.", advice=_ADVICE)
    return User(**row)


def use(tx: Transaction, token: str) -> User:
    """Use a link up and return whom it signs in; raise NotSignedIn as `look` does."""
    user = look(tx, token)
    used = tx.execute(
        sa.update(sign_in_links)
        .where(sign_in_links.c.token_hash == bearer.digest(token), sign_in_links.c.used_at.is_(None))
        .values(used_at=clock.now())
    )
    # Two uses at once: the row is locked by the first, and the second then finds it used.
    if used.rowcount != 1:
        raise NotSignedIn("This sign-in link was used already.", advice=_ADVICE)
    return user
