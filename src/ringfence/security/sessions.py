"""Sessions: browsers that are signed in. Of what a browser holds only the SHA-256 is stored.

A session ends at its hour, when nobody has used it for a while, when its person signs out, or when it is revoked; each time it
is over at the next request, and live streams hear of it by the change feed (noun `session`).
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.acting import Via
from ringfence.audit.events import Event
from ringfence.errors import NotFound
from ringfence.security import bearer
from ringfence.security.people import User
from ringfence.storage.columns import storable
from ringfence.storage.database import Transaction
from ringfence.storage.tables import second_factors, sessions, sign_in_links, sign_in_steps, users

_AGENT_LENGTH: Final = 300
_ADDRESS_LENGTH: Final = 60
# A row written for each request would make every page a writer.
_SEEN_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where somebody comes from: the address that the server sees, and what the browser calls itself."""

    address: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser. `csrf` is what its forms must carry; by `label` people tell sessions apart, it is no secret.

    `authenticated_at` is when the person last proved who they are, and `how` by what (`password`, `password+code`, `link`, …).
    `has_app` tells whether the person has an authenticator app that counts.
    """

    user: User
    csrf: str
    expires_at: datetime
    label: str = ""
    id: str = ""
    created_at: datetime | None = None
    authenticated_at: datetime | None = None
    seen_at: datetime | None = None
    how: str = "password"
    address: str = ""
    agent: str = ""
    provider_id: str | None = None
    has_app: bool = False

    @property
    def stale(self) -> bool:
        """Whether it was last seen long enough ago that its use is worth writing down."""
        return self.seen_at is None or clock.now() - self.seen_at >= _SEEN_EVERY


def start(
    tx: Transaction,
    user_id: str,
    lifetime: timedelta,
    *,
    how: str = "password",
    idle: timedelta | None = None,
    visitor: Visitor | None = None,
    provider_id: str | None = None,
) -> str:
    """Return the token of a new session; it lasts for `lifetime` at most, and no longer than `idle` without use.

    Expired sessions, links and steps are cleared away on the way.
    """
    moment = clock.now()
    over = sa.or_(sessions.c.expires_at < moment, sessions.c.idle_until < moment)
    tx.execute(sa.delete(sessions).where(over))
    tx.execute(sa.delete(sign_in_links).where(sign_in_links.c.expires_at < moment))
    tx.execute(sa.delete(sign_in_steps).where(sign_in_steps.c.expires_at < moment))
    visitor = visitor or Visitor()
    token = bearer.new()
    row = {
        "token_hash": bearer.digest(token),
        "user_id": user_id,
        "csrf": secrets.token_hex(32),
        "created_at": moment,
        "expires_at": moment + lifetime,
        "idle_seconds": int(idle.total_seconds()) if idle else None,
        "idle_until": moment + idle if idle else None,
        "seen_at": moment,
        "authenticated_at": moment,
        "how": how,
        "address": storable(visitor.address)[:_ADDRESS_LENGTH],
        "agent": storable(visitor.agent)[:_AGENT_LENGTH],
        "provider_id": provider_id,
    }
    tx.execute(sa.insert(sessions).values(row))
    user = tx.one(sa.select(users.c.name, users.c.organization_id).where(users.c.id == user_id))
    assert user is not None
    said = {"name": user["name"], "how": how, "expires_at": row["expires_at"], "address": row["address"]}
    who = {"actor": user["name"], "via": Via.PAGE}
    log.write(tx, Event.SIGN_IN_SUCCEEDED, user["organization_id"], user_id, details=said, **who)
    return token


def find(tx: Transaction, token: str) -> Session | None:
    """Return the session that a browser's token stands for, None if there is none or it is over."""
    row = tx.one(_query().where(sessions.c.token_hash == bearer.digest(token), *_alive()))
    return _session(row) if row is not None else None


def touch(tx: Transaction, token: str) -> None:
    """Write down that a session is in use, which moves the end of its idleness on."""
    found = sessions.c.token_hash == bearer.digest(token)
    row = tx.one(sa.select(sessions.c.idle_seconds).where(found, *_alive()))
    if row is not None:
        moment = clock.now()
        idle = row["idle_seconds"]
        until = moment + timedelta(seconds=idle) if idle else None
        tx.execute(sa.update(sessions).where(found).values(seen_at=moment, idle_until=until))


def renew(tx: Transaction, token: str, *, how: str | None = None, proven: bool = False) -> str | None:
    """Give a session a new token and form token, as at every change of what it may do; None if it is over.

    `proven` means that its person has just proved who they are.
    """
    found = find(tx, token)
    if found is None:
        return None
    fresh = bearer.new()
    values: dict[str, Any] = {"token_hash": bearer.digest(fresh), "csrf": secrets.token_hex(32)}
    if proven:
        values["authenticated_at"] = clock.now()
    if how is not None:
        values["how"] = how
    tx.execute(sa.update(sessions).where(sessions.c.token_hash == bearer.digest(token)).values(values))
    return fresh


