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

Loops. A step with `for_each` stands in the plan once; it has succeeded with the outcome `done`, or failed because an item
did, when every item is over. What is done for one item is a plan of its own (PlanLoop.body): the step's own action, and the
steps that follow it item by item. `after: s` and `after: s.done` follow the loop as a whole.

Stopping. A step that ends in one of the outcomes STOPS ends the run as that outcome says: steps at work come to their end,
all others are skipped, and no failure of another step counts any more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from typing import Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from ringfence.errors import Invalid
from ringfence.playbooks.expressions import render_inputs
from ringfence.playbooks.graph import EACH, Follow, bodies, follows, ordered, predecessors
from ringfence.playbooks.interface import Input, Output
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
    Retry,
    Step,
)

LONGEST_PAUSE: Final = 86_400.0
"""Seconds that a pause between two attempts has at most."""

ANY = "*"
"""The outcome of an edge that is taken however its step succeeded."""

REACHED: Final = "*reached"
"""The outcome of an edge that is taken unless its step was skipped."""

OVER: Final = "*over"
"""The outcome of an edge that is taken as soon as its step is over, however it ended, and whether or not it ran."""

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


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Edge(_Frozen):
    """A way into a step: from `step`, if it ends with `outcome` (a name, `error`, or `*` for however it succeeded)."""

    step: str
    outcome: str


class PlanRetry(_Frozen):
    """How often a step is tried in all, and the first pause in seconds; each further pause is twice as long.

    `most` is the longest pause in seconds. `jitter` is the share of a pause that is left out by chance, so that what failed
    together does not come back together. `errors` are the codes of errors after which to try again; none: after any.
    """

    attempts: int
    backoff: float
    most: float = LONGEST_PAUSE
    jitter: float = 0.0
    errors: tuple[str, ...] = ()

    def pause(self, attempt: int, *, code: str = "", key: str = "") -> float | None:
        """Give the seconds to wait after the attempt of this number (from 1) failed, None if it was the last.

        Chance is drawn from `key` and the attempt, so that a crash draws it again.
        """
        if attempt >= self.attempts or (self.errors and code.casefold() not in self.errors):
            return None
        pause: float = min(self.backoff * 2.0 ** (attempt - 1), self.most, LONGEST_PAUSE)
        drawn = int.from_bytes(sha256(f"{key}:{attempt}".encode()).digest()[:6]) / 2**48
        return pause * (1.0 - self.jitter * drawn)


class PlanLimits(_Frozen):
    """How many runs may be under way at once, whether one machine has at most one, and what becomes of those too many."""

    concurrent: int | None = None
    one_per_machine: bool = False
    excess: Literal["wait", "drop"] = "wait"


class PlanCall(_Frozen):
    """Where a plan goes into a component, or comes back from it; see `components`.

    `within` is what the names of the component's steps begin with; `steps` are the names of all of them.
    """

    part: Literal["enter", "leave"]
    component: str
    version: str
    within: str
    inputs: dict[str, Input]
    outputs: dict[str, Output]
    steps: tuple[str, ...]


class PlanStep(_Frozen):
    """A step as the runtime needs it. `values` are the inputs as written; those named in `raw` are never rendered.

    `scope` is what the names of the steps begin with that it sees, in a component; empty elsewhere.
    """

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
    loop: "PlanLoop | None" = None
    scope: str = ""
    call: "PlanCall | None" = None

    def inputs(self, document: object) -> dict[str, Json]:
        """Give the inputs over a run document, `${…}` replaced; ExpressionError if one cannot be evaluated."""
        return render_inputs(self.values, self.raw, document)


class PlanLoop(_Frozen):
    """The list of a loop as written, how many of its items are at work side by side, and what is done for each."""

    values: Any
    parallel: int
    body: "Plan"

    def others(self, own: str) -> tuple[PlanStep, ...]:
        """List the steps of the body but the loop's own."""
        return tuple(step for step in self.body.steps if step.name != own)


