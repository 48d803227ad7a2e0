"""What a containment is, which states it can have, and which moves are legal.

    requested ─▶ denied | not_needed | approved | awaiting_approval
    awaiting_approval ─▶ approved | rejected | expired    back to requested where the facts have changed: asked anew
    approved  ─▶ submitting ─▶ pending ─▶ contained    back to approved where Defender surely did not take it
    approved  ─▶ denied | not_needed                   what was decided long ago is decided again before it is sent
    pending   ─▶ failed | timed_out | cancelled | withdrawn
    contained ─▶ releasing ─▶ released | release_failed ─▶ releasing
    contained ─▶ superseded

`submitting` is written before the request leaves and `pending` after Defender accepted it; nothing is called contained
before its machine action reached Succeeded.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping

from ringfence.errors import Conflict


class State(StrEnum):
    """Where a containment stands."""

    REQUESTED = "requested"
    DENIED = "denied"
    NOT_NEEDED = "not_needed"
    AWAITING_APPROVAL = "awaiting_approval"
    REJECTED = "rejected"
    EXPIRED = "expired"
    APPROVED = "approved"
    SUBMITTING = "submitting"
    PENDING = "pending"
    CONTAINED = "contained"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"
    RELEASING = "releasing"
    RELEASED = "released"
    RELEASE_FAILED = "release_failed"
    SUPERSEDED = "superseded"


_S = State
TRANSITIONS: dict[State, frozenset[State]] = {
    _S.REQUESTED: frozenset(
        {_S.DENIED, _S.NOT_NEEDED, _S.AWAITING_APPROVAL, _S.APPROVED, _S.FAILED, _S.CANCELLED, _S.WITHDRAWN}
    ),
    _S.AWAITING_APPROVAL: frozenset(
        {_S.REQUESTED, _S.APPROVED, _S.REJECTED, _S.EXPIRED, _S.DENIED, _S.FAILED, _S.CANCELLED, _S.WITHDRAWN}
    ),
    # Straight to pending: what seemed never to have reached Defender has shown up after all.
    _S.APPROVED: frozenset(
        {_S.SUBMITTING, _S.PENDING, _S.NOT_NEEDED, _S.DENIED, _S.FAILED, _S.CANCELLED, _S.WITHDRAWN}
    ),
    _S.SUBMITTING: frozenset({_S.PENDING, _S.APPROVED, _S.FAILED}),
    _S.PENDING: frozenset({_S.CONTAINED, _S.FAILED, _S.TIMED_OUT, _S.CANCELLED, _S.WITHDRAWN}),
    _S.CONTAINED: frozenset({_S.RELEASING, _S.SUPERSEDED}),
    _S.RELEASING: frozenset({_S.RELEASED, _S.RELEASE_FAILED, _S.SUPERSEDED}),
    _S.RELEASE_FAILED: frozenset({_S.RELEASING}),
    **{
        final: frozenset()
        for final in (
            _S.DENIED,
            _S.NOT_NEEDED,
            _S.REJECTED,
            _S.EXPIRED,
            _S.FAILED,
            _S.TIMED_OUT,
            _S.CANCELLED,
            _S.WITHDRAWN,
            _S.RELEASED,
            _S.SUPERSEDED,
        )
    },
}
FINAL = frozenset(state for state, targets in TRANSITIONS.items() if not targets)
HELD = frozenset({State.CONTAINED, State.RELEASING, State.RELEASE_FAILED})


class IllegalMove(Conflict):
    """A containment cannot go from this state to that one."""

    code = "illegal_move"


def demand_legal(before: State, after: State) -> None:
    """Raise IllegalMove unless the table allows the move."""
    if after not in TRANSITIONS[before]:
        raise IllegalMove(
            f"A containment that is {before} cannot become {after}.", advice="Look at its history and try again."
        )


@dataclass(frozen=True, slots=True)
class Containment:
    """One row of `containments`; see storage/tables/containments.py for what the columns mean."""

    id: str
    organization_id: str
    account_id: str
    request_key: str
    live_key: str | None
    joined_id: str | None
    target: str
    machine_id: str | None
    machine_name: str | None
    device_group: str | None
    isolation_type: str
    reason: str
    requested_by: str
    run_id: str | None
    alert_id: str | None
    state: State
    detail: str
    verdict: dict[str, Any] | None
    isolate_action_id: str | None
    release_action_id: str | None
    auto_release_after: float | None
    forced: bool
    deadline_at: datetime
    auto_release_at: datetime | None
    warned_at: datetime | None
    requested_at: datetime
    decided_at: datetime | None
    submitted_at: datetime | None
    accepted_at: datetime | None
    confirmed_at: datetime | None
    release_requested_at: datetime | None
    release_submitted_at: datetime | None
    released_at: datetime | None
    finished_at: datetime | None
    fence: int
    lease_owner: str | None
    lease_until: datetime | None
    next_at: datetime | None
    attempts: int

    @classmethod
    def of(cls, row: RowMapping) -> "Containment":
        """Read a row."""
        return cls(**{**row, "state": State(row["state"])})

    @property
    def final(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in FINAL

    @property
    def isolate_key(self) -> str:
        """The ExternalId that our isolate request carries."""
        return f"ringfence:{self.id}:isolate"

    @property
    def release_key(self) -> str:
        """The ExternalId that our unisolate request carries; a new one after each that Defender failed."""
        return f"ringfence:{self.id}:release:{self.attempts}"
