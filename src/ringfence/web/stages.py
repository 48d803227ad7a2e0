"""A containment as four stages: requested, pending, contained, released; each with the moments that prove it. Pure."""

from dataclasses import dataclass
from datetime import datetime

from ringfence.containment.board import Row
from ringfence.containment.model import State

_S = State
_STOPPED_EARLY = frozenset({_S.DENIED, _S.NOT_NEEDED, _S.REJECTED, _S.EXPIRED})
_DECIDED = {
    _S.DENIED: "Denied by policy",
    _S.AWAITING_APPROVAL: "People asked",
    _S.REJECTED: "People asked",
    _S.EXPIRED: "People asked",
}
_STOPPED = frozenset({_S.FAILED, _S.TIMED_OUT, _S.CANCELLED, _S.WITHDRAWN})


@dataclass(frozen=True, slots=True)
class Moment:
    """A point on the way; `at` is None while it has not come."""

    word: str
    tone: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage. `state` is done, now, stopped or ahead."""

    word: str
    state: str
    tone: str
    icon: str
    moments: tuple[Moment, ...]


def stages(row: Row) -> tuple[Stage, ...]:
    """Return the stages of a containment as they stand."""
    reached = _reached(row)
    stopped = row.state in _STOPPED or row.state in _STOPPED_EARLY
    made = (
        ("Requested", "quiet", "circle-dashed", _requested(row)),
        ("Pending", "moving", "hourglass", _pending(row)),
        ("Contained", "held", "shield-check", (Moment("Confirmed by Defender", "held", row.confirmed_at),)),
        ("Released", "done", "lock-open", _released(row)),
    )
    shown = []
    for index, (word, tone, icon, moments) in enumerate(made):
        if index < reached or (index == 3 and row.released_at is not None):
            state = "done"
        elif index == reached:
            state = "stopped" if stopped or row.state is _S.RELEASE_FAILED else "now"
        else:
            state = "ahead"
        if state == "stopped":
            tone, icon = ("done", "circle-slash") if row.state is _S.NOT_NEEDED else ("bad", "circle-x")
        shown.append(Stage(word, state, tone, icon, moments))
    return tuple(shown)


def _reached(row: Row) -> int:
    if row.state in (_S.RELEASED, _S.RELEASING, _S.RELEASE_FAILED, _S.SUPERSEDED):
        return 3
    if row.confirmed_at is not None:
        return 2
    return 1 if row.submitted_at is not None or row.state is _S.SUBMITTING else 0


def _requested(row: Row) -> tuple[Moment, ...]:
    decided = _DECIDED.get(row.state, "Decided")
    return (Moment("Requested", "quiet", row.requested_at), Moment(decided, "info", row.decided_at))


def _pending(row: Row) -> tuple[Moment, ...]:
    return (Moment("Submitted", "info", row.submitted_at), Moment("Accepted by Defender", "accepted", row.accepted_at))


def _released(row: Row) -> tuple[Moment, ...]:
    if row.state is _S.SUPERSEDED:
        return (Moment("Released outside Ringfence", "warn", row.finished_at),)
    return (
        Moment("Release requested", "quiet", row.release_requested_at),
        Moment("Release submitted", "info", row.release_submitted_at),
        Moment("Confirmed by Defender", "done", row.released_at),
    )
