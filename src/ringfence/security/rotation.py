"""Change the keys while everything runs: each step is one transaction, and a broken-off rotation goes on where it ended.

Until a key is retired, it and its successor both open. The functions that yield do a step before each yield; whoever stops
asking for more has broken the rotation off.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import sqlalchemy as sa

from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.security import keyring
from ringfence.security.crypto import Vault, key_of
from ringfence.security.keyring import ACTIVE, OLD, Key, not_wrapped
from ringfence.security.sealed_values import Value, every_organization, values_of
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import key_wraps, organization_keys

_BATCH: Final = 50


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rotation is: keys that were wrapped anew or secrets that were sealed anew, and all that have to be."""

    done: int
    all: int


def rotate_master(database: Database, vault: Vault) -> Iterator[Progress]:
    """Wrap every organization's key under the newest master key too; a new one is made unless a rotation is to be ended.

    Where the keys do not come from a file, whoever runs the installation has added the new one. What an earlier release sealed
    is sealed anew on the way, since it depends on its master key for ever.
    """
    masters = vault.masters
    with masters.changing():
        if masters.source.path is not None and not database.read_now(lambda tx: not_wrapped(tx, masters)):
            masters.add()
        left = database.read_now(lambda tx: not_wrapped(tx, masters))
        for number, key in enumerate(left, 1):
            database.run_now(partial(_wrap, vault=vault, key_id=key[0], organization_id=key[1]))
            yield Progress(number, len(left))
    yield from migrate(database, vault)


def migrate(database: Database, vault: Vault) -> Iterator[Progress]:
    """Seal by the organizations' own keys what an earlier release sealed by keys derived from the master key."""
    for organization_id in database.read_now(every_organization):
        yield from _reseal(database, vault, organization_id, derived_only=True)


def rotate_organization(database: Database, vault: Vault, organization_id: str) -> Iterator[Progress]:
    """Give an organization a new key and seal all its secrets by it; an earlier rotation that was broken off is ended instead."""

    def begin(tx: Transaction) -> None:
        keys = organization_keys.c
        old = set(
            tx.execute(sa.select(keys.id).where(keys.organization_id == organization_id, keys.state == OLD)).scalars()
        )
        if any(
            key_of(each.sealed) in old and each.opened(vault) is not None for each in values_of(tx, organization_id)
        ):
            return
        tx.execute(sa.update(organization_keys).where(keys.organization_id == organization_id).values(state=OLD))
        keyring.make(tx, vault.masters, organization_id)
        key_id = keyring.active(tx, vault.masters, organization_id).id
        log.write(tx, Event.KEY_ROTATED, organization_id, key_id)

    database.run_now(begin)
    yield from _reseal(database, vault, organization_id)


def _reseal(
    database: Database, vault: Vault, organization_id: str, *, derived_only: bool = False
) -> Iterator[Progress]:
    def meant(tx: Transaction) -> list[Value]:
        active = tx.scalar(
            sa.select(organization_keys.c.id).where(
                organization_keys.c.organization_id == organization_id, organization_keys.c.state == ACTIVE
            )
        )
        return [
            each
            for each in values_of(tx, organization_id)
            if key_of(each.sealed) != active and (each.derived or not derived_only)
        ]

    left = database.read_now(meant)
    for start in range(0, len(left), _BATCH):
        batch = left[start : start + _BATCH]
        database.run_now(partial(_seal_anew, vault=vault, values=batch))
        yield Progress(start + len(batch), len(left))


def _seal_anew(tx: Transaction, vault: Vault, values: list[Value]) -> None:
    for each in values:
        opened = each.opened(vault)
        if opened is not None:
            sealed = vault.seal(each.organization_id, each.purpose, opened)
            # Where somebody entered another secret since, theirs stays: it was sealed by the new key.
            tx.execute(each.column.replace(each.row_id, each.sealed, sealed))


def _wrap(tx: Transaction, vault: Vault, key_id: str, organization_id: str) -> None:
    secret = keyring.find(tx, vault.masters, organization_id, key_id)
    keyring.wrap(tx, vault.masters, organization_id, Key(key_id, secret), vault.masters.newest)
    said = {"master_key": vault.masters.newest}
    log.write(tx, Event.KEY_WRAPPED, organization_id, key_id, details=said)


