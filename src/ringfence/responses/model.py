"""What a response is, which states it can have, and which moves are legal.

    requested ─▶ denied | not_needed | approved | awaiting_approval
    awaiting_approval ─▶ approved | rejected | expired    back to requested where the facts have changed: asked anew
    approved  ─▶ submitting ─▶ pending ─▶ done         back to approved where Defender surely did not take it
    approved  ─▶ denied | not_needed                   what was decided long ago is decided again before it is sent
    pending   ─▶ failed | timed_out | cancelled | withdrawn
    done      ─▶ undoing ─▶ undone | undo_failed ─▶ undoing
    done      ─▶ undone | superseded                   its time is over, or somebody outside took it back

`submitting` is written before the request leaves and `pending` after Defender accepted it; nothing is called done before its
machine action reached Succeeded, or Defender listed the indicator. What cannot be undone ends with `done`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping

from ringfence.errors import Conflict
from ringfence.responses.kinds import TRAITS, Kind, Traits


class State(StrEnum):
    """Where a response stands."""

    REQUESTED = "requested"
    DENIED = "denied"
    NOT_NEEDED = "not_needed"
    AWAITING_APPROVAL = "awaiting_approval"
    REJECTED = "rejected"
    EXPIRED = "expired"
    APPROVED = "approved"
    SUBMITTING = "submitting"
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"
    UNDOING = "undoing"
    UNDO_FAILED = "undo_failed"
    UNDONE = "undone"
    SUPERSEDED = "superseded"


_S = State
TRANSITIONS: dict[State, frozenset[State]] = {
    _S.REQUESTED: frozenset(
        {_S.DENIED, _S.NOT_NEEDED, _S.AWAITING_APPROVAL, _S.APPROVED, _S.FAILED, _S.CANCELLED, _S.WITHDRAWN}
    ),
    _S.AWAITING_APPROVAL: frozenset(
        {_S.REQUESTED, _S.APPROVED, _S.REJECTED, _S.EXPIRED, _S.DENIED, _S.FAILED, _S.CANCELLED, _S.WITHDRAWN}
    ),
    _S.APPROVED: frozenset(
        {_S.SUBMITTING, _S.PENDING, _S.DONE, _S.NOT_NEEDED, _S.DENIED, _S.FAILED, _S.CANCELLED, _S.WITHDRAWN}
    ),
    _S.SUBMITTING: frozenset({_S.PENDING, _S.DONE, _S.APPROVED, _S.FAILED}),
    _S.PENDING: frozenset({_S.DONE, _S.FAILED, _S.TIMED_OUT, _S.CANCELLED, _S.WITHDRAWN}),
    _S.DONE: frozenset({_S.UNDOING, _S.UNDONE, _S.SUPERSEDED}),
    _S.UNDOING: frozenset({_S.UNDONE, _S.UNDO_FAILED, _S.SUPERSEDED}),
    _S.UNDO_FAILED: frozenset({_S.UNDOING}),
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
            _S.UNDONE,
            _S.SUPERSEDED,
        )
    },
}
FINAL = frozenset(state for state, targets in TRANSITIONS.items() if not targets)
BEFORE_SENDING = (State.REQUESTED, State.AWAITING_APPROVAL, State.APPROVED)
IN_EFFECT = frozenset({State.DONE, State.UNDOING, State.UNDO_FAILED})
REFUSED = frozenset({State.DENIED, State.REJECTED, State.EXPIRED})


class IllegalMove(Conflict):
    """A response cannot go from this state to that one."""

    code = "illegal_move"


def demand_legal(before: State, after: State) -> None:
    """Raise IllegalMove unless the table allows the move."""
    if after not in TRANSITIONS[before]:
        raise IllegalMove(
            f"A response that is {before} cannot become {after}.", advice="Look at its history and try again."
        )


def is_over(kind: Kind, state: State) -> bool:
    """Say whether nothing more will happen: what cannot be undone is over when it is done."""
    return state in FINAL or (state is State.DONE and not TRAITS[kind].undoable)


@dataclass(frozen=True, slots=True)
class Response:
    """One row of `responses`; see storage/tables/responses.py for what the columns mean."""

    id: str
    organization_id: str
    account_id: str
    request_key: str
    kind: Kind
    live_key: str | None
    joined_id: str | None
    target: str
    machine_id: str | None
    machine_name: str | None
    device_group: str | None
    parameters: dict[str, Any]
    weight: int
    reason: str
    requested_by: str
    run_id: str | None
    alert_id: str | None
    state: State
    detail: str
    verdict: dict[str, Any] | None
    action_id: str | None
    undo_action_id: str | None
    made: Any
    undo_after: float | None
    deadline_at: datetime
    requested_at: datetime
    decided_at: datetime | None
    submitted_at: datetime | None
    accepted_at: datetime | None
    done_at: datetime | None
    ends_at: datetime | None
    let_go_at: datetime | None
    undo_requested_at: datetime | None
    undo_submitted_at: datetime | None
    undone_at: datetime | None
    finished_at: datetime | None
    fence: int
    lease_owner: str | None
    lease_until: datetime | None
    next_at: datetime | None
    attempts: int

    @classmethod
    def of(cls, row: RowMapping) -> "Response":
        """Read a row."""
        return cls(**{**row, "kind": Kind(row["kind"]), "state": State(row["state"])})

    @property
    def traits(self) -> Traits:
        """What is known of its kind."""
        return TRAITS[self.kind]

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return is_over(self.kind, self.state)

    @property
    def by_person(self) -> bool:
        """Whether a person asked for it, and not a playbook."""
        return self.run_id is None

    @property
    def key(self) -> str:
        """The ExternalId that our request carries."""
        return f"ringfence:{self.id}:do"

    @property
    def undo_key(self) -> str:
        """The ExternalId that our request to undo carries; a new one after each that Defender failed."""
        return f"ringfence:{self.id}:undo:{self.attempts}"

    @property
    def host(self) -> str:
        """The host as people call it."""
        return self.machine_name or self.target

    @property
    def what(self) -> str:
        """What exactly is done, in a few words: the file, the kind of scan, the values."""
        match self.kind:
            case Kind.QUARANTINE:
                return str(self.parameters.get("sha1", ""))
            case Kind.SCAN:
                return str(self.parameters.get("scan", "")).lower()
            case Kind.INDICATORS:
                return described(self.parameters.get("indicators", []))
            case _:
                return ""


def described(indicators: list[dict[str, Any]]) -> str:
    """Say in a few words what indicators do to which values."""
    actions = dict.fromkeys(_VERBS.get(each["action"], each["action"]) for each in indicators)
    values = [str(each["indicator_value"])[:100] for each in indicators[:3]]
    more = f" and {len(indicators) - 3} more" if len(indicators) > 3 else ""
    return f"{' or '.join(actions)} {', '.join(values)}{more}"


_VERBS = {
    "Block": "block",
    "AlertAndBlock": "block",
    "BlockAndRemediate": "block and remediate",
    "Warn": "warn of",
    "Audit": "watch for",
    "Alert": "watch for",
    "Allowed": "allow",
}
