"""What keys there are, what depends on each, and whether every secret opens; never a key or a secret itself."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ringfence.security.crypto import Unopenable, Vault, key_of
from ringfence.security.keyring import ACTIVE, not_wrapped
from ringfence.security.sealed_values import every_organization, values_of
from ringfence.storage import Transaction
from ringfence.storage.tables import key_wraps, organization_keys, organizations


@dataclass(frozen=True, slots=True)
class KeyState:
    """A data key: `secrets` are sealed by it, `masters` unwrap it."""

    id: str
    organization_id: str
    organization: str
    active: bool
    created_at: datetime
    secrets: int
    masters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MasterState:
    """A master key: whether the source has it, how many keys it unwraps, and how many secrets are sealed by a derived key."""

    id: str
    newest: bool
    at_hand: bool
    keys: int
    secrets: int


@dataclass(frozen=True, slots=True)
class Keys:
    """All keys, where the master keys come from, and how much of a rotation is left to do."""

    source: str
    masters: tuple[MasterState, ...]
    keys: tuple[KeyState, ...]
    to_wrap: int
    to_seal: int


def show(tx: Transaction, vault: Vault, organization_id: str | None = None) -> Keys:
    """Return all keys, or those of one organization, and what depends on each; never a key itself.

    Master keys are counted over all organizations, whosever keys are asked for.
    """
    counts: dict[str, int] = {}
    derived: dict[str, int] = {}
    for owner in every_organization(tx):
        for each in values_of(tx, owner):
            place = derived if each.derived else counts
            place[key_of(each.sealed)] = place.get(key_of(each.sealed), 0) + 1
    wraps: dict[str, list[str]] = {}
    for row in tx.all(sa.select(key_wraps.c.key_id, key_wraps.c.master_id).order_by(key_wraps.c.master_id)):
        wraps.setdefault(row["key_id"], []).append(row["master_id"])
    query = (
        sa.select(organization_keys, organizations.c.name)
        .join(organizations, organizations.c.id == organization_keys.c.organization_id)
        .order_by(organizations.c.name, organization_keys.c.created_at, organization_keys.c.id)
    )
    keys = tuple(
        KeyState(
            row["id"],
            row["organization_id"],
            row["name"],
            row["state"] == ACTIVE,
            row["created_at"],
            counts.get(row["id"], 0),
            tuple(wraps.get(row["id"], ())),
        )
        for row in tx.all(query)
        if organization_id in (None, row["organization_id"])
    )
    ids = vault.masters.ids
    known = [*ids, *sorted({each for held in wraps.values() for each in held} | set(derived) - {""})]
    masters = tuple(
        MasterState(
            each, each == ids[-1], each in ids, sum(each in held for held in wraps.values()), derived.get(each, 0)
        )
        for each in dict.fromkeys(known)
    )
    to_seal = sum(derived.values()) + sum(key.secrets for key in keys if not key.active)
    return Keys(vault.masters.source.words, masters, keys, len(not_wrapped(tx, vault.masters)), to_seal)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A secret that cannot be opened, where it is and why."""

    organization_id: str
    where: str
    row_id: str
    why: str
    advice: str


@dataclass(frozen=True, slots=True)
class Checked:
    """How many secrets there are, and those that no key at hand opens."""

    secrets: int
    unreadable: tuple[Unreadable, ...]


def check(tx: Transaction, vault: Vault) -> Checked:
    """Open every secret, tell which cannot be opened, and show none."""
    count = 0
    found: list[Unreadable] = []
    for owner in every_organization(tx):
        for each in values_of(tx, owner):
            count += 1
            try:
                vault.open(owner, each.purpose, each.sealed)
            except Unopenable as error:
                found.append(Unreadable(owner, each.column.where, each.row_id, error.message, error.advice))
    return Checked(count, tuple(found))
