"""The rows of responses, for the driver: take what is due, move it, give it back; see `storage.claiming`.

Every function works inside the caller's transaction.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from ringfence.approvals.model import State as Answered
from ringfence.approvals.model import Subject
from ringfence.responses import events
from ringfence.responses.model import Response, State, demand_legal, is_over
from ringfence.storage import Transaction
from ringfence.storage.claiming import LEASE, Claims
from ringfence.storage.columns import storable
from ringfence.storage.tables import approvals, responses

__all__ = ("CLAIMS", "LEASE", "claim_due", "current_claim", "free_leases", "mine", "move", "next_due", "note", "rest")


def _answered() -> sa.ColumnElement[bool]:
    """Say that the question which a response waits for is over, whoever answered it and by which way."""
    still_open = sa.exists().where(
        approvals.c.subject == Subject.RESPONSE.value,
        approvals.c.subject_id == responses.c.id,
        approvals.c.state == Answered.OPEN.value,
    )
    return sa.and_(responses.c.state == State.AWAITING_APPROVAL.value, ~still_open)


def _to_be_undone(_now: datetime) -> sa.ColumnElement[bool]:
    return responses.c.undo_requested_at.is_not(None)


CLAIMS: Final = Claims(
    responses, "response", Response.of, over=lambda found: found.over, first=_to_be_undone, early=_answered
)
mine: Final = CLAIMS.mine
current_claim: Final = CLAIMS.current
claim_due: Final = CLAIMS.claim_due
next_due: Final = CLAIMS.next_due
free_leases: Final = CLAIMS.free_leases
note: Final = CLAIMS.note
rest: Final = CLAIMS.rest


def move(
    tx: Transaction,
    response: Response,
    after: State,
    detail: str,
    *,
    facts: Mapping[str, Any] | None = None,
    **columns: Any,
) -> Response:
    """Move a claimed response to another state, with its event; raise LeaseLost if another driver has it now."""
    demand_legal(response.state, after)
    moved = CLAIMS.move(tx, response, after, detail, over=is_over(response.kind, after), **columns)
    events.write(tx, response, response.state, after, storable(detail), facts)
    tx.changed(response.organization_id, "response", response.id, after)
    return moved
