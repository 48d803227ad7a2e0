"""Passwords: argon2id, found by the name that somebody gives, and changed."""

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ringfence.audit import log
from ringfence.audit.acting import Via
from ringfence.audit.events import Event
from ringfence.errors import NotFound
from ringfence.security import bearer, password_rules
from ringfence.security.breached import Breached
from ringfence.security.people import User
from ringfence.storage.columns import storable
from ringfence.storage.database import Transaction
from ringfence.storage.tables import users

SHORTEST = 15


class Passwords:
    """Make and check password hashes (argon2id). Both take tens of milliseconds of CPU: never inside a transaction.

    `shortest` is the fewest characters; `breached` the file or folder of hashes of lost passwords, Misconfigured if it is none.
    """

    def __init__(
        self, hasher: PasswordHasher | None = None, *, shortest: int = SHORTEST, breached: Path | None = None
    ) -> None:
        self._hasher = hasher or PasswordHasher()
        self._shortest = shortest
        self._known = Breached(breached)
        self._nobody: str | None = None

    def hash(self, password: str, about: Sequence[str] = ()) -> str:
        """Return what to store; raise Invalid for a password that is too short, known to attackers or easy to guess."""
        password_rules.demand(password, self._shortest, self._known, about)
        return self._hasher.hash(password_rules.normal(password))

    def matches(self, stored: str | None, password: str) -> bool:
        """Tell whether the password is right; takes as long where there is no user or no stored hash."""
        if self._nobody is None:
            self._nobody = self._hasher.hash(bearer.new())
        given = password_rules.normal(password[: password_rules.LONGEST + 1])
        try:
            right = self._hasher.verify(stored or self._nobody, given)
        except (VerificationError, InvalidHashError):
            return False
        return right and stored is not None

    def hash_again(self, password: str) -> str:
        """Return a new hash of a password that was right; rules that came later do not keep its person out."""
        return self._hasher.hash(password_rules.normal(password))

    def outdated(self, stored: str) -> bool:
        """Tell whether a hash was made with weaker parameters than those of today, and is to be made anew."""
        return self._hasher.check_needs_rehash(stored)


def store(tx: Transaction, user_id: str, password_hash: str, *, anew: bool = False) -> None:
    """Store what `Passwords.hash` made; `anew` means the same password in a newer hash, which is nobody's news."""
    if tx.execute(sa.update(users).where(users.c.id == user_id).values(password_hash=password_hash)).rowcount != 1:
        raise NotFound("There is no such user.", advice="Create the user first.")
    if not anew:
        user = tx.one(sa.select(users.c.name, users.c.organization_id).where(users.c.id == user_id))
        assert user is not None
        log.write(tx, Event.PASSWORD_CHANGED, user["organization_id"], user_id, details={"name": user["name"]})


def find(tx: Transaction, name: str) -> tuple[User, str | None] | None:
    """Return the user called `name` and the stored hash, which is None for those who have no password."""
    row = tx.one(sa.select(users).where(users.c.name == storable(name).strip()))
    if row is None:
        return None
    return User(id=row["id"], organization_id=row["organization_id"], name=row["name"]), row["password_hash"]


def of_user(tx: Transaction, user_id: str) -> str | None:
    """Return a person's stored hash, None if there is none."""
    row = tx.one(sa.select(users.c.password_hash).where(users.c.id == user_id))
    return row["password_hash"] if row is not None else None


def refused(tx: Transaction, user: User, address: str, *, locked: bool = False) -> None:
    """Write down that somebody was refused under a name; `locked` means that the name now has to wait for long."""
    said = {"name": user.name, "address": address}
    for event in (Event.SIGN_IN_FAILED, Event.SIGN_IN_LOCKED) if locked else (Event.SIGN_IN_FAILED,):
        log.write(tx, event, user.organization_id, user.id, details=said, actor="somebody", via=Via.PAGE)
    if locked:
        tx.changed(user.organization_id, "user", user.id, "locked")
