"""The sealed texts of an organization, one by one with the rows that they are in."""

from dataclasses import dataclass

import sqlalchemy as sa

from ringfence.security.crypto import Unopenable, Vault
from ringfence.security.sealed import SEALED, Sealed
from ringfence.storage import Transaction
from ringfence.storage.tables import organizations


@dataclass(frozen=True, slots=True)
class Value:
    """A sealed text in its row."""

    column: Sealed
    row_id: str
    organization_id: str
    sealed: str

    @property
    def purpose(self) -> str:
        """What it was sealed for."""
        return f"{self.column.purpose}:{self.row_id}"

    def opened(self, vault: Vault) -> str | None:
        """Return what it holds, None if no key at hand opens it: such a value is lost, whatever is done with keys."""
        try:
            return vault.open(self.organization_id, self.purpose, self.sealed)
        except Unopenable:
            return None

    @property
    def derived(self) -> bool:
        """Whether an earlier release sealed it, by a key that is derived from the master key."""
        return self.sealed.startswith("v1:")


def every_organization(tx: Transaction) -> list[str]:
    """Return the ids of all organizations."""
    return list(tx.execute(sa.select(organizations.c.id).order_by(organizations.c.id)).scalars())


def values_of(tx: Transaction, organization_id: str) -> list[Value]:
    """Return every sealed text of an organization."""
    return [
        Value(column, row["id"], organization_id, row["sealed"])
        for column in SEALED
        for row in tx.all(column.rows(organization_id))
        if row["sealed"]
    ]
