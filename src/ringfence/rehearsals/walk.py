"""Walk a plan from its first step to its last in memory: the same plan, the same decisions and the same documents as a run.

What a step does is for the performer to say; which step follows, and what a loop goes over, is for `playbooks.compiler` and
`runs.scopes`, as in a run.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from ringfence.actions import Action, Json, Parameter, Result
from ringfence.actions.base import SUCCESS
from ringfence.actions.catalogue import Catalogue
from ringfence.errors import Invalid
from ringfence.playbooks.calls import CALL, called
from ringfence.playbooks.components import compile_whole, crossed, narrowed
from ringfence.playbooks.expressions import compile_template, holds, references
from ringfence.playbooks.installation import Called
from ringfence.playbooks.loops import items_of
from ringfence.playbooks.mocks import Mock, mock_of
from ringfence.playbooks.model import Effect, ParameterKind, Playbook, Step
from ringfence.playbooks.plan import Plan, PlanStep
from ringfence.playbooks.schedule import StepStatus, run_status
from ringfence.rehearsals.report import How, Report, StepReport
from ringfence.rehearsals.scene import Doors, Scene
from ringfence.runs.attempt import Failure, attempt
from ringfence.runs.context import document_of, trigger_of, within
from ringfence.runs.model import Run, StepRun
from ringfence.runs.scopes import Course, Scope

_MOST_WAITS = 1_000
"""A step that waits more often than this never ends."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A step whose turn has come, with its inputs; `unsure` names steps that were only described and that it looks at.

    `until` is when the time of the whole run is over.
    """

    planned: PlanStep
    action: Action
    inputs: Mapping[str, Json]
    scene: Scene
    unsure: tuple[str, ...]
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a step ended; with an `error` it failed."""

    how: How
    outcome: str = SUCCESS
    output: Json = None
    error: str = ""
    said: tuple[str, ...] = ()
    verdict: dict[str, Any] | None = None


class Performer(Protocol):
    """Says how each step ends."""

    async def perform(self, turn: Turn) -> Ended: ...


@dataclass(frozen=True, slots=True)
class Piece:
    """A playbook, made ready to be rehearsed: its plan and, by step, actions, pinned results and the steps looked at.

    A call of a component that is pinned, or not at hand, stays one step; any other is its component's steps, as in a run.
    """

    playbook: Playbook
    catalogue: Catalogue
    components: Mapping[Called, Playbook]
    plan: Plan
    actions: Mapping[str, Action]
    mocks: Mapping[str, Mock]
    looks: Mapping[str, frozenset[str]]

    @classmethod
    def of(
        cls,
        playbook: Playbook,
        catalogue: Catalogue,
        components: Mapping[Called, Playbook] | None = None,
        mocks: Mapping[str, Mock] | None = None,
    ) -> "Piece":
        """Prepare a playbook that passed its checks; Invalid if one of its steps cannot be planned.

        `mocks` count more than what its steps say themselves.
        """
        own = {name: mock for name, step in playbook.steps.items() if (mock := mock_of(step)) is not None}
        pinned, known = {**own, **(mocks or {})}, dict(components or {})
        closed = {
            name
            for name, step in playbook.steps.items()
            if step.action == CALL and _is_closed(name, step, pinned, known)
        }
        plan = compile_whole(_without_calls(playbook, closed), catalogue, known)
        if closed:
            steps = tuple(_called_again(step) if step.name in closed else step for step in plan.steps)
            # Not a copy: that would keep what the plan has worked out from its steps.
            plan = Plan(**{name: getattr(plan, name) for name in Plan.model_fields if name != "steps"}, steps=steps)
        actions = {step.name: found for step in plan.every if (found := catalogue.find(step.action)) is not None}
        looks = {step.name: frozenset(_looked_at(step, actions[step.name])) for step in plan.every}
        return cls(playbook, catalogue, known, plan, actions, pinned, looks)

    def pinned(self, mocks: Mapping[str, Mock]) -> "Piece":
        """Return the same with more pinned results."""
        if not any(self.playbook.steps[name].action == CALL for name in mocks if name in self.playbook.steps):
            return replace(self, mocks={**self.mocks, **mocks})
        return Piece.of(self.playbook, self.catalogue, self.components, mocks)


