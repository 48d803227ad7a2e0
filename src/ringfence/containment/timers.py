"""Warn people before a timer lets a host go, so that whoever still needs it cut off can hold it."""

from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.containment import events
from ringfence.containment.model import Containment, State
from ringfence.storage import Transaction
from ringfence.storage.tables import containments

SOON: Final = "release_soon"
"""What the change feed calls the warning."""


def warn(tx: Transaction, *, before: float) -> int:
    """Warn once for each timer that runs out within `before` seconds, or within half of its own length; returns how many."""
    if before <= 0:
        return 0
    now = clock.now()
    due = sa.select(containments).where(
        containments.c.next_at.is_not(None),
        containments.c.state == State.CONTAINED.value,
        containments.c.release_requested_at.is_(None),
        containments.c.warned_at.is_(None),
        containments.c.auto_release_at > now,
        containments.c.auto_release_at <= now + timedelta(seconds=before),
    )
    warned = 0
    for row in tx.all(due):
        found = Containment.of(row)
        assert found.auto_release_at is not None
        left = found.auto_release_at - now
        if found.auto_release_after is not None and left.total_seconds() > found.auto_release_after / 2:
            continue
        unwarned = (containments.c.id == found.id, containments.c.warned_at.is_(None))
        if not tx.execute(sa.update(containments).where(*unwarned).values(warned_at=now)).rowcount:
            continue
        minutes = max(1, round(left.total_seconds() / 60))
        detail = (
            f"The timer lets the host go in {minutes} min, at {clock.iso(found.auto_release_at)}. "
            "Ask for it to be contained without a timer to keep it cut off."
        )
        events.write(tx, found, found.state, found.state, detail)
        tx.changed(found.organization_id, "containment", found.id, SOON)
        warned += 1
    return warned
