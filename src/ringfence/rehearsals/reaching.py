"""Whether a run would come to a step, given only the alert: what is not known beforehand is taken for what leads there.

A step that reads, asks people or acts ends as it must for the step to be reached, and each such guess is told, as is each
condition that looks at something which only a run would know.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from ringfence.actions import Json
from ringfence.playbooks.components import ENTRY
from ringfence.playbooks.model import ERROR, Effect
from ringfence.playbooks.plan import ANY, Plan, PlanStep
from ringfence.rehearsals.performing import Ended, Turn, carry_out, pinned
from ringfence.rehearsals.piece import Piece, looked_at_by
from ringfence.rehearsals.report import How
from ringfence.rehearsals.walk import walk
from ringfence.runs.model import Run

CONTAIN = "containment.contain"


@dataclass(frozen=True, slots=True)
class Reached:
    """A containment that a run would come to: by which step, when, with which inputs, and if what.

    `machine` is None where only a run would know the host.
    """

    step: str
    at: datetime
    machine: str | None
    inputs: Mapping[str, Json]
    conditions: tuple[str, ...]


class _Enough(Exception):
    pass


class _Guide:
    """Ends steps so that the walk comes to its goal, if it can."""

    def __init__(self, piece: Piece, goal: str) -> None:
        self._piece = piece
        self._goal = goal
        self._ways = _ways(piece.plan, goal)
        self._conditions: dict[str, None] = {}
        self.reached: list[Reached] = []

    async def perform(self, turn: Turn) -> Ended:
        name = turn.planned.name
        # A loop comes here only where its list is not known.
        if name == self._goal or (turn.planned.loop is not None and self._goal in _names(turn.planned.loop.body)):
            self.reached.append(self._reached(turn))
            if not turn.scene.step.iteration:
                raise _Enough
            return Ended(How.DESCRIBED, turn.action.outcomes[0])
        mock = self._piece.mocks.get(name)
        if mock is not None:
            return await pinned(turn, mock)
        if turn.action.effect is Effect.PURE and not turn.unsure:
            return await carry_out(turn, How.COMPUTED)
        way = self._ways.get(name)
        if way == ERROR:
            self._conditions[f"{name} fails"] = None
            return Ended(How.DESCRIBED, error="It is taken for failed.")
        outcome = way if way not in (None, ANY) else turn.action.outcomes[0]
        if way not in (None, ANY) and len(turn.action.outcomes) > 1:
            self._conditions[f"{name} is {outcome}"] = None
        return Ended(How.DESCRIBED, outcome or turn.action.outcomes[0])

    def _reached(self, turn: Turn) -> Reached:
        unknown = set(turn.unsure) & looked_at_by(turn.planned, "machine")
        machine = turn.inputs.get("machine")
        known = isinstance(machine, str) and machine and not unknown
        conditions = [*self._conditions, *(f"the condition of {each} holds" for each in turn.scene.trusted)]
        return Reached(
            self._goal,
            turn.scene.moment,
            str(machine) if known else None,
            turn.inputs,
            tuple(dict.fromkeys(conditions)),
        )


def containing(plan: Plan) -> tuple[str, ...]:
    """Name the steps that cut a host off."""
    return tuple(step.name for step in plan.every if step.action == CONTAIN)


async def reach(piece: Piece, run: Run, goal: str) -> list[Reached]:
    """Walk towards a step; empty if this run would not come to it, whatever the unknown turns out to be.

    A step in a loop may be come to once for each item.
    """
    guide = _Guide(piece, goal)
    with suppress(_Enough):
        await walk(piece, run, guide, trusting=True)
    return guide.reached


def _names(plan: Plan) -> set[str]:
    return {step.name for step in plan.every}


def _ways(plan: Plan, goal: str) -> dict[str, str]:
    """Return, for each step that leads to the goal, the outcome by which it does; of several the one closest to the goal."""
    steps: dict[str, PlanStep] = {step.name: step for step in plan.every}
    # Into a call that may be tried again one comes by what leads to the call.
    steps |= {f"{step.name}/{ENTRY}": step for step in plan.at.values() if step.tries is not None}
    found: dict[str, str] = {}
    todo, seen = [goal], {goal}
    while todo:
        step_of = steps.get(todo.pop(0))
        for edge in (*step_of.after, *step_of.rescues) if step_of is not None else ():
            found.setdefault(edge.step, edge.outcome)
            if edge.step not in seen:
                seen.add(edge.step)
                todo.append(edge.step)
    return found
