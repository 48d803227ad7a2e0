"""From a playbook to a plan, and from a plan and what happened so far to what is to be done next. All of it is pure.

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
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from ringfence.errors import Invalid
from ringfence.playbooks.expressions import render_inputs
from ringfence.playbooks.graph import follows, ordered, predecessors
from ringfence.playbooks.model import (
    ERROR,
    SUCCESS,
    ActionInfo,
    Catalogue,
    Effect,
    Json,
    LogLevel,
    ParameterKind,
    Playbook,
    Step,
)

ANY = "*"
"""The outcome of an edge that is taken however its step succeeded."""


class StepStatus(StrEnum):
    """Where a step of a run stands.

    pending: its turn has not come. ready: it has, and it was not started. started: at work. waiting: parked until a
    time or a change, or between two attempts. succeeded, failed, skipped: final.
    """

    PENDING = "pending"
    READY = "ready"
    STARTED = "started"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"

    @property
    def final(self) -> bool:
        """Tell whether the step is over."""
        return self in _FINAL


_FINAL = frozenset({StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.SKIPPED})


@dataclass(frozen=True, slots=True)
class StepState:
    """The status of a step and, once it succeeded, its outcome."""

    status: StepStatus
    outcome: str | None = None


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Edge(_Frozen):
    """A way into a step: from `step`, if it ends with `outcome` (a name, `error`, or `*` for however it succeeded)."""

    step: str
    outcome: str


class PlanRetry(_Frozen):
    """How often a step is tried in all, and the first pause in seconds; each further pause is twice as long."""

    attempts: int
    backoff: float

    def pause(self, attempt: int) -> float | None:
        """Give the seconds to wait after the attempt of this number (from 1) failed, None if it was the last."""
        return self.backoff * 2.0 ** (attempt - 1) if attempt < self.attempts else None


class PlanStep(_Frozen):
    """A step as the runtime needs it. `values` are the inputs as written; those named in `raw` are never rendered."""

    name: str
    action: str
    effect: Effect
    values: dict[str, Any]
    raw: tuple[str, ...] = ()
    after: tuple[Edge, ...] = ()
    rescues: tuple[Edge, ...] = ()
    join: Literal["all", "any"] = "all"
    condition: str | None = None
    retry: PlanRetry = PlanRetry(attempts=1, backoff=0.0)
    timeout: float | None = None
    on_error: str | None = None

    def inputs(self, document: object) -> dict[str, Json]:
        """Give the inputs over a run document, `${…}` replaced; ExpressionError if one cannot be evaluated."""
        return render_inputs(self.values, self.raw, document)


class Plan(_Frozen):
    """What a version of a playbook does, with steps in an order in which each comes after all that lead to it.

    `model_dump(mode="json")` and `model_validate` carry a plan through a row of the database.
    """

    name: str
    log_level: LogLevel = "info"
    steps: tuple[PlanStep, ...]

    @cached_property
    def by_name(self) -> dict[str, PlanStep]:
        """Find steps by name."""
        return {step.name: step for step in self.steps}

    @cached_property
    def rescuers(self) -> dict[str, tuple[str, ...]]:
        """Give, for each step, the steps that follow it by an error edge."""
        found: dict[str, list[str]] = {step.name: [] for step in self.steps}
        for step in self.steps:
            for edge in (*step.after, *step.rescues):
                if edge.outcome == ERROR and step.name not in found[edge.step]:
                    found[edge.step].append(step.name)
        return {name: tuple(names) for name, names in found.items()}


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done now: steps to start (pending ones whose turn has come, and ready ones), steps to mark skipped.

    `finished` says that, once those are marked, every step is final.
    """

    run: tuple[str, ...]
    skip: tuple[str, ...]
    finished: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a finished run ended: `failed` are the failures that nothing handled, `handled` those that something did."""

    status: Literal["succeeded", "failed"]
    failed: tuple[str, ...] = ()
    handled: tuple[str, ...] = ()


def compile_playbook(playbook: Playbook, catalogue: Catalogue) -> Plan:
    """Make the plan of a playbook that passed its checks; Invalid if one of its steps cannot be planned."""
    order = ordered(predecessors(playbook))
    actions = {name: _action(name, step, catalogue) for name, step in playbook.steps.items()}
    if len(order) < len(playbook.steps):
        stuck = ", ".join(name for name in playbook.steps if name not in order)
        raise Invalid(f"These steps wait for each other: {stuck}.", advice="Run `ringfence playbook check`.")
    steps = tuple(_plan_step(name, playbook, actions) for name in order)
    return Plan(name=playbook.name, log_level=playbook.log_level, steps=steps)


def ready(plan: Plan, states: Mapping[str, StepState]) -> Decision:
    """Say what to do next; a step that `states` does not name is pending."""
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


def run_status(plan: Plan, states: Mapping[str, StepState]) -> Verdict:
    """Say how a finished run ended."""
    failed: list[str] = []
    handled: list[str] = []
    for step in plan.steps:
        if states[step.name].status is StepStatus.FAILED:
            rescued = any(states[name].status is not StepStatus.SKIPPED for name in plan.rescuers[step.name])
            (handled if rescued else failed).append(step.name)
    return Verdict("failed" if failed else "succeeded", tuple(failed), tuple(handled))


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
    if state.status is StepStatus.SUCCEEDED:
        return edge.outcome in (ANY, state.outcome or SUCCESS)
    return state.status is StepStatus.FAILED and edge.outcome == ERROR


def _action(name: str, step: Step, catalogue: Catalogue) -> ActionInfo:
    found = catalogue.find(step.action)
    if found is None:
        raise Invalid(f"Step {name} uses the action {step.action}, which does not exist.", advice=_CHECK)
    return found


_CHECK = "Run `ringfence playbook check` on the playbook."


def _plan_step(name: str, playbook: Playbook, actions: Mapping[str, ActionInfo]) -> PlanStep:
    step, action = playbook.steps[name], actions[name]
    after: list[Edge] = []
    for follow in follows(playbook, name):
        if follow.step not in actions:
            raise Invalid(f"Step {name} comes after {follow.step}, which does not exist.", advice=_CHECK)
        usual = SUCCESS if SUCCESS in actions[follow.step].outcomes else ANY
        after.append(Edge(step=follow.step, outcome=follow.outcome or usual))
    rescued = (other for other, candidate in playbook.steps.items() if candidate.on_error == name)
    kinds = ((parameter, info.kind) for parameter, info in action.parameters.items())
    retry = step.retry
    return PlanStep(
        name=name,
        action=step.action,
        effect=action.effect,
        values=step.with_,
        raw=tuple(parameter for parameter, kind in kinds if kind is not ParameterKind.VALUE),
        after=tuple(after),
        rescues=tuple(Edge(step=other, outcome=ERROR) for other in rescued),
        join=step.join,
        condition=step.if_,
        retry=PlanRetry(attempts=retry.attempts, backoff=retry.backoff.seconds) if retry else _ONCE,
        timeout=step.timeout.seconds if step.timeout else None,
        on_error=step.on_error,
    )


_ONCE = PlanRetry(attempts=1, backoff=0.0)
