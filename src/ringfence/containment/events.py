"""The history of a containment: each transition is written here, in the transaction that makes it."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.containment.model import Containment, State
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import containment_events


def write(
    tx: Transaction,
    containment: Containment,
    before: State | None,
    after: State,
    detail: str,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write one event; `before` is None for the request, and equals `after` where something was noted and nothing moved."""
    tx.execute(
        sa.insert(containment_events).values(
            containment_id=containment.id,
            at=clock.now(),
            before=before.value if before else None,
            after=after.value,
            detail=storable(detail),
            facts=dict(facts) if facts else None,
        )
    )