def end(tx: Transaction, token: str) -> None:
    """Sign a browser out."""
    row = tx.one(_query().where(sessions.c.token_hash == bearer.digest(token)))
    if row is not None:
        user = _session(row).user
        _end(tx, row)
        log.write(tx, Event.SIGN_IN_ENDED, user.organization_id, user.id, details={"name": user.name}, actor=user.name)


def of_user(tx: Transaction, user_id: str) -> list[Session]:
    """Return the sessions of a person, the one last used first."""
    query = _query().where(sessions.c.user_id == user_id, *_alive())
    return [_session(row) for row in tx.all(query.order_by(sessions.c.seen_at.desc(), sessions.c.created_at.desc()))]


def revoke(tx: Transaction, user_id: str, session_id: str) -> Session:
    """End one session of a person, by its id; NotFound if there is none."""
    for row in tx.all(_query().where(sessions.c.user_id == user_id, *_alive())):
        found = _session(row)
        if found.id == session_id:
            _end(tx, row)
            _say_revoked(tx, found.user, (found,))
            return found
    raise NotFound("There is no such session.", advice="It may be over already: look at the list again.")


def revoke_all(tx: Transaction, user_id: str, *, but: str | None = None) -> int:
    """End all sessions of a person, apart from the one with the id `but`, and return how many there were."""
    rows = [row for row in tx.all(_query().where(sessions.c.user_id == user_id)) if _session(row).id != but]
    for row in rows:
        _end(tx, row)
    if rows:
        _say_revoked(tx, _session(rows[0]).user, tuple(map(_session, rows)))
    return len(rows)


def same_csrf(session: Session, given: str) -> bool:
    """Tell, in constant time, whether a form carries the session's token, masked or plain."""
    try:
        both = bytes.fromhex(given)
    except ValueError:
        both = b""
    size = len(both) // 2
    # A plain token is half as long as a masked one: unmasked it is nobody's.
    unmasked = _xor(both[:size], both[size:]).hex()
    plain = hmac.compare_digest(session.csrf.encode(), given.encode("utf-8", "replace"))
    return hmac.compare_digest(session.csrf.encode(), unmasked.encode()) or plain


def masked_csrf(session: Session) -> str:
    """Return the session's token as it has never been written before: what repeats in a packed page gives it away."""
    plain = bytes.fromhex(session.csrf)
    mask = secrets.token_bytes(len(plain))
    return (mask + _xor(mask, plain)).hex()


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=False))


def _alive() -> tuple[sa.ColumnElement[bool], ...]:
    moment = clock.now()
    return (
        sessions.c.expires_at > moment,
        sa.or_(sessions.c.idle_until.is_(None), sessions.c.idle_until > moment),
    )


def _query() -> sa.Select[Any]:
    person = (users.c.id, users.c.organization_id, users.c.name)
    proven = sa.exists().where(second_factors.c.user_id == users.c.id, second_factors.c.confirmed_at.is_not(None))
    own = [column for column in sessions.c if column.name not in ("user_id", "organization_id", "idle_seconds")]
    return sa.select(*person, *own, sessions.c.organization_id.label("works_in"), proven.label("has_app")).join(
        sessions, sessions.c.user_id == users.c.id
    )


def _session(row: sa.RowMapping) -> Session:
    # The beginning of a digest says nothing about the token.
    known = row["token_hash"][:16]
    return Session(
        user=User(id=row["id"], organization_id=row["organization_id"], name=row["name"]),
        csrf=row["csrf"],
        expires_at=row["expires_at"],
        label=f"session {known[:8]}",
        id=known,
        created_at=row["created_at"],
        authenticated_at=row["authenticated_at"] or row["created_at"],
        seen_at=row["seen_at"],
        how=row["how"],
        address=row["address"],
        agent=row["agent"],
        provider_id=row["provider_id"],
        has_app=bool(row["has_app"]),
    )


def _end(tx: Transaction, row: sa.RowMapping) -> None:
    tx.execute(sa.delete(sessions).where(sessions.c.token_hash == row["token_hash"]))
    # Its live streams follow the organization where it works now.
    tx.changed(row["works_in"] or row["organization_id"], "session", row["id"], "ended")


def _say_revoked(tx: Transaction, user: User, ended: tuple[Session, ...]) -> None:
    said = {"name": user.name, "sessions": [each.label for each in ended]}
    log.write(tx, Event.SESSION_REVOKED, user.organization_id, user.id, details=said)
