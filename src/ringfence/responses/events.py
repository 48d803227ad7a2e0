"""The history of a response: each transition is written here and in the audit log, in the transaction that makes it."""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.responses.model import Response, State
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import response_events

_AUDITED: Final[dict[State, Event]] = {
    State.REQUESTED: Event.RESPONSE_ASKED_AGAIN,
    State.DENIED: Event.RESPONSE_DENIED,
    State.NOT_NEEDED: Event.RESPONSE_NOT_NEEDED,
    State.AWAITING_APPROVAL: Event.RESPONSE_AWAITING_APPROVAL,
    State.REJECTED: Event.RESPONSE_REJECTED,
    State.EXPIRED: Event.RESPONSE_EXPIRED,
    State.APPROVED: Event.RESPONSE_APPROVED,
    State.SUBMITTING: Event.RESPONSE_SUBMITTED,
    State.PENDING: Event.RESPONSE_ACCEPTED,
    State.DONE: Event.RESPONSE_CONFIRMED,
    State.FAILED: Event.RESPONSE_FAILED,
    State.TIMED_OUT: Event.RESPONSE_TIMED_OUT,
    State.CANCELLED: Event.RESPONSE_CANCELLED,
    State.WITHDRAWN: Event.RESPONSE_WITHDRAWN,
    State.UNDOING: Event.RESPONSE_UNDOING,
    State.UNDONE: Event.RESPONSE_UNDONE,
    State.UNDO_FAILED: Event.RESPONSE_UNDO_FAILED,
    State.SUPERSEDED: Event.RESPONSE_SUPERSEDED,
}


def write(
    tx: Transaction,
    response: Response,
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
        sa.insert(response_events).values(
            response_id=response.id,
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
        response.organization_id,
        response.id,
        details={
            "kind": response.kind.value,
            "before": before.value if before else None,
            "state": after.value,
            "detail": detail,
            "target": response.target,
            "what": response.what,
            "machine_id": response.machine_id,
            "machine_name": response.machine_name,
            **({"facts": dict(facts)} if facts else {}),
        },
        actor=by,
    )


def _event(before: State | None, after: State) -> Event:
    if before is None:
        return Event.RESPONSE_REQUESTED
    # A request that never reached Defender is taken back; nobody has approved anything anew.
    backwards = before in (State.SUBMITTING, State.PENDING) and after is State.APPROVED
    return Event.RESPONSE_NOTED if before is after or backwards else _AUDITED[after]
