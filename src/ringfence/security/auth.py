"""Users, one-time sign-in links, passwords and sessions.

What a browser holds (a link's token, a session's token) is stored as its SHA-256 only. There is no default account and no
default password: the first sign-in is by a link that `ringfence sign-in-link` prints on the server.
"""

import hashlib
import hmac
import math
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.acting import Via
from ringfence.audit.events import Event
from ringfence.errors import Invalid, NotFound, NotSignedIn
from ringfence.storage.columns import storable
from ringfence.storage.database import Transaction
from ringfence.storage.tables import sessions, sign_in_links, users

LINK_LIFETIME = timedelta(minutes=15)
_NAME_LENGTH = 200
_PASSWORD_LENGTH = (12, 1000)
_LINK_ADVICE = "Ask for a new one: `ringfence sign-in-link` on the server prints it."


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in, and the organization that they see."""

    id: str
    organization_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser. `csrf` is what its forms must carry; by `label` people tell sessions apart, it is no secret."""

    user: User
    csrf: str
    expires_at: datetime
    label: str = ""


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _new_token() -> str:
    return secrets.token_urlsafe(32)


def ensure_user(tx: Transaction, organization_id: str, name: str) -> str:
    """Return the id of the user called `name`, making it where it is missing; the name is unique in the installation."""
    name = storable(name).strip()
    if not 1 <= len(name) <= _NAME_LENGTH:
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
    if found["organization_id"] != organization_id:
        raise Invalid(
            f"There is already a user called {name!r} in another organization.", advice="Choose another name."
        )
    return str(found["id"])


def create_link(tx: Transaction, user_id: str, lifetime: timedelta = LINK_LIFETIME) -> str:
    """Return a token that signs its user in once, within `lifetime`."""
    user = tx.one(sa.select(users).where(users.c.id == user_id))
    if user is None:
        raise NotFound("There is no such user.", advice="Create the user first.")
    token = _new_token()
    row = {"token_hash": _digest(token), "user_id": user_id, "expires_at": clock.now() + lifetime}
    tx.execute(sa.insert(sign_in_links).values(row))
    said = {"name": user["name"], "expires_at": row["expires_at"]}
    log.write(tx, Event.SIGN_IN_LINK_MADE, user["organization_id"], user_id, details=said)
    return token


def link_user(tx: Transaction, token: str) -> User:
    """Return whom a link would sign in, without using it up; raise NotSignedIn where it is used, expired or unknown."""
    row = tx.one(
        sa.select(users.c.id, users.c.organization_id, users.c.name)
        .join(sign_in_links, sign_in_links.c.user_id == users.c.id)
        .where(
            sign_in_links.c.token_hash == _digest(token),
            sign_in_links.c.used_at.is_(None),
            sign_in_links.c.expires_at > clock.now(),
        )
    )
    if row is None:
        raise NotSignedIn("This sign-in link has expired, was used already, or is incomplete.", advice=_LINK_ADVICE)
    return User(**row)


def use_link(tx: Transaction, token: str, lifetime: timedelta) -> str:
    """Use a link up and return the token of a new session that lasts for `lifetime`; raise NotSignedIn as `link_user` does."""
    user = link_user(tx, token)
    used = tx.execute(
        sa.update(sign_in_links)
        .where(sign_in_links.c.token_hash == _digest(token), sign_in_links.c.used_at.is_(None))
        .values(used_at=clock.now())
    )
    # Two uses at once: the row is locked by the first, and the second then finds it used.
    if used.rowcount != 1:
        raise NotSignedIn("This sign-in link was used already.", advice=_LINK_ADVICE)
    return start_session(tx, user.id, lifetime, how="link")