_STAND_IN: Final = "logic.set"


def _is_closed(name: str, step: Step, mocks: Mapping[str, Mock], components: Mapping[Called, Playbook]) -> bool:
    return name in mocks or called(step) not in components


def _without_calls(playbook: Playbook, closed: set[str]) -> Playbook:
    """Let another action, of the same outcomes, stand where a component is not gone into."""
    if not closed:
        return playbook
    steps = {
        name: step.model_copy(update={"action": _STAND_IN}) if name in closed else step
        for name, step in playbook.steps.items()
    }
    return playbook.model_copy(update={"steps": steps})


def _called_again(step: PlanStep) -> PlanStep:
    if step.loop is None:
        return step.model_copy(update={"action": CALL})
    body = step.loop.body
    first, *rest = body.steps
    inner = body.model_copy(update={"steps": (first.model_copy(update={"action": CALL}), *rest)})
    loop = step.loop.model_copy(update={"body": inner})
    return step.model_copy(update={"action": CALL, "loop": loop})


async def walk(
    piece: Piece, run: Run, performer: Performer, doors: Doors | None = None, *, trusting: bool = False
) -> Report:
    """Walk a playbook from its first step to its last.

    Where it is `trusting`, what looks at a step that was only described never stands in the way: such a condition holds.
    """
    return await _Walk(piece, run, performer, doors or Doors(), trusting).go()