def retire(database: Database, vault: Vault, key_id: str) -> None:
    """Forget a key that nothing needs any more, of an organization or a master key; Conflict while something does."""
    found = database.read_now(
        lambda tx: tx.one(sa.select(organization_keys.c.id).where(organization_keys.c.id == key_id))
    )
    if found is not None:
        database.run_now(lambda tx: _retire_key(tx, vault, key_id))
        return
    masters = vault.masters
    with masters.changing():
        if key_id == masters.newest:
            raise Conflict(
                "This is the master key that wraps now.", advice="Rotate first: `ringfence keys rotate master`."
            )
        database.run_now(lambda tx: _retire_master(tx, vault, key_id))
        # Broken off here, the key stands in the source and nothing needs it: it is retired by asking once more.
        if key_id in masters.ids and masters.source.path is not None:
            masters.remove(key_id)


def _retire_key(tx: Transaction, vault: Vault, key_id: str) -> None:
    keys = organization_keys.c
    # Who seals by this key at this moment holds the row until it is committed.
    row = tx.one(sa.select(organization_keys).where(keys.id == key_id).with_for_update())
    assert row is not None
    if row["state"] == ACTIVE:
        raise Conflict(
            "This is the key that seals for its organization now.",
            advice="Rotate first: `ringfence keys rotate organization`.",
        )
    organization_id = row["organization_id"]
    used = [each for each in values_of(tx, organization_id) if key_of(each.sealed) == key_id]
    needed = sum(each.opened(vault) is not None for each in used)
    if needed:
        raise Conflict(
            f"{needed} secrets are still sealed by this key.",
            advice="End the rotation first: `ringfence keys rotate organization`.",
        )
    tx.execute(sa.delete(organization_keys).where(keys.id == key_id))
    log.write(tx, Event.KEY_RETIRED, organization_id, key_id)


def _retire_master(tx: Transaction, vault: Vault, master_id: str) -> None:
    masters, wraps = vault.masters, key_wraps.c
    others = [each for each in masters.ids if each != master_id]
    held = sa.select(wraps.key_id).where(wraps.master_id.in_(others))
    under = sa.select(wraps.key_id).where(wraps.master_id == master_id)
    if master_id not in masters.ids and tx.one(under) is None:
        raise NotFound(f"There is no key {master_id[:40]!r}.", advice="`ringfence keys show` lists them.")
    alone = len(tx.all(under.where(wraps.key_id.not_in(held))))
    owners = every_organization(tx)
    derived = [each for owner in owners for each in values_of(tx, owner) if each.derived]
    needed = alone + sum(key_of(each.sealed) == master_id and each.opened(vault) is not None for each in derived)
    if needed:
        raise Conflict(
            f"{needed} keys and secrets still need this master key.",
            advice="End the rotation first: `ringfence keys rotate master`.",
        )
    tx.execute(sa.delete(key_wraps).where(wraps.master_id == master_id))
    for owner in owners:
        log.write(tx, Event.MASTER_KEY_RETIRED, owner, master_id)


def shred(database: Database, vault: Vault, organization_id: str) -> int:
    """Delete every key of an organization and return how many secrets nobody can read any more; there is no way back.

    Backups of the database hold the keys until they are deleted, too.
    """

    def work(tx: Transaction) -> int:
        if tx.dialect == "sqlite":
            # What is deleted is overwritten, not only given free.
            tx.connection.exec_driver_sql("PRAGMA secure_delete=ON")
        values = values_of(tx, organization_id)
        # What depends on the master key alone would stay readable.
        _seal_anew(tx, vault, [each for each in values if each.derived])
        count = tx.execute(
            sa.delete(organization_keys).where(organization_keys.c.organization_id == organization_id)
        ).rowcount
        if not count:
            raise Invalid(
                "This organization has no keys.", advice="Nothing was sealed for it, or it was shredded before."
            )
        log.write(
            tx, Event.KEY_SHREDDED, organization_id, organization_id, details={"secrets": len(values), "keys": count}
        )
        tx.changed(organization_id, "key", organization_id, "shredded")
        return len(values)

    lost = database.run_now(work)
    if database.sqlite:
        with database.engine.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
    return lost
