"""Passwords: argon2id, found by the name that somebody gives."""

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ringfence.audit import log
from ringfence.audit.acting import Via
from ringfence.audit.events import Event
from ringfence.errors import Invalid, NotFound
from ringfence.security import bearer
from ringfence.security.people import User
from ringfence.security.throttle import Throttle
from ringfence.storage.columns import storable
from ringfence.storage.database import Transaction
from ringfence.storage.tables import users

_LENGTH = (12, 1000)


def refused(tx: Transaction, name: str) -> None:
    """Write down that somebody gave a wrong password for a name that there is; other names belong to no organization."""
    found = find(tx, name)
    if found is not None:
        user = found[0]
        said = {"name": user.name}
        log.write(tx, Event.SIGN_IN_FAILED, user.organization_id, user.id, details=said, actor="somebody", via=Via.PAGE)


def store(tx: Transaction, user_id: str, password_hash: str) -> None:
    """Store what `Passwords.hash` made."""
    if tx.execute(sa.update(users).where(users.c.id == user_id).values(password_hash=password_hash)).rowcount != 1:
        raise NotFound("There is no such user.", advice="Create the user first.")


def find(tx: Transaction, name: str) -> tuple[User, str | None] | None:
    """Return the user called `name` and the stored hash, which is None for those who sign in by link only."""
    row = tx.one(sa.select(users).where(users.c.name == storable(name).strip()))
    if row is None:
        return None
    return User(id=row["id"], organization_id=row["organization_id"], name=row["name"]), row["password_hash"]


class Passwords:
    """Make and check password hashes (argon2id). Both take tens of milliseconds of CPU: never inside a transaction."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._nobody: str | None = None
        self.throttle = Throttle()

    def hash(self, password: str) -> str:
        """Return what to store; raise Invalid for a password that is too short or too long."""
        shortest, longest = _LENGTH
        if not shortest <= len(password) <= longest:
            raise Invalid(
                f"A password has {shortest} to {longest} characters.", advice="A sentence makes a good password."
            )
        return self._hasher.hash(password)

    def matches(self, stored: str | None, password: str) -> bool:
        """Tell whether the password is right; takes as long where there is no user or no stored hash."""
        if self._nobody is None:
            self._nobody = self._hasher.hash(bearer.new())
        try:
            right = self._hasher.verify(stored or self._nobody, password[: _LENGTH[1] + 1])
        except (VerificationError, InvalidHashError):
            return False
        return right and stored is not None