class Plan(_Frozen):
    """What a version of a playbook does, with steps in an order in which each comes after all that lead to it.

    `model_dump(mode="json")` and `model_validate` carry a plan through a row of the database. `timeout` is how many seconds
    a run may take.
    """

    name: str
    log_level: LogLevel = "info"
    timeout: float | None = None
    limits: PlanLimits | None = None
    steps: tuple[PlanStep, ...]

    @cached_property
    def by_name(self) -> dict[str, PlanStep]:
        """Find steps by name."""
        return {step.name: step for step in self.steps}

    @cached_property
    def every(self) -> tuple[PlanStep, ...]:
        """List all steps, those in the body of a loop behind their loop."""
        return tuple(
            each for step in self.steps for each in (step, *(step.loop.others(step.name) if step.loop else ()))
        )

    @cached_property
    def rescuers(self) -> dict[str, tuple[str, ...]]:
        """Give, for each step, the steps that follow it by an error edge; a call follows all steps of its component."""
        found: dict[str, list[str]] = {step.name: [] for step in self.steps}
        for step in self.steps:
            for edge in (*step.after, *step.rescues):
                if edge.outcome in (ERROR, OVER) and step.name not in found[edge.step]:
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


def compile_playbook(playbook: Playbook, catalogue: Catalogue) -> Plan:
    """Make the plan of a playbook that passed its checks; Invalid if one of its steps cannot be planned."""
    order = ordered(predecessors(playbook))
    inside = bodies(playbook)
    actions = {name: _action(name, step, catalogue) for name, step in playbook.steps.items()}
    if len(order) < len(playbook.steps):
        stuck = ", ".join(name for name in playbook.steps if name not in order)
        raise Invalid(f"These steps wait for each other: {stuck}.", advice="Run `ringfence playbook check`.")
    planned = {name: _plan_step(name, playbook, actions) for name in order}
    named = {"name": playbook.name, "log_level": playbook.log_level}
    for name, step in playbook.steps.items():
        if step.for_each is not None:
            body = tuple(planned[other] for other in order if inside.get(other) == name)
            planned[name] = _loop(step, planned[name], body, named)
    limits = playbook.limits
    return Plan(
        **named,
        timeout=playbook.timeout.seconds if playbook.timeout else None,
        limits=PlanLimits.model_validate(limits.model_dump()) if limits else None,
        steps=tuple(planned[name] for name in order if name not in inside),
    )


def _loop(step: Step, planned: PlanStep, body: tuple[PlanStep, ...], named: Mapping[str, Any]) -> PlanStep:
    """Take what belongs to the loop apart from what belongs to each of its items."""
    of_loop = {"after": (), "rescues": (), "condition": None, "on_error": None, "join": "all"}
    first = planned.model_copy(update=of_loop)
    loop = PlanLoop(values=step.for_each, parallel=step.parallel or 1, body=Plan(**named, steps=(first, *body)))
    return planned.model_copy(update={"loop": loop, "retry": _ONCE, "timeout": None, "effect": Effect.PURE})


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
        after.append(Edge(step=follow.step, outcome=_outcome(playbook, follow, actions[follow.step])))
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
        retry=_retry(retry) if retry else _ONCE,
        timeout=step.timeout.seconds if step.timeout else None,
        on_error=step.on_error,
    )


def _retry(retry: Retry) -> PlanRetry:
    return PlanRetry(
        attempts=retry.attempts,
        backoff=retry.backoff.seconds,
        most=retry.max_backoff.seconds if retry.max_backoff else LONGEST_PAUSE,
        jitter=retry.jitter,
        errors=tuple(code.casefold() for code in retry.errors),
    )


def _outcome(playbook: Playbook, follow: Follow, action: ActionInfo) -> str:
    """Say which outcome of the step before an edge wants."""
    if playbook.steps[follow.step].for_each is not None and follow.outcome in (None, EACH):
        return ANY
    return follow.outcome or (SUCCESS if SUCCESS in action.outcomes else ANY)


_ONCE = PlanRetry(attempts=1, backoff=0.0)
