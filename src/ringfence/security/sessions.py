"""Sessions: browsers that are signed in. Of what a browser holds only the SHA-256 is stored."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.acting import Via
from ringfence.audit.events import Event
from ringfence.security import bearer
from ringfence.security.people import User
from ringfence.storage.database import Transaction
from ringfence.storage.tables import sessions, sign_in_links, users


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser. `csrf` is what its forms must carry; by `label` people tell sessions apart, it is no secret."""

    user: User
    csrf: str
    expires_at: datetime
    label: str = ""


def start(tx: Transaction, user_id: str, lifetime: timedelta, *, how: str = "password") -> str:
    """Return the token of a new session, entered by `how`; expired sessions and links are cleared away on the way."""
    moment = clock.now()
    tx.execute(sa.delete(sessions).where(sessions.c.expires_at < moment))
    tx.execute(sa.delete(sign_in_links).where(sign_in_links.c.expires_at < moment))
    token = bearer.new()
    row = {
        "token_hash": bearer.digest(token),
        "user_id": user_id,
        "csrf": secrets.token_hex(32),
        "created_at": moment,
        "expires_at": moment + lifetime,
    }
    tx.execute(sa.insert(sessions).values(row))
    user = tx.one(sa.select(users.c.name, users.c.organization_id).where(users.c.id == user_id))
    assert user is not None
    said = {"name": user["name"], "how": how, "expires_at": row["expires_at"]}
    who = {"actor": user["name"], "via": Via.PAGE}
    log.write(tx, Event.SIGN_IN_SUCCEEDED, user["organization_id"], user_id, details=said, **who)
    return token


def find(tx: Transaction, token: str) -> Session | None:
    """Return the session that a browser's token stands for, None if there is none or it has expired."""
    row = tx.one(
        sa.select(users.c.id, users.c.organization_id, users.c.name, sessions.c.csrf, sessions.c.expires_at)
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(sessions.c.token_hash == bearer.digest(token), sessions.c.expires_at > clock.now())
    )
    if row is None:
        return None
    user = User(id=row["id"], organization_id=row["organization_id"], name=row["name"])
    return Session(user, row["csrf"], row["expires_at"], label=f"session {bearer.digest(token)[:8]}")


def end(tx: Transaction, token: str) -> None:
    """Sign a browser out; its live streams hear of it by the change feed (noun `session`)."""
    found = find(tx, token)
    tx.execute(sa.delete(sessions).where(sessions.c.token_hash == bearer.digest(token)))
    if found is not None:
        tx.changed(found.user.organization_id, "session", found.user.id, "ended")
        user = found.user
        log.write(tx, Event.SIGN_IN_ENDED, user.organization_id, user.id, details={"name": user.name}, actor=user.name)


def same_csrf(session: Session, given: str) -> bool:
    """Tell, in constant time, whether a form carries the session's token."""
    return hmac.compare_digest(session.csrf.encode(), given.encode("utf-8", "replace"))
