"""Follow a containment by its rows until it is where somebody wants it, or cannot come there any more."""

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ringfence import clock
from ringfence.cli.invocation import Invocation
from ringfence.containment import board, service
from ringfence.containment.board import Detail, Event
from ringfence.containment.model import FINAL, State
from ringfence.errors import Conflict

if TYPE_CHECKING:
    from ringfence.app import App

INTERVAL: Final = 0.5
"""Seconds between two looks: people do not see the difference, and a look is one short read."""

_ELSEWHERE: Final = FINAL | {State.RELEASING, State.RELEASE_FAILED}


class Goal(StrEnum):
    """Where somebody wants a containment to be."""

    CONTAINED = "contained"
    RELEASED = "released"

    def reached(self, state: State) -> bool:
        """Tell whether it is there. A release that failed is tried again by the worker, and is not the end."""
        if self is Goal.CONTAINED:
            return state in (State.CONTAINED, State.NOT_NEEDED)
        return state in FINAL

    def missed(self, state: State) -> bool:
        """Tell whether it cannot come there any more."""
        return self is Goal.CONTAINED and state in _ELSEWHERE and not self.reached(state)


class Missed(Conflict):
    """The containment ended elsewhere."""

    code = "not_contained"


class StillUnderWay(Conflict):
    """The time that somebody wanted to wait is over."""

    code = "still_under_way"


def follow(
    called: Invocation,
    app: "App",
    containment_id: str,
    goal: Goal,
    *,
    longest: float | None,
    each: Callable[[Event], None],
) -> Detail:
    """Return when the goal is reached, giving `each` the events on the way; raise Missed, or StillUnderWay, if it is not.

    `longest` is in seconds. Where the host was held already, it is the holding containment that is followed.
    """
    organization = called.organization(app)
    began = clock.timestamp()
    told: dict[str, int] = {}
    while True:
        found = app.database.read_now(lambda tx: board.get(tx, organization.id, service.current(tx, containment_id).id))
        for event in found.events[told.get(found.row.id, 0) :]:
            each(event)
        told[found.row.id] = len(found.events)
        if goal.reached(found.row.state):
            return found
        if goal.missed(found.row.state):
            raise Missed(
                f"{found.row.name} is not contained: the containment is {found.row.state}. {_why(found)}".rstrip(),
                advice=f"See the proof: `ringfence containment show {found.row.id}`.",
            )
        if longest is not None and clock.timestamp() - began >= longest:
            raise StillUnderWay(
                f"{found.row.name} is not {goal} yet: the containment is {found.row.state}. {_why(found)}".rstrip(),
                advice=f"It goes on without you, if a worker runs: `ringfence containment show {found.row.id}`.",
            )
        called.outside.pause(INTERVAL)


def _why(found: Detail) -> str:
    reasons = found.verdict.reasons if found.verdict is not None and not found.verdict.allowed else ()
    return " ".join(reasons) or found.row.detail
