"""The secrets of an organization, opened so that they can be hidden wherever one of them turns up in a run."""

import json
from collections.abc import Iterator

from ringfence import logs
from ringfence.security.crypto import Unopenable, Vault
from ringfence.security.hiding import Hider, Json, parts
from ringfence.security.sealed import SEALED
from ringfence.security.sealed_values import every_organization
from ringfence.storage import Transaction

log = logs.get(__name__)


def hider(tx: Transaction, vault: Vault, organization_id: str) -> Hider:
    """Return what hides every secret that the organization has now; one that cannot be opened here cannot be hidden."""
    return Hider(_every(tx, vault, organization_id))


def hider_of_all(tx: Transaction, vault: Vault) -> Hider:
    """Return what hides every secret of every organization."""
    return Hider(secret for owner in every_organization(tx) for secret in _every(tx, vault, owner))


def _every(tx: Transaction, vault: Vault, organization_id: str) -> Iterator[str]:
    for each in SEALED:
        if not each.hidden:
            continue
        for row in tx.all(each.rows(organization_id)):
            row_id, sealed = row["id"], row["sealed"]
            try:
                opened = vault.open(organization_id, f"{each.purpose}:{row_id}", sealed)
            except Unopenable:
                # Nobody here could have put it into a run either.
                log.debug("a sealed secret cannot be opened", purpose=each.purpose, id=row_id)
                continue
            for secret in _texts(opened, each.public):
                yield from parts(secret)


def _texts(opened: str, public: frozenset[str]) -> Iterator[str]:
    yield opened
    if opened.startswith(("{", "[")):
        try:
            yield from _leaves(json.loads(opened), public)
        except ValueError:
            return


def _leaves(value: Json, public: frozenset[str]) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for name, each in value.items():
                if name not in public:
                    yield from _leaves(each, public)
        case list():
            for each in value:
                yield from _leaves(each, public)
