"""Walk a plan from its first step to its last in memory: the same plan, the same decisions and the same documents as a run.

What a step does is for the performer to say; which step follows, and what a loop goes over, is for `playbooks.compiler` and
`runs.scopes`, as in a run.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from ringfence.actions import Json
from ringfence.actions.base import SUCCESS
from ringfence.errors import Invalid
from ringfence.playbooks import rounds
from ringfence.playbooks.components import crossed, narrowed
from ringfence.playbooks.expressions import holds, references
from ringfence.playbooks.loops import items_of
from ringfence.playbooks.model import Effect
from ringfence.playbooks.plan import Plan, PlanStep
from ringfence.playbooks.schedule import StepStatus, run_status
from ringfence.rehearsals.performing import Ended, Performer, Turn
from ringfence.rehearsals.piece import Piece
from ringfence.rehearsals.report import How, Report, StepReport
from ringfence.rehearsals.scene import Doors, Scene
from ringfence.runs.attempt import TIMEOUT
from ringfence.runs.context import document_of, trigger_of, within
from ringfence.runs.model import Cause, Run, StepRun, together
from ringfence.runs.scopes import Course, Scope, is_cut


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
        # When rounds of loops and calls were opened, by the loop's or call's name; and when calls began.
        self._opened: dict[tuple[str, int], datetime] = {}
        self._called: dict[tuple[str, int], datetime] = {}
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
        """Give the reports in the order of the plan, the rounds of a loop or a call behind it, one after the other."""
        rounds_in: dict[int, list[int]] = {}
        for iteration in sorted({iteration for _, iteration in self._reports if iteration}):
            rounds_in.setdefault(rounds.outer_of(iteration), []).append(iteration)
        return self._rounds_of(self._piece.plan, 0, rounds_in)

    def _rounds_of(self, plan: Plan, iteration: int, rounds_in: Mapping[int, list[int]]) -> Iterator[StepReport]:
        for planned in plan.steps:
            if (planned.name, iteration) in self._reports:
                yield self._reports[planned.name, iteration]
            for inner in rounds_in.get(iteration, ()) if planned.body is not None else ():
                if planned.body is not None and rounds.is_try(inner) is (planned.tries is not None):
                    yield from self._rounds_of(planned.body, inner, rounds_in)

    async def _through(self, scope: Scope, *, winding: bool = False) -> None:
        while True:
            decision = scope.decide(winding=winding)
            for name in decision.skip:
                self._skip(scope, name)
            if decision.finished:
                return
            outer = self._course.outer
            outside = document_of(self._run, self._trigger, outer.steps, outer.gathered)
            document = within(outside, scope)
            planned = scope.plan.by_name
            pure = [each for each in decision.run if planned[each].effect is Effect.PURE and planned[each].body is None]
            for name in pure or decision.run:
                await self._do(scope, planned[name], document)

    async def _do(self, scope: Scope, planned: PlanStep, document: Mapping[str, Json]) -> None:
        action = self._piece.actions[planned.name]
        whole, document = document, narrowed(document, planned.scope)
        unsure = tuple(sorted(self._unknown & self._piece.looks[planned.name]))
        step = StepRun(self._run.id, planned.name, 0, planned.action, iteration=scope.iteration)
        scope.steps[planned.name] = step
        if self._too_late(scope, planned):
            return
        try:
            if planned.condition is not None and not self._holds(planned, planned.condition, document, unsure):
                self._skip(scope, planned.name)
                return
            if planned.loop is not None:
                items = items_of(planned.loop.values, document, before=self._course.items)
                await self._loop(scope, step, planned, items, unsure)
                return
            if planned.tries is not None:
                await self._tries(scope, step, planned, unsure)
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
            self._run,
            step,
            self._trigger,
            document,
            self._doors,
            self._begins(planned, scope),
            trusted=tuple(self._trusted),
        )
        until = self._deadline(scope)
        ended = await self._performer.perform(
            Turn(planned, action, inputs, scene, unsure, until, "run" if until == self._until else "call")
        )
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
        self._times[planned.name] = self._begins(planned, scope)
        cause = together(scope.steps[name].cause for name in crossing.failed)
        ended = Ended(How.COMPUTED, SUCCESS, crossing.output, crossing.error, cause=cause)
        self._end(step, planned, given, ended, unsure)

    async def _loop(
        self, scope: Scope, step: StepRun, planned: PlanStep, items: list[Json], unsure: tuple[str, ...]
    ) -> None:
        step.input = {"items": items}
        begun = self._times[planned.name] = self._begins(planned, scope)
        loop = self._course.open_loop(scope, step, items)
        while not loop.over:
            for inner in loop.begin(len(items)):
                self._opened[planned.name, inner.iteration] = begun
                await self._through(inner, winding=loop.stopped is not None)
                loop.close(inner)
        end = loop.end()
        said = (f"{len(items)} items.",)
        ended = Ended(How.COMPUTED, end.outcome or "", end.output, end.error, said, cause=loop.cause)
        if loop.stopped is not None:
            ended = Ended(How.COMPUTED, loop.stopped.outcome or "", loop.stopped.output)
        self._end(step, planned, {"items": items}, ended, unsure)

    def _holds(self, planned: PlanStep, condition: str, document: Mapping[str, Json], unsure: tuple[str, ...]) -> bool:
        if self._trusting and unsure and references(condition).steps & {each.rpartition("/")[2] for each in unsure}:
            self._trusted.append(planned.name)
            return True
        return holds(condition, document)

    async def _tries(self, scope: Scope, step: StepRun, planned: PlanStep, unsure: tuple[str, ...]) -> None:
        """Call a component, again where the `retry` of the call says so."""
        moment = self._called[step.step, step.iteration] = self._begins(planned, scope)
        call = self._course.open_call(scope, step)
        step.status = StepStatus.STARTED
        said: list[str] = []
        while True:
            (inner,) = call.begin(1)
            self._opened[planned.name, inner.iteration] = moment
            await self._through(inner)
            call.close(inner)
            back = inner.steps[planned.name]
            moment = max(moment, self._times.get(planned.name, moment))
            pause = self._pause(inner, step, planned, back, moment)
            if pause is None:
                break
            said.append(f"{back.error} It would try again in {pause:g} s.")
            moment += timedelta(seconds=pause)
            step.attempt += 1
            call.ended = None
        call.end()
        self._times[planned.name] = moment
        tried = step.attempt
        if call.stopped is not None:
            ended = Ended(How.COMPUTED, call.stopped.outcome or "", call.stopped.output, attempts=tried)
        elif back.status is StepStatus.SKIPPED:
            cut = ", ".join(each.step for each in inner.steps.values() if is_cut(each) and each is not back)
            within = f"within {planned.timeout:g} s" if planned.timeout is not None else "in time"
            error = f"The call {planned.name} did not end {within}. Not begun: {cut}."
            cause = Cause(TIMEOUT, permanent=False)
            ended = Ended(How.COMPUTED, error=error, said=tuple(said), cause=cause, attempts=tried)
        else:
            ended = Ended(How.COMPUTED, SUCCESS, back.output, back.error, tuple(said), cause=back.cause, attempts=tried)
        given = self._reports[planned.name, inner.iteration].input
        self._end(step, planned, given if isinstance(given, dict) else {}, ended, unsure)

    def _pause(self, scope: Scope, step: StepRun, planned: PlanStep, back: StepRun, moment: datetime) -> float | None:
        if back.status is not StepStatus.FAILED or back.cause.permanent:
            return None
        key = f"{step.run_id}:{step.step}:{step.iteration}"
        pause = planned.retry.pause(step.attempt, code=back.cause.code, key=key)
        until = self._deadline(scope)
        late = pause is not None and until is not None and moment + timedelta(seconds=pause) >= until
        return None if late else pause

    def _deadline(self, scope: Scope) -> datetime | None:
        """Return when the time of the run, or of a call in which a scope is, is over."""
        found = [self._until] if self._until is not None else []
        for frame in (each.frame for each in scope.chain if each.frame is not None):
            if frame.tries and frame.planned.timeout is not None:
                begun = self._called[frame.step.step, frame.step.iteration]
                found.append(begun + timedelta(seconds=frame.planned.timeout))
        return min(found, default=None)

    def _too_late(self, scope: Scope, planned: PlanStep) -> bool:
        """Skip a step whose turn comes after the time of the run, or of the call in which it is."""
        begins = self._begins(planned, scope)
        if self._until is not None and begins >= self._until:
            self._late.append(planned.name)
            self._skip(scope, planned.name, "The run's time would be over before its turn came.")
            return True
        until = self._deadline(scope)
        call = planned.call
        done = call is not None and call.part == "leave" and not any(is_cut(scope.steps[name]) for name in call.steps)
        if until is None or begins < until or done:
            return False
        self._skip(scope, planned.name, "The call's time would be over before its turn came.")
        return True

    def _begins(self, planned: PlanStep, scope: Scope) -> datetime:
        before = [self._times[edge.step] for edge in (*planned.after, *planned.rescues) if edge.step in self._times]
        opened = self._run.requested_at
        if scope.frame is not None:
            opened = self._opened[scope.frame.step.step, scope.iteration]
        return max([opened, *before])

    def _skip(self, scope: Scope, name: str, why: str = "") -> None:
        planned = scope.plan.by_name[name]
        step = StepRun(self._run.id, name, 0, planned.action, StepStatus.SKIPPED, iteration=scope.iteration)
        scope.steps[name] = step
        report = StepReport(
            name, planned.action, planned.effect.value, How.SKIPPED, "skipped", error=why, iteration=scope.iteration
        )
        self._keep(step, report)

    def _end(
        self, step: StepRun, planned: PlanStep, inputs: Mapping[str, Json], ended: Ended, unsure: tuple[str, ...]
    ) -> None:
        step.status = StepStatus.FAILED if ended.error else StepStatus.SUCCEEDED
        step.outcome = None if ended.error else ended.outcome
        step.output, step.error = ended.output, ended.error
        step.error_code, step.permanent = ended.cause.code, ended.cause.permanent
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
            ended.attempts,
        )
        self._keep(step, report)

    def _keep(self, step: StepRun, report: StepReport) -> None:
        self._reports[step.step, step.iteration] = report


def _said(error: Invalid) -> str:
    return f"{error.message} {error.advice}".strip()
