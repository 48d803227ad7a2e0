"""Slow guessing down, by name and by address: counted in the database, so that a restart or another process changes nothing.

Each attempt is counted when it begins, so that a hundred at once are a hundred. A few are free, then each waits twice as long as
the one before, and from the tenth on nobody signs in by that name for a quarter of an hour. That ends by itself; and browsers
from which the person has signed in before are counted apart, so that strangers cannot keep anybody out. Links are not touched.
"""

import hashlib
import ipaddress
import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.errors import NotSignedIn
from ringfence.security.people import LONGEST_NAME
from ringfence.storage.database import Transaction
from ringfence.storage.tables import sign_in_failures

LOCKED_FOR: Final = timedelta(minutes=15)
FREE: Final = 5
LOCKING: Final = 10
_FREE_OF_ADDRESS: Final = 50
_FORGOTTEN: Final = timedelta(days=1)
_ADDRESS_FORGOTTEN: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody who tries to sign in. `browser` names one that the person has signed in from before, None for others."""

    name: str
    address: str = ""
    browser: str | None = None


class TooMany(NotSignedIn):
    """There were too many attempts: wait."""

    code = "too_many_attempts"
    status = 429

    def __init__(self, message: str, *, seconds: int) -> None:
        unit = "second" if seconds == 1 else "seconds"
        wait = f"{seconds} {unit}" if seconds < 120 else f"{math.ceil(seconds / 60)} minutes"
        super().__init__(message, advice=f"Wait {wait} and try again, or use a sign-in link from the server.")
        self.seconds = seconds


def begin(tx: Transaction, attempt: Attempt) -> int:
    """Count an attempt before its password is looked at, and return how many failed for the name, this one among them.

    Raise TooMany where it has to wait; it is not counted then.
    """
    moment = clock.now()
    tx.execute(sa.delete(sign_in_failures).where(sign_in_failures.c.last_at < moment - _FORGOTTEN))
    for key, what in ((_key(attempt), "for this name"), (_address_key(attempt.address), "from this address")):
        wait = _wait(tx, key)
        if wait > 0:
            raise TooMany(f"There were too many failed attempts {what}.", seconds=wait)
    _count(tx, _address_key(attempt.address), _FREE_OF_ADDRESS, _ADDRESS_FORGOTTEN)
    return _count(tx, _key(attempt), FREE, _FORGOTTEN)


def locks(count: int) -> bool:
    """Tell whether the failure of that number is one that locks the name, and was not preceded by another such."""
    return count >= LOCKING and count % LOCKING == 0


def succeeded(tx: Transaction, attempt: Attempt) -> None:
    """Forget the failures of the name; of the address only this attempt, or one account would pay for trying others."""
    tx.execute(sa.delete(sign_in_failures).where(sign_in_failures.c.key == _key(attempt)))
    table = sign_in_failures.c
    one_less = sa.update(sign_in_failures).where(table.key == _address_key(attempt.address), table.failures > 0)
    tx.execute(one_less.values(failures=table.failures - 1, wait_until=None))


def free(tx: Transaction, name: str) -> bool:
    """Let a name sign in again at once, wherever from; returns whether it had to wait."""
    key = _key(Attempt(name))
    waits = _wait(tx, key) > 0
    tx.execute(sa.delete(sign_in_failures).where(sign_in_failures.c.key == key))
    return waits


def _count(tx: Transaction, key: str, free_of: int, forgotten: timedelta) -> int:
    moment = clock.now()
    table = sign_in_failures.c
    tx.insert_new(sign_in_failures, [{"key": key, "failures": 0, "last_at": moment, "wait_until": None}])
    # The row is held from here on: who comes at the same moment waits for this count.
    more = sa.case((table.last_at < moment - forgotten, 1), else_=table.failures + 1)
    tx.execute(sa.update(sign_in_failures).where(table.key == key).values(failures=more, last_at=moment))
    count = int(tx.scalar(sa.select(table.failures).where(table.key == key)))
    if count >= free_of:
        wait = LOCKED_FOR if count >= free_of * 2 else timedelta(seconds=2 ** min(count - free_of, 10))
        tx.execute(
            sa.update(sign_in_failures).where(table.key == key).values(wait_until=moment + min(wait, LOCKED_FOR))
        )
    return count


def _wait(tx: Transaction, key: str) -> int:
    until = tx.scalar(sa.select(sign_in_failures.c.wait_until).where(sign_in_failures.c.key == key))
    return max(0, math.ceil((until - clock.now()).total_seconds())) if until is not None else 0


def _key(attempt: Attempt) -> str:
    name = attempt.name.strip()[:LONGEST_NAME].casefold()
    return _digest("name", name) if attempt.browser is None else _digest("browser", attempt.browser, name)


def _address_key(address: str) -> str:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return _digest("address", address)
    # Who has one IPv6 address has all of its /64.
    whole = ipaddress.ip_network((found, 64), strict=False) if found.version == 6 else found
    return _digest("address", str(whole))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
