"""The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for when it is lost.

The app's secret is sealed. A code is taken once: neither it nor an older one is taken again. Of recovery codes only the SHA-256
is stored; each holds 120 random bits, so that nobody finds one by its hash. A secret is sealed with the key of the organization
where its person was first made known, whichever they work in.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pyotp
import segno
import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Conflict, NotFound, NotSignedIn
from ringfence.security import people
from ringfence.security.crypto import Vault
from ringfence.security.people import User
from ringfence.storage.database import Transaction
from ringfence.storage.tables import recovery_codes, second_factors

RECOVERY_CODES: Final = 10
_SECONDS: Final = 30
# A phone's clock may be half a minute off, either way.
_DRIFT: Final = 1
_WRONG: Final = "This code is wrong, was used already, or is too old."
_WRONG_ADVICE: Final = (
    "Wait for the next code of the app and enter that; check the clocks of the device and of the server."
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody has: since when, None without; and how many recovery codes are left."""

    since: datetime | None
    recovery_codes: int


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a person enters into their app: the secret as text, as an address, and as a picture (an `svg` element)."""

    secret: str
    address: str
    picture: str


def standing(tx: Transaction, user_id: str) -> Standing:
    """Return what a person has."""
    row = tx.one(sa.select(second_factors.c.confirmed_at).where(second_factors.c.user_id == user_id))
    left = sa.select(sa.func.count()).where(recovery_codes.c.user_id == user_id, recovery_codes.c.used_at.is_(None))
    return Standing(row["confirmed_at"] if row is not None else None, int(tx.scalar(left)))


def enrol(tx: Transaction, vault: Vault, user_id: str) -> Enrolment:
    """Give a person a new secret, which counts from the first code on; before that it can be asked for again and again.

    Conflict where there is one that counts.
    """
    user = people.get(tx, user_id)
    row = tx.one(sa.select(second_factors).where(second_factors.c.user_id == user.id))
    if row is not None and row["confirmed_at"] is not None:
        raise Conflict("There is an authenticator app already.", advice="Remove it first; then set the new one up.")
    if row is None:
        made = pyotp.random_base32(32)
        sealed = vault.seal(user.organization_id, purpose(user.id), made)
        fresh = {"user_id": user.id, "sealed_secret": sealed, "created_at": clock.now()}
        tx.insert_new(second_factors, [fresh | {"confirmed_at": None, "last_step": None}])
        row = tx.one(sa.select(second_factors).where(second_factors.c.user_id == user.id))
        assert row is not None
    secret = vault.open(user.organization_id, purpose(user.id), row["sealed_secret"])
    address = pyotp.TOTP(secret, interval=_SECONDS).provisioning_uri(user.name, issuer_name="Ringfence")
    return Enrolment(secret, address, segno.make(address, error="m").svg_inline(scale=5, border=2, light="#fff"))


def confirm(tx: Transaction, vault: Vault, user_id: str, code: str) -> tuple[str, ...]:
    """Let the secret count, proven by a first code, and return the recovery codes, which nobody can ask for again.

    NotSignedIn where the code is wrong, Conflict where the secret counts already.
    """
    user = people.get(tx, user_id)
    row = tx.one(sa.select(second_factors).where(second_factors.c.user_id == user.id))
    if row is None:
        raise NotFound("No authenticator app is being set up.", advice="Begin with the picture to scan.")
    if row["confirmed_at"] is not None:
        raise Conflict("There is an authenticator app already.", advice="Remove it first; then set the new one up.")
    _take(tx, vault, user, row, _plain(code))
    tx.execute(sa.update(second_factors).where(second_factors.c.user_id == user.id).values(confirmed_at=clock.now()))
    log.write(tx, Event.SECOND_FACTOR_ADDED, user.organization_id, user.id, details={"name": user.name})
    return renew_recovery_codes(tx, user_id)


def check(tx: Transaction, vault: Vault, user_id: str, code: str) -> str:
    """Take a code of the app or a recovery code, and return which it was: `code` or `recovery code`; else NotSignedIn."""
    user = people.get(tx, user_id)
    given = _plain(code)
    row = tx.one(sa.select(second_factors).where(second_factors.c.user_id == user.id))
    if row is None or row["confirmed_at"] is None:
        raise NotSignedIn("There is no authenticator app for this person.", advice="Sign in again.")
    if len(given) > 8:
        _use_recovery_code(tx, user, given)
        return "recovery code"
    _take(tx, vault, user, row, given)
    return "code"


def renew_recovery_codes(tx: Transaction, user_id: str) -> tuple[str, ...]:
    """Return new recovery codes; those before are void."""
    user = people.get(tx, user_id)
    # 120 bits: enough to be kept as a plain hash.
    made = tuple(base64.b32encode(secrets.token_bytes(15)).decode() for _ in range(RECOVERY_CODES))
    tx.execute(sa.delete(recovery_codes).where(recovery_codes.c.user_id == user.id))
    rows = [{"user_id": user.id, "code_hash": _digest(each), "used_at": None} for each in made]
    tx.execute(sa.insert(recovery_codes), rows)
    log.write(tx, Event.RECOVERY_CODES_MADE, user.organization_id, user.id, details={"name": user.name})
    return tuple("-".join(each[start : start + 4] for start in range(0, len(each), 4)) for each in made)


def remove(tx: Transaction, user_id: str) -> bool:
    """Take a person's app and recovery codes away, and tell whether there was one that counted."""
    user = people.get(tx, user_id)
    counted = standing(tx, user.id).since is not None
    tx.execute(sa.delete(second_factors).where(second_factors.c.user_id == user.id))
    tx.execute(sa.delete(recovery_codes).where(recovery_codes.c.user_id == user.id))
    if counted:
        log.write(tx, Event.SECOND_FACTOR_REMOVED, user.organization_id, user.id, details={"name": user.name})
    return counted