class _Walk:
    def __init__(self, piece: Piece, run: Run, performer: Performer, doors: Doors, trusting: bool) -> None:
        self._piece = piece
        self._run = run
        self._performer = performer
        self._doors = doors
        self._trigger = trigger_of(run)
        self._course = Course(piece.plan)
        self._reports: dict[tuple[str, int], StepReport] = {}
        self._times: dict[str, datetime] = {}
        self._unknown: set[str] = set()
        self._trusting = trusting
        self._trusted: list[str] = []
        timeout = piece.plan.timeout
        self._until = run.requested_at + timedelta(seconds=timeout) if timeout is not None else None
        self._late: list[str] = []

    async def go(self) -> Report:
        await self._through(self._course.outer)
        steps = self._course.outer.steps
        verdict = run_status(self._piece.plan, {name: step.seen for name, step in steps.items()})
        error = "; ".join(f"{name}: {steps[name].error}" for name in verdict.failed)
        status = verdict.status
        if self._late and verdict.stopped is None:
            late = f"The run did not end within {self._piece.plan.timeout:g} s. Not begun: {', '.join(self._late)}."
            status, error = "failed", f"{late} {error}".strip()
        return Report(self._run.playbook_name, status, error, tuple(self._in_order()))

    def _in_order(self) -> Iterator[StepReport]:
        for planned in self._piece.plan.steps:
            yield self._reports[planned.name, 0]
            if planned.loop is None:
                continue
            names = [each.name for each in planned.loop.body.steps]
            last = max((iteration for name, iteration in self._reports if name in names), default=0)
            for iteration in range(1, last + 1):
                yield from (self._reports[name, iteration] for name in names if (name, iteration) in self._reports)

    async def _through(self, scope: Scope, *, winding: bool = False) -> None:
        while True:
            decision = scope.decide(winding=winding)
            for name in decision.skip:
                self._skip(scope, name)
            if decision.finished:
                return
            outside = document_of(self._run, self._trigger, self._course.outer.steps, self._course.gathered)
            document = within(outside, scope)
            planned = scope.plan.by_name
            pure = [each for each in decision.run if planned[each].effect is Effect.PURE and planned[each].loop is None]
            for name in pure or decision.run:
                await self._do(scope, planned[name], document)

    async def _do(self, scope: Scope, planned: PlanStep, document: Mapping[str, Json]) -> None:
        action = self._piece.actions[planned.name]
        whole, document = document, narrowed(document, planned.scope)
        unsure = tuple(sorted(self._unknown & self._piece.looks[planned.name]))
        step = StepRun(self._run.id, planned.name, 0, planned.action, iteration=scope.iteration)
        scope.steps[planned.name] = step
        if self._until is not None and self._begins(planned) >= self._until:
            self._late.append(planned.name)
            self._skip(scope, planned.name, "The run's time would be over before its turn came.")
            return
        try:
            if planned.condition is not None and not self._holds(planned, planned.condition, document, unsure):
                self._skip(scope, planned.name)
                return
            if planned.loop is not None:
                items = items_of(planned.loop.values, document)
                await self._loop(step, planned, items, unsure)
                return
            if planned.call is not None:
                self._cross(scope, step, planned, whole, unsure)
                return
            inputs = planned.inputs(document)
        except Invalid as error:
            if not (self._trusting and unsure):
                self._end(step, planned, {}, Ended(How.IMPOSSIBLE, error=_said(error)), unsure)
                return
            inputs = {}
        scene = Scene(
            self._run, step, self._trigger, document, self._doors, self._begins(planned), trusted=tuple(self._trusted)
        )
        ended = await self._performer.perform(Turn(planned, action, inputs, scene, unsure, self._until))
        self._times[planned.name] = max(scene.moment, self._times.get(planned.name, scene.moment))
        self._end(step, planned, inputs, ended, unsure)

    def _cross(
        self, scope: Scope, step: StepRun, planned: PlanStep, document: Mapping[str, Json], unsure: tuple[str, ...]
    ) -> None:
        """Go into a component, or come back from it."""
        states = {name: each.seen for name, each in scope.steps.items() if name != planned.name}
        errors = {name: each.error for name, each in scope.steps.items()}
        crossing = crossed(planned, scope.plan, document, states, errors)
        given = crossing.input if isinstance(crossing.input, dict) else {}
        self._times[planned.name] = self._begins(planned)
        self._end(step, planned, given, Ended(How.COMPUTED, SUCCESS, crossing.output, crossing.error), unsure)

    async def _loop(self, step: StepRun, planned: PlanStep, items: list[Json], unsure: tuple[str, ...]) -> None:
        step.input = {"items": items}
        self._times[planned.name] = self._begins(planned)
        loop = self._course.open_loop(step, items)
        while not loop.over:
            for scope in loop.begin():
                await self._through(scope, winding=loop.stopped is not None)
                loop.close(scope)
        end = self._course.end_loop(loop)
        ended = Ended(How.COMPUTED, end.outcome or "", end.output, end.error, (f"{len(items)} items.",))
        if loop.stopped is not None:
            ended = Ended(How.COMPUTED, loop.stopped.outcome or "", loop.stopped.output)
        self._end(step, planned, {"items": items}, ended, unsure)

    def _holds(self, planned: PlanStep, condition: str, document: Mapping[str, Json], unsure: tuple[str, ...]) -> bool:
        if self._trusting and unsure and references(condition).steps & {each.rpartition("/")[2] for each in unsure}:
            self._trusted.append(planned.name)
            return True
        return holds(condition, document)

    def _begins(self, planned: PlanStep) -> datetime:
        before = [self._times[edge.step] for edge in (*planned.after, *planned.rescues) if edge.step in self._times]
        return max(before, default=self._run.requested_at)

    def _skip(self, scope: Scope, name: str, why: str = "") -> None:
        planned = scope.plan.by_name[name]
        step = StepRun(self._run.id, name, 0, planned.action, StepStatus.SKIPPED, iteration=scope.iteration)
        scope.steps[name] = step
        report = StepReport(name, planned.action, planned.effect.value, How.SKIPPED, "skipped", error=why)
        self._keep(step, report)

    def _end(
        self, step: StepRun, planned: PlanStep, inputs: Mapping[str, Json], ended: Ended, unsure: tuple[str, ...]
    ) -> None:
        step.status = StepStatus.FAILED if ended.error else StepStatus.SUCCEEDED
        step.outcome = None if ended.error else ended.outcome
        step.output, step.error = ended.output, ended.error
        if ended.how is How.DESCRIBED or unsure:
            self._unknown.add(planned.name)
        report = StepReport(
            planned.name,
            planned.action,
            planned.effect.value,
            ended.how,
            step.status.value,
            step.outcome,
            dict(inputs),
            ended.output,
            ended.error,
            ended.said,
            ended.verdict,
            unsure,
            step.iteration,
        )
        self._keep(step, report)

    def _keep(self, step: StepRun, report: StepReport) -> None:
        self._reports[step.step, step.iteration] = report


