"""The data keys of organizations: made at the first use, wrapped under every master key at hand, found by their names."""

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ringfence import clock
from ringfence.errors import Misconfigured
from ringfence.security.masters import KEY_BYTES, Masters
from ringfence.storage import Transaction
from ringfence.storage.tables import key_wraps, organization_keys

ACTIVE: Final = "active"
OLD: Final = "old"
_NONCE_BYTES: Final = 12
_INFO: Final = b"ringfence v2 wrapping"


class Unopenable(Misconfigured):
    """A sealed secret cannot be opened with the keys at hand."""

    code = "unopenable_secret"


@dataclass(frozen=True, slots=True)
class Key:
    """An organization's data key, unwrapped."""

    id: str
    secret: bytes = field(repr=False)


def active(tx: Transaction, masters: Masters, organization_id: str) -> Key:
    """Return the key that seals for an organization, made if there is none; it cannot be retired before the transaction ends."""
    keys = organization_keys.c
    query = (
        sa.select(keys.id)
        .where(keys.organization_id == organization_id, keys.state == ACTIVE)
        .with_for_update(read=True, key_share=True)
    )
    found = tx.one(query)
    if found is None:
        make(tx, masters, organization_id)
        found = tx.one(query)
    assert found is not None
    return Key(found["id"], find(tx, masters, organization_id, found["id"]))


def make(tx: Transaction, masters: Masters, organization_id: str) -> None:
    """Give an organization a key that seals, unless another transaction has given it one at this moment."""
    row = {"id": clock.new_id(), "organization_id": organization_id, "state": ACTIVE, "created_at": clock.now()}
    tx.insert_new(organization_keys, [row])
    if tx.one(sa.select(organization_keys.c.id).where(organization_keys.c.id == row["id"])) is None:
        return
    secret = os.urandom(KEY_BYTES)
    masters.reload()
    # Under each of them: a process that was not told of the newest yet must be able to open what this key seals.
    for master_id in masters.ids:
        wrap(tx, masters, organization_id, Key(str(row["id"]), secret), master_id)


def wrap(tx: Transaction, masters: Masters, organization_id: str, key: Key, master_id: str) -> None:
    """Keep a key under one more master key."""
    nonce = os.urandom(_NONCE_BYTES)
    bound = _bound(master_id, key.id, organization_id)
    text = urlsafe_b64encode(nonce + _cipher(masters, master_id).encrypt(nonce, key.secret, bound)).decode()
    tx.insert_new(key_wraps, [{"key_id": key.id, "master_id": master_id, "wrapped": text}])


def find(tx: Transaction, masters: Masters, organization_id: str, key_id: str) -> bytes:
    """Return an organization's key by its name; Unopenable where there is none, or no master key that unwraps it."""
    wraps = tx.all(
        sa.select(key_wraps.c.master_id, key_wraps.c.wrapped)
        .join(organization_keys, organization_keys.c.id == key_wraps.c.key_id)
        .where(key_wraps.c.key_id == key_id, organization_keys.c.organization_id == organization_id)
        .order_by(key_wraps.c.master_id)
    )
    if not wraps:
        raise Unopenable(
            f"A stored secret was sealed with the key {key_id[:40]}, which this organization does not have.",
            advice="It was shredded, or the secret was copied from elsewhere: enter the secret again.",
        )
    # What is in memory first: a missing key makes the source be read again.
    for row in sorted(wraps, key=lambda row: row["master_id"] not in masters.ids):
        if masters.get(row["master_id"]) is not None:
            return _unwrapped(masters, organization_id, key_id, row["master_id"], row["wrapped"])
    names = ", ".join(row["master_id"] for row in wraps)
    raise Unopenable(
        f"The organization's key {key_id} is wrapped under the master key {names}, which is not in {masters.source.words}.",
        advice="Put the master key that belongs to this database back, or enter the secrets again.",
    )


def not_wrapped(tx: Transaction, masters: Masters) -> list[tuple[str, str]]:
    """Return the keys, with their organizations, that another master key at hand unwraps, but not the newest."""
    newest = sa.select(key_wraps.c.key_id).where(key_wraps.c.master_id == masters.newest)
    others = sa.select(key_wraps.c.key_id).where(key_wraps.c.master_id.in_(masters.ids))
    query = sa.select(organization_keys.c.id, organization_keys.c.organization_id).where(
        organization_keys.c.id.not_in(newest), organization_keys.c.id.in_(others)
    )
    return [(row["id"], row["organization_id"]) for row in tx.all(query.order_by(organization_keys.c.id))]


def _unwrapped(masters: Masters, organization_id: str, key_id: str, master_id: str, wrapped: str) -> bytes:
    try:
        content = urlsafe_b64decode(wrapped)
        nonce, body = content[:_NONCE_BYTES], content[_NONCE_BYTES:]
        return _cipher(masters, master_id).decrypt(nonce, body, _bound(master_id, key_id, organization_id))
    except (InvalidTag, ValueError):
        raise Unopenable(
            f"The organization's key {key_id} was changed, or copied from another place.",
            advice="Restore the database from a backup, or shred the key and enter the secrets again.",
        ) from None


def _cipher(masters: Masters, master_id: str) -> AESGCM:
    master = masters.get(master_id)
    assert master is not None
    return AESGCM(HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=_INFO).derive(master))


def _bound(master_id: str, key_id: str, organization_id: str) -> bytes:
    return json.dumps(["v2 wrap", master_id, key_id, organization_id]).encode()
