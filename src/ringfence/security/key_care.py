"""What administrators see of the keys, and do with them: an organization's own, and those of the installation.

A rotation is carried on for a while and then shown: asking again goes on with it, as it does after anything that broke it off.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from ringfence.audit import signing_keys
from ringfence.audit.signing_keys import SigningKeys
from ringfence.errors import NotFound
from ringfence.security import key_report, rotation
from ringfence.security.crypto import Vault
from ringfence.security.key_report import KeyState, MasterState
from ringfence.security.rbac import Actor, Permission, require
from ringfence.security.rotation import Progress
from ringfence.storage import Database

AT_ONCE: Final = 20
"""Steps of a rotation that one request carries out; each is up to 50 secrets."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The keys that somebody may see: `sealed` of `secrets` are sealed by the newest keys, `to_wrap` keys wait for the newest
    master key. `changeable` says that a new master key can be made here; else it is added to its source first.
    """

    source: str
    changeable: bool
    masters: tuple[MasterState, ...]
    keys: tuple[KeyState, ...]
    secrets: int
    sealed: int
    to_wrap: int
    signing: SigningKeys


def look(database: Database, vault: Vault, folder: Path, actor: Actor) -> Shown:
    """Return the keys of the actor's organization; those of all organizations for who looks after the installation."""
    require(actor, Permission.KEY_MANAGE)
    everything = actor.may(Permission.SYSTEM_MANAGE)
    found = database.read_now(lambda tx: key_report.show(tx, vault, _whose(actor)))
    return Shown(
        found.source,
        vault.masters.source.path is not None,
        tuple(each for each in found.masters if everything or each.newest),
        found.keys,
        sum(each.secrets for each in found.keys),
        sum(each.secrets for each in found.keys if each.active),
        found.to_wrap if everything else 0,
        signing_keys.show(folder),
    )


def rotate_organization(database: Database, vault: Vault, actor: Actor) -> Progress | None:
    """Give the actor's organization a new key, or go on with that; returns how far it is, None if nothing was to be sealed."""
    require(actor, Permission.KEY_MANAGE)
    return _carry(rotation.rotate_organization(database, vault, actor.organization_id))


def rotate_master(database: Database, vault: Vault, actor: Actor) -> Progress | None:
    """Wrap all keys under the newest master key, made here where it is a file's; returns how far it is."""
    require(actor, Permission.SYSTEM_MANAGE)
    return _carry(rotation.rotate_master(database, vault))


def rotate_audit(database: Database, folder: Path, actor: Actor) -> SigningKeys:
    """Sign heads of the audit log by a new key."""
    require(actor, Permission.SYSTEM_MANAGE)
    return signing_keys.rotate(database, folder)


def retire(database: Database, vault: Vault, actor: Actor, key_id: str) -> None:
    """Forget a key that nothing needs any more; NotFound for one that is not the actor's to see."""
    require(actor, Permission.KEY_MANAGE)
    whose = _whose(actor)
    if whose is not None:
        found = database.read_now(lambda tx: key_report.show(tx, vault, whose)).keys
        if not any(each.id == key_id for each in found):
            raise NotFound("There is no such key.", advice="Look at the list of keys.")
    rotation.retire(database, vault, key_id)


def _whose(actor: Actor) -> str | None:
    """Return whose keys an actor may see: those of one organization, or None for those of all."""
    return None if actor.may(Permission.SYSTEM_MANAGE) else actor.organization_id


def _carry(steps: Iterator[Progress]) -> Progress | None:
    last: Progress | None = None
    for last in islice(steps, AT_ONCE):  # noqa: B007 - only the last one counts
        pass
    return last
