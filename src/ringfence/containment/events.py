"""The history of a containment: each transition is written here, in the transaction that makes it."""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.containment.model import Containment, State
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import containment_events

_AUDITED: Final[dict[State, Event]] = {
    State.REQUESTED: Event.CONTAINMENT_ASKED_AGAIN,
    State.DENIED: Event.CONTAINMENT_DENIED,
    State.NOT_NEEDED: Event.CONTAINMENT_NOT_NEEDED,
    State.AWAITING_APPROVAL: Event.CONTAINMENT_AWAITING_APPROVAL,
    State.REJECTED: Event.CONTAINMENT_REJECTED,
    State.EXPIRED: Event.CONTAINMENT_EXPIRED,
    State.APPROVED: Event.CONTAINMENT_APPROVED,
    State.SUBMITTING: Event.CONTAINMENT_SUBMITTED,
    State.PENDING: Event.CONTAINMENT_ACCEPTED,
    State.CONTAINED: Event.CONTAINMENT_CONFIRMED,
    State.FAILED: Event.CONTAINMENT_FAILED,
    State.TIMED_OUT: Event.CONTAINMENT_TIMED_OUT,
    State.CANCELLED: Event.CONTAINMENT_CANCELLED,
    State.WITHDRAWN: Event.CONTAINMENT_WITHDRAWN,
    State.RELEASING: Event.CONTAINMENT_RELEASING,
    State.RELEASED: Event.CONTAINMENT_RELEASED,
    State.RELEASE_FAILED: Event.CONTAINMENT_RELEASE_FAILED,
    State.SUPERSEDED: Event.CONTAINMENT_SUPERSEDED,
}


def write(
    tx: Transaction,
    containment: Containment,
    before: State | None,
    after: State,
    detail: str,
    facts: Mapping[str, Any] | None = None,
    *,
    what: Event | None = None,
    by: str | None = None,
) -> None:
    """Write one event, here and in the audit log.

    `before` is None for the request, and equals `after` where something was noted and nothing moved; `what` then says what
    it was. `by` is who asked, where the context does not know somebody better.
    """
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
    log.write(
        tx,
        what or _event(before, after),
        containment.organization_id,
        containment.id,
        details={
            "before": before.value if before else None,
            "state": after.value,
            "detail": detail,
            "target": containment.target,
            "machine_id": containment.machine_id,
            "machine_name": containment.machine_name,
            **({"facts": dict(facts)} if facts else {}),
        },
        actor=by,
    )


def _event(before: State | None, after: State) -> Event:
    if before is None:
        return Event.CONTAINMENT_REQUESTED
    # A request that never reached Defender is taken back; nobody has approved anything anew.
    backwards = before in (State.SUBMITTING, State.PENDING) and after is State.APPROVED
    return Event.CONTAINMENT_NOTED if before is after or backwards else _AUDITED[after]