def _said(error: Invalid) -> str:
    return f"{error.message} {error.advice}".strip()


async def carry_out(turn: Turn, how: How) -> Ended:
    """Call the action of a step, again where its `retry` says so; what it waits for passes at once."""
    scene, planned = turn.scene, turn.planned
    deadline = _deadline(turn)
    said: list[str] = []
    tries = 1
    for _ in range(_MOST_WAITS):
        answer = await attempt(turn.action, scene, turn.inputs, seconds=None)
        if isinstance(answer, Result):
            return Ended(how, answer.outcome, answer.output, said=(*said, *scene.lines))
        if isinstance(answer, Failure):
            again = answer.again_in
            if again is None and not answer.permanent:
                again = planned.retry.pause(tries, code=answer.code, key=scene.step_key)
                tries, scene.resumed = tries + 1, None
            if again is None:
                return Ended(how, error=answer.error, said=(*said, *scene.lines))
            until = scene.moment + timedelta(seconds=again)
            if deadline is not None and until >= deadline:
                error = f"{answer.error} There is no time left to try again."
                return Ended(how, error=error, said=(*said, *scene.lines))
            said.append(f"{answer.error} It would try again in {again:g} s.")
            scene.moment = until
            continue
        if answer.until is None or (deadline is not None and answer.until > deadline):
            break
        if answer.until > scene.moment:
            said.append(f"It would wait until {answer.until:%Y-%m-%d %H:%M:%S} UTC.")
            scene.moment = answer.until
        scene.resumed = answer.state
    return Ended(how, error=_unended(turn, deadline), said=tuple(said))


def _deadline(turn: Turn) -> datetime | None:
    timeout = turn.planned.timeout
    own = turn.scene.moment + timedelta(seconds=timeout) if timeout is not None else None
    return min((each for each in (own, turn.until) if each is not None), default=None)


def _unended(turn: Turn, deadline: datetime | None) -> str:
    if deadline is not None and deadline == turn.until:
        return "The step did not end before the time of the run was over."
    timeout = turn.planned.timeout
    return f"The step did not end {'by itself' if timeout is None else f'within {timeout:g} s'}."


def unfit(action: Action, inputs: Mapping[str, Json]) -> str:
    """Say what keeps an action from being called with these inputs; empty if nothing does."""
    for name, parameter in action.parameters.items():
        value = inputs.get(name)
        if value is None and not parameter.required:
            continue
        fault = "it is missing." if name not in inputs else parameter.fault(value)
        if fault:
            return f"The inputs of {action.id} do not fit: {name}: {fault}"
    return ""


def pinned(turn: Turn, mock: Mock) -> Ended:
    """End a step as it is pinned to; inputs with which its action could not be called fail all the same."""
    fault = unfit(turn.action, turn.inputs)
    if fault or mock.error is not None:
        return Ended(How.MOCKED, error=fault or mock.error or "")
    return Ended(How.MOCKED, mock.outcome or turn.action.outcomes[0], mock.output)


def looked_at_by(planned: PlanStep, name: str) -> set[str]:
    """Return the steps whose output one input of a step looks at."""
    found: set[str] = set()
    for expression in _in_templates(planned.values.get(name)):
        found |= {planned.scope + each for each in references(expression).steps}
    return found


def _looked_at(planned: PlanStep, action: Action) -> set[str]:
    found: set[str] = set()
    if planned.call is not None and planned.call.part == "leave":
        found |= set(planned.call.steps)
    for expression in (*((planned.condition,) if planned.condition else ()), *_expressions(planned, action)):
        found |= {planned.scope + name for name in references(expression).steps}
    return found


def _expressions(planned: PlanStep, action: Action) -> Iterator[str]:
    if planned.loop is not None:
        yield from _in_templates(planned.loop.values)
    for name, value in planned.values.items():
        parameter: Parameter | None = action.parameters.get(name)
        kind = parameter.kind if parameter is not None else ParameterKind.VALUE
        if kind is ParameterKind.RUN_EXPRESSION:
            yield from _texts(value)
        elif kind is ParameterKind.VALUE:
            yield from _in_templates(value)


def _in_templates(value: Json) -> Iterator[str]:
    for text in _texts(value):
        if "${" in text:
            yield from (each.text for each in compile_template(text).expressions)


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
