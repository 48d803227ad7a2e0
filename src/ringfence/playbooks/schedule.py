"""From a plan and what happened so far to what is to be done next, and to how the run ended. All of it is pure.

Edges. `after: s` and `after: s.outcome` are edges to this step; so is `on_error: t` in s, from s to t.
An edge is open until s is final, then either taken or dead:

    after: s.yes       taken if s succeeded with the outcome yes
    after: s           taken if s succeeded with the outcome success; where the action of s does not declare success
                       (logic.condition has yes and no), taken whatever the outcome
    after: s.error     taken if s failed
    on_error: t in s   taken if s failed

A skipped step makes every edge from it dead.

Steps. A step without `after` is a root and runs at once, unless it is only there as somebody's `on_error`.
join all: runs when all `after` edges are taken, is skipped as soon as one is dead.
join any: runs when the first is taken, is skipped when all are dead.
An `on_error` edge is an additional way in: one that is taken runs the step whatever `after` says, and while one is
open the step is not skipped. `if` is for the runtime: it evaluates it when the step's turn has come and, where it does
not hold, marks the step skipped. Skipping is a normal end. Which steps run depends only on the outcomes, never on the
order in which they arrive.

Runs. A failed step is handled if a step that follows by its error edge was not skipped. A run has failed if a step
failed and is not handled; it goes on with its other branches first.

Stopping. A step that ends in one of the outcomes STOPS ends the run as that outcome says: steps at work come to their end,
all others are skipped, and no failure of another step counts any more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from ringfence.playbooks.model import ERROR, SUCCESS
from ringfence.playbooks.plan import ANY, OVER, REACHED, Edge, Plan, PlanStep

STOPS: Final[Mapping[str, Literal["succeeded", "failed", "cancelled"]]] = {
    "stopped_succeeded": "succeeded",
    "stopped_failed": "failed",
    "stopped_cancelled": "cancelled",
}
"""Outcomes that end the whole run, and how: no further step of it begins."""


class StepStatus(StrEnum):
    """Where a step of a run stands.

    pending: its turn has not come. ready: it has, and it was not started. started: at work. waiting: parked until a
    time or a change, or between two attempts. succeeded, failed, skipped: final. cancelled: final, it had begun when its
    run was cancelled, and what it asked for may go on by itself.
    """

    PENDING = "pending"
    READY = "ready"
    STARTED = "started"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Tell whether the step is over."""
        return self in _FINAL


_FINAL = frozenset({StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.SKIPPED, StepStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class StepState:
    """The status of a step and, once it succeeded, its outcome."""

    status: StepStatus
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done now: steps to start (pending ones whose turn has come, and ready ones), steps to mark skipped.

    `finished` says that, once those are marked, every step is final.
    """

    run: tuple[str, ...]
    skip: tuple[str, ...]
    finished: bool


RunEnd: TypeAlias = Literal["succeeded", "partly_failed", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a finished run ended: `failed` are the failures that nothing handled, `handled` those that something did.

    A run whose failures were all handled is partly_failed: what was asked for did not happen altogether.
    `stopped` is the step that ended the run before its time.
    """

    status: RunEnd
    failed: tuple[str, ...] = ()
    handled: tuple[str, ...] = ()
    stopped: str | None = None


def ready(plan: Plan, states: Mapping[str, StepState]) -> Decision:
    """Say what to do next; a step that `states` does not name is pending."""
    if stopped(plan, states) is not None:
        return winding_up(plan, states)
    run: list[str] = []
    skip: list[str] = []
    known = dict(states)
    finished = True
    for step in plan.steps:
        status = known[step.name].status if step.name in known else StepStatus.PENDING
        if status is StepStatus.PENDING:
            fate = _fate(step, known)
            if fate is False:
                skip.append(step.name)
                known[step.name] = _SKIPPED
                continue
            if fate:
                run.append(step.name)
        elif status is StepStatus.READY:
            run.append(step.name)
        if not status.final:
            finished = False
    return Decision(tuple(run), tuple(skip), finished)


def stopped(plan: Plan, states: Mapping[str, StepState]) -> str | None:
    """Name the step that ended the run, the first in the plan's order where several did."""
    ended = (name for name, state in states.items() if state.outcome in STOPS and state.status is StepStatus.SUCCEEDED)
    found = set(ended)
    return next((step.name for step in plan.steps if step.name in found), None) if found else None


def winding_up(plan: Plan, states: Mapping[str, StepState]) -> Decision:
    """Let what had begun come to its end, also after a crash, and skip the rest."""
    now = {step.name: states[step.name].status if step.name in states else StepStatus.PENDING for step in plan.steps}
    again = tuple(name for name, status in now.items() if status is StepStatus.READY)
    skip = tuple(name for name, status in now.items() if status in (StepStatus.PENDING, StepStatus.WAITING))
    return Decision(again, skip, finished=not again and StepStatus.STARTED not in now.values())


def run_status(plan: Plan, states: Mapping[str, StepState]) -> Verdict:
    """Say how a finished run ended."""
    ended_by = stopped(plan, states)
    if ended_by is not None:
        return Verdict(STOPS[states[ended_by].outcome or ""], stopped=ended_by)
    failed: list[str] = []
    handled: list[str] = []
    for step in plan.steps:
        if states[step.name].status is StepStatus.FAILED:
            rescued = any(states[name].status is not StepStatus.SKIPPED for name in plan.rescuers[step.name])
            (handled if rescued else failed).append(step.name)
    status: RunEnd = "failed" if failed else "partly_failed" if handled else "succeeded"
    return Verdict(status, tuple(failed), tuple(handled))


_SKIPPED = StepState(StepStatus.SKIPPED)


def _fate(step: PlanStep, states: Mapping[str, StepState]) -> bool | None:
    """True to run, False to skip, None to go on waiting."""
    regular = _joined(step.join, (_taken(edge, states) for edge in step.after)) if step.after else not step.rescues
    if not step.rescues:
        return regular
    return _joined("any", (regular, *(_taken(edge, states) for edge in step.rescues)))


def _joined(join: Literal["all", "any"], edges: Iterable[bool | None]) -> bool | None:
    found = set(edges)
    decisive = join == "any"
    if decisive in found:
        return decisive
    return None if None in found else not decisive


def _taken(edge: Edge, states: Mapping[str, StepState]) -> bool | None:
    state = states.get(edge.step)
    if state is None or not state.status.final:
        return None
    if edge.outcome in (OVER, REACHED):
        return edge.outcome == OVER or state.status is not StepStatus.SKIPPED
    if state.status is StepStatus.SUCCEEDED:
        return edge.outcome in (ANY, state.outcome or SUCCESS)
    return state.status is StepStatus.FAILED and edge.outcome == ERROR