def forget_unproven(tx: Transaction, user_id: str) -> None:
    """Let a secret go that was shown and never proven, so that the next one is known to nobody."""
    table = second_factors.c
    tx.execute(sa.delete(second_factors).where(table.user_id == user_id, table.confirmed_at.is_(None)))


def purpose(user_id: str) -> str:
    """Return for what a person's secret is sealed."""
    return f"second-factor:{user_id}"


def _take(tx: Transaction, vault: Vault, user: User, row: sa.RowMapping, code: str) -> None:
    """Take a code of the app; whoever brings the same one again, also at the same moment, comes too late."""
    app = pyotp.TOTP(vault.open(user.organization_id, purpose(user.id), row["sealed_secret"]), interval=_SECONDS)
    now = int(clock.timestamp()) // _SECONDS
    given = code.strip().encode("utf-8", "replace")
    fitting = [
        step
        for step in range(now - _DRIFT, now + _DRIFT + 1)
        if hmac.compare_digest(app.generate_otp(step).encode(), given)
    ]
    for step in fitting:
        table = second_factors.c
        newer = sa.or_(table.last_step.is_(None), table.last_step < step)
        taken = sa.update(second_factors).where(table.user_id == user.id, newer).values(last_step=step)
        if tx.execute(taken).rowcount == 1:
            return
    raise NotSignedIn(_WRONG, advice=_WRONG_ADVICE)


def _use_recovery_code(tx: Transaction, user: User, given: str) -> None:
    table = recovery_codes.c
    unused = (table.user_id == user.id, table.code_hash == _digest(given), table.used_at.is_(None))
    if tx.execute(sa.update(recovery_codes).where(*unused).values(used_at=clock.now())).rowcount != 1:
        raise NotSignedIn("This recovery code is wrong, or was used already.", advice="Each works once: try another.")
    left = standing(tx, user.id).recovery_codes
    said = {"name": user.name, "left": left}
    log.write(tx, Event.RECOVERY_CODE_USED, user.organization_id, user.id, details=said, actor=user.name)


def _plain(code: str) -> str:
    """Return a code without what apps and people put in between: `123 456`, `ABCD-EFGH`."""
    return "".join(each for each in code if each.isalnum()).upper()


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()
