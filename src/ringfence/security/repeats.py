"""Requests that came with an idempotency key: each is carried out once, and answered the same again for a day.

The row is written before anything is done, and marked as acted on in the transaction of the first thing that is: a process that
ends in between has either done nothing, and the request may come again, or it has, and nothing is done twice.
"""

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.errors import AnswerLost, InProgress, KeyReused, LeaseLost
from ringfence.security.crypto import Vault
from ringfence.storage import Transaction
from ringfence.storage.tables import repeats

KEPT: Final = timedelta(hours=24)
LEASE: Final = timedelta(minutes=2)
LARGEST: Final = 1_048_576
"""An answer of more bytes is not kept."""
_PRUNED_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered; `headers` are those that say something about the body, or about where to look."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """That a request is this process's to carry out."""

    id: str
    organization_id: str


def begin(tx: Transaction, vault: Vault, organization_id: str, key: str, fingerprint: str) -> Claim | Answer:
    """Return the claim to carry a request out, or what was answered when it was.

    KeyReused if the key came with another request, InProgress if it is at work, AnswerLost if it was done and nobody knows what
    was answered.
    """
    _prune(tx)
    now = clock.now()
    claim = Claim(clock.new_id(), organization_id)
    row = {
        "id": claim.id,
        "organization_id": organization_id,
        "key": key,
        "fingerprint": fingerprint,
        "begun_at": now,
        "lease_until": now + LEASE,
    }
    tx.insert_new(repeats, [row])
    query = sa.select(repeats).where(repeats.c.organization_id == organization_id, repeats.c.key == key)
    found = tx.one(query.with_for_update())
    assert found is not None
    if found["id"] == claim.id:
        return claim
    if found["fingerprint"] != fingerprint:
        raise KeyReused(
            "This key came with another request before.", advice="Use a new key for each request that is meant to act."
        )
    if found["status"] is not None:
        return _answer(vault, found)
    if found["lease_until"] > now:
        raise InProgress("The same request is being carried out.", advice="Ask again in a moment, with the same key.")
    if found["acted"]:
        raise _lost()
    # Whoever began it ended before anything was done; should they live after all, their id is gone, and they can do nothing.
    taken = {"id": claim.id, "lease_until": now + LEASE}
    tx.execute(sa.update(repeats).where(repeats.c.id == found["id"]).values(taken))
    return claim


def note(tx: Transaction, claim: Claim) -> None:
    """Write down, in the transaction that does it, that a request was acted on; LeaseLost if it is another's by now."""
    if not tx.execute(sa.update(repeats).where(repeats.c.id == claim.id).values(acted=True)).rowcount:
        raise LeaseLost("The same request is carried out by another process.", advice="Ask again with the same key.")


def settle(tx: Transaction, vault: Vault, claim: Claim, answer: Answer) -> None:
    """Keep what was answered; where nothing was done and something was wrong, give the key back."""
    mine = repeats.c.id == claim.id
    if answer.status >= 400 and tx.execute(sa.delete(repeats).where(mine, repeats.c.acted.is_(False))).rowcount:
        return
    sealed = None
    if len(answer.body) <= LARGEST:
        said = {"headers": answer.headers, "body": b64encode(answer.body).decode()}
        sealed = vault.seal(claim.organization_id, _purpose(claim.id), json.dumps(said))
    values = {"status": answer.status, "sealed": sealed}
    tx.execute(sa.update(repeats).where(mine).values(values))


def give_up(tx: Transaction, claim: Claim) -> None:
    """Give the key of a request back that did nothing; of one that did something, say that nobody is at work on it."""
    mine = repeats.c.id == claim.id
    tx.execute(sa.delete(repeats).where(mine, repeats.c.acted.is_(False)))
    tx.execute(sa.update(repeats).where(mine).values(lease_until=clock.now()))


def _answer(vault: Vault, row: sa.RowMapping) -> Answer:
    if row["sealed"] is None:
        raise _lost()
    said = json.loads(vault.open(row["organization_id"], _purpose(row["id"]), row["sealed"]))
    return Answer(row["status"], tuple((name, value) for name, value in said["headers"]), b64decode(said["body"]))


def _lost() -> AnswerLost:
    return AnswerLost(
        "This request was carried out, and what was answered is not known any more.",
        advice="Look at what came of it before you ask again with a new key.",
    )


def _prune(tx: Transaction) -> None:
    old = sa.select(repeats.c.id).where(repeats.c.begun_at < clock.now() - KEPT).limit(_PRUNED_AT_ONCE)
    tx.execute(sa.delete(repeats).where(repeats.c.id.in_(old)))


def _purpose(claim_id: str) -> str:
    return f"repeat:{claim_id}"
