"""A sign-in that is under way: between the password and the code, away at a provider, or the first administrator's.

What the browser holds is a token of its own, which signs nobody in; the facts stay here. Each step is used up once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.errors import NotSignedIn
from ringfence.security import bearer
from ringfence.storage.database import Transaction
from ringfence.storage.tables import sign_in_steps

LIFETIME: Final = timedelta(minutes=10)
TRIES: Final = 5


class Kind(StrEnum):
    """What a step waits for."""

    CODE = "code"
    ENROL = "enrol"
    PROVIDER = "provider"
    FIRST = "first"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Step:
    """A step: whose it is, if that is known, and what it has to remember."""

    kind: Kind
    user_id: str | None
    facts: Mapping[str, Any]
    tries: int


def begin(
    tx: Transaction,
    kind: Kind,
    facts: Mapping[str, Any],
    *,
    user_id: str | None = None,
    lifetime: timedelta = LIFETIME,
) -> str:
    """Return the token of a new step."""
    token = bearer.new()
    row = {
        "token_hash": bearer.digest(token),
        "kind": kind.value,
        "user_id": user_id,
        "facts": dict(facts),
        "tries": 0,
        "expires_at": clock.now() + lifetime,
    }
    tx.execute(sa.insert(sign_in_steps).values(row))
    return token


def look(tx: Transaction, kind: Kind, token: str) -> Step:
    """Return a step without using it up; raise NotSignedIn where it is used, expired, of another kind or unknown."""
    table = sign_in_steps.c
    row = tx.one(
        sa.select(sign_in_steps).where(
            table.token_hash == bearer.digest(token), table.kind == kind.value, table.expires_at > clock.now()
        )
    )
    if row is None or row["tries"] >= TRIES:
        raise NotSignedIn("This sign-in has taken too long, or was finished already.", advice="Begin again.")
    return Step(kind, row["user_id"], row["facts"], row["tries"])


def tried(tx: Transaction, token: str) -> None:
    """Count a try, before what was given is looked at."""
    same = sign_in_steps.c.token_hash == bearer.digest(token)
    tx.execute(sa.update(sign_in_steps).where(same).values(tries=sign_in_steps.c.tries + 1))


def finish(tx: Transaction, kind: Kind, token: str) -> Step:
    """Use a step up and return it; raise NotSignedIn as `look` does, also for the second of two at once."""
    step = look(tx, kind, token)
    if tx.execute(sa.delete(sign_in_steps).where(sign_in_steps.c.token_hash == bearer.digest(token))).rowcount != 1:
        raise NotSignedIn("This sign-in was finished already.", advice="Begin again.")
    return step


def drop(tx: Transaction, kind: Kind, *, user_id: str | None = None) -> None:
    """Let go of all steps of a kind, or of one person's."""
    mine = sign_in_steps.c.user_id == user_id if user_id is not None else sa.true()
    tx.execute(sa.delete(sign_in_steps).where(sign_in_steps.c.kind == kind.value, mine))
