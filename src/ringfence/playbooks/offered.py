"""The components that an organization has published, with what each version takes and gives back: what a call can name."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa

from ringfence.playbooks.document import read
from ringfence.playbooks.interface import Input, Output
from ringfence.storage import Transaction
from ringfence.storage.tables import playbook_versions, playbooks

MOST: Final = 500
"""Versions that are looked at, the newest of each component first to last."""


@dataclass(frozen=True, slots=True)
class Offered:
    """One version of a component."""

    name: str
    version: str
    description: str
    inputs: dict[str, Input]
    outputs: dict[str, Output]

    def to_json(self) -> dict[str, Any]:
        """Give it as an object for the page."""
        return {
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "inputs": {name: each.model_dump(mode="json") for name, each in self.inputs.items()},
            "outputs": {
                name: {"type": each.type, "description": each.description} for name, each in self.outputs.items()
            },
        }


def offered(tx: Transaction, organization_id: str) -> tuple[Offered, ...]:
    """List the versions of components, by name, the newest first."""
    query = (
        sa.select(playbooks.c.name, playbook_versions.c.major, playbook_versions.c.minor, playbook_versions.c.source)
        .join(playbooks, playbooks.c.id == playbook_versions.c.playbook_id)
        .where(playbooks.c.organization_id == organization_id, playbooks.c.state != "retired")
        # What says so in another way than as its kind is sorted out below.
        .where(playbook_versions.c.source.contains("component"))
        .order_by(playbooks.c.name, playbook_versions.c.major.desc(), playbook_versions.c.minor.desc())
        .limit(MOST)
    )
    found = (_read(row["name"], f"{row['major']}.{row['minor']}", row["source"]) for row in tx.all(query))
    return tuple(each for each in found if each is not None)


@lru_cache(maxsize=MOST)
def _read(name: str, version: str, source: str) -> Offered | None:
    playbook = read(source).playbook
    if playbook is None or playbook.kind != "component":
        return None
    return Offered(name, version, playbook.description or "", dict(playbook.inputs), dict(playbook.outputs))