def start_session(tx: Transaction, user_id: str, lifetime: timedelta, *, how: str = "password") -> str:
    """Return the token of a new session, entered by `how`; expired sessions and links are cleared away on the way."""
    moment = clock.now()
    tx.execute(sa.delete(sessions).where(sessions.c.expires_at < moment))
    tx.execute(sa.delete(sign_in_links).where(sign_in_links.c.expires_at < moment))
    token = _new_token()
    row = {
        "token_hash": _digest(token),
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


def refused(tx: Transaction, name: str) -> None:
    """Write down that somebody gave a wrong password for a name that there is; other names belong to no organization."""
    found = find_password(tx, name)
    if found is not None:
        user = found[0]
        said = {"name": user.name}
        log.write(tx, Event.SIGN_IN_FAILED, user.organization_id, user.id, details=said, actor="somebody", via=Via.PAGE)


def find_session(tx: Transaction, token: str) -> Session | None:
    """Return the session that a browser's token stands for, None if there is none or it has expired."""
    row = tx.one(
        sa.select(users.c.id, users.c.organization_id, users.c.name, sessions.c.csrf, sessions.c.expires_at)
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(sessions.c.token_hash == _digest(token), sessions.c.expires_at > clock.now())
    )
    if row is None:
        return None
    user = User(id=row["id"], organization_id=row["organization_id"], name=row["name"])
    return Session(user, row["csrf"], row["expires_at"], label=f"session {_digest(token)[:8]}")


def end_session(tx: Transaction, token: str) -> None:
    """Sign a browser out; its live streams hear of it by the change feed (noun `session`)."""
    found = find_session(tx, token)
    tx.execute(sa.delete(sessions).where(sessions.c.token_hash == _digest(token)))
    if found is not None:
        tx.changed(found.user.organization_id, "session", found.user.id, "ended")
        user = found.user
        log.write(tx, Event.SIGN_IN_ENDED, user.organization_id, user.id, details={"name": user.name}, actor=user.name)


def same_csrf(session: Session, given: str) -> bool:
    """Tell, in constant time, whether a form carries the session's token."""
    return hmac.compare_digest(session.csrf.encode(), given.encode("utf-8", "replace"))


def set_password(tx: Transaction, user_id: str, password_hash: str) -> None:
    """Store what `Passwords.hash` made."""
    if tx.execute(sa.update(users).where(users.c.id == user_id).values(password_hash=password_hash)).rowcount != 1:
        raise NotFound("There is no such user.", advice="Create the user first.")


def find_password(tx: Transaction, name: str) -> tuple[User, str | None] | None:
    """Return the user called `name` and the stored hash, which is None for those who sign in by link only."""
    row = tx.one(sa.select(users).where(users.c.name == storable(name).strip()))
    if row is None:
        return None
    return User(id=row["id"], organization_id=row["organization_id"], name=row["name"]), row["password_hash"]


class Throttle:
    """Slow guessing down: after `free` failures for one name, each further one doubles the wait, up to `longest`.

    It never locks anybody out: the wait ends by itself, and sign-in links are not touched. At most `names` are remembered.
    """

    def __init__(self, *, free: int = 5, first: float = 1.0, longest: float = 60.0, names: int = 10_000) -> None:
        self._free, self._first, self._longest, self._names = free, first, longest, names
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def demand(self, name: str) -> None:
        """Raise NotSignedIn while `name` has to wait."""
        with self._lock:
            _, until = self._failures.get(_folded(name), (0, 0.0))
        wait = until - clock.timestamp()
        if wait > 0:
            seconds = math.ceil(wait)
            raise NotSignedIn(
                "There were too many failed attempts for this name.",
                advice=f"Wait {seconds} second{'s' if seconds > 1 else ''} and try again, or use a sign-in link.",
            )

    def failed(self, name: str) -> None:
        """Count a failure."""
        with self._lock:
            count = self._failures.pop(_folded(name), (0, 0.0))[0] + 1
            wait = 0.0 if count < self._free else min(self._longest, self._first * 2.0 ** min(count - self._free, 30))
            self._failures[_folded(name)] = (count, clock.timestamp() + wait)
            while len(self._failures) > self._names:
                self._failures.popitem(last=False)

    def succeeded(self, name: str) -> None:
        """Forget the failures."""
        with self._lock:
            self._failures.pop(_folded(name), None)


def _folded(name: str) -> str:
    return name.strip()[:_NAME_LENGTH].casefold()


class Passwords:
    """Make and check password hashes (argon2id). Both take tens of milliseconds of CPU: never inside a transaction."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._nobody: str | None = None
        self.throttle = Throttle()

    def hash(self, password: str) -> str:
        """Return what to store; raise Invalid for a password that is too short or too long."""
        shortest, longest = _PASSWORD_LENGTH
        if not shortest <= len(password) <= longest:
            raise Invalid(
                f"A password has {shortest} to {longest} characters.", advice="A sentence makes a good password."
            )
        return self._hasher.hash(password)

    def matches(self, stored: str | None, password: str) -> bool:
        """Tell whether the password is right; takes as long where there is no user or no stored hash."""
        if self._nobody is None:
            self._nobody = self._hasher.hash(_new_token())
        try:
            right = self._hasher.verify(stored or self._nobody, password[: _PASSWORD_LENGTH[1] + 1])
        except (VerificationError, InvalidHashError):
            return False
        return right and stored is not None
