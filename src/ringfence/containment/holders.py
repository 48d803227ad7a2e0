"""Who holds a host, for people: the run, the incident or the person behind the key of a hold."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from ringfence.storage import Transaction
from ringfence.storage.columns import not_by
from ringfence.storage.tables import containments, incidents, playbooks, runs

INCIDENT: Final = "incident:"
"""How keys of what an incident holds begin; its id follows, and after another colon what tells its holds apart."""

_PERSON: Final = "person:"


@dataclass(frozen=True, slots=True)
class Holder:
    """A run with its playbook, an incident, or a person by name; none of them where it is not kept any more."""

    run_id: str | None = None
    playbook: str | None = None
    incident: int | None = None
    person: str | None = None


def found(tx: Transaction, organization_id: str, keys: Iterable[str]) -> Mapping[str, Holder]:
    """Return who is behind the keys of holds."""
    keys = list(keys)
    own = {key: key.split(":")[1] if key.startswith(INCIDENT) else key.split(":")[0] for key in keys}
    numbers = tx.all(
        sa.select(incidents.c.id, incidents.c.number).where(
            incidents.c.id.in_(own.values()), not_by(incidents.c.organization_id) == organization_id
        )
    )
    names = tx.all(
        sa.select(runs.c.id, playbooks.c.name)
        .join(playbooks, playbooks.c.id == runs.c.playbook_id)
        .where(runs.c.id.in_(own.values()), not_by(runs.c.organization_id) == organization_id)
    )
    behind = {row["id"]: Holder(incident=row["number"]) for row in numbers}
    behind |= {row["id"]: Holder(run_id=row["id"], playbook=row["name"]) for row in names}
    asked = tx.all(
        sa.select(containments.c.request_key, containments.c.requested_by).where(
            containments.c.organization_id == organization_id,
            containments.c.request_key.in_([key for key in keys if key.startswith(_PERSON)]),
        )
    )
    people = {row["request_key"]: Holder(person=row["requested_by"]) for row in asked}
    return {key: people.get(key) or behind.get(own_id, Holder()) for key, own_id in own.items()}
