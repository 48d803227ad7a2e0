"""One holding of a run, from claim to letting go: which steps are done, in which order rows and effects follow each other.

Steps whose effect is PURE are called one after the other and leave no row of their own before the next row is needed:
they are done again after a crash, which nobody can tell. Before a step that reaches outside, all rows are written, and its
own says `started`; such steps are at work side by side, and each goes on as soon as it has ended. After a crash a
`started` step is done again with the same key and the same inputs; where its action cannot find its own effect by that
key, the step fails instead and a person is told to look.

A run that is cancelled, or whose time is over, begins nothing more. What is at work and may have an effect is waited for;
what only waits is cut off, and whatever it asked for that goes on by itself is named.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ringfence import clock
from ringfence.actions import Action, ContainmentPort, DefenderPort, Json, Result, Wait
from ringfence.actions.base import SUCCESS, LogLevel
from ringfence.errors import Invalid
from ringfence.playbooks.components import crossed, narrowed
from ringfence.playbooks.expressions import holds
from ringfence.playbooks.loops import items_of
from ringfence.playbooks.model import Effect
from ringfence.playbooks.plan import LONGEST_PAUSE, Plan, PlanStep
from ringfence.playbooks.schedule import Decision, StepStatus, run_status
from ringfence.runs import cancelling, rows
from ringfence.runs.attachments import Files
from ringfence.runs.attempt import Answer, Failure, attempt
from ringfence.runs.cancelling import Cancel
from ringfence.runs.context import StepContext, document_of, kept, line_of, outline, trigger_of, within
from ringfence.runs.model import Awaited, Key, Run, RunStatus, StepRun, key_of
from ringfence.runs.outside import Outside
from ringfence.runs.scopes import Course, Loop, Scope
from ringfence.storage import Database, Transaction

_UNKNOWN_EFFECT = (
    "The server stopped while this step was at work, and it is not known whether its effect took place. "
    "Look, and run the playbook again if it did not."
)
Turn = tuple[Scope, str]
# Between two looks of one step, where it asks for the next at once.
_LEAST_PAUSE = timedelta(seconds=1)
# What a step may still take whose wait has ended too late: what it waited for may have come while nobody looked.
_LAST_LOOK = 10.0


@dataclass(frozen=True, slots=True)
class Script:
    """A plan, and the action and the position of each of its steps."""

    plan: Plan
    actions: Mapping[str, Action]
    positions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Ending:
    """How to let a run go: its status, what nothing handled, when to look again."""

    status: RunStatus
    error: str = ""
    wake_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Call:
    step: StepRun
    planned: PlanStep
    action: Action
    document: Mapping[str, Json]
    resumed: bool
    since: int


class Segment:
    """One holding of a run. Only its own coroutine changes step rows; calls at work answer and change nothing."""

    def __init__(
        self,
        run: Run,
        script: Script,
        database: Database,
        defender: DefenderPort,
        containment: ContainmentPort,
        *,
        lease: float,
        patience: float,
        largest_file: int,
        outside: Outside | None = None,
        lines: Sequence[dict[str, Any]] = (),
    ) -> None:
        self._outside = outside
        self.run = run
        self._files = Files(database, largest_file)
        self._patience = patience
        self._plan = script.plan
        self._actions = script.actions
        self._positions = script.positions
        self._database = database
        self._defender = defender
        self._containment = containment
        self._lease = lease
        self._trigger = trigger_of(run)
        self._course = Course(script.plan)
        begun, timeout = run.started_at or run.requested_at, self._plan.timeout
        self._until = begun + timedelta(seconds=timeout) if timeout is not None else None
        self._loaded = not run.resumed
        self._newest = run.newest_change
        self._ever_waited = run.resumed
        self._dirty: dict[Key, StepRun] = {}
        self._awaited: dict[Key, Awaited] = {}
        self._lines = [line for line in lines if kept(line["level"], self._plan.log_level)]
        self._working: dict[asyncio.Task[Answer], _Call] = {}
        self._cancel: Cancel | None = None

    async def play(self) -> Ending:
        """Do whatever is ready until nothing is and nothing is at work."""
        if not self._loaded:
            await self._load()
        try:
            while True:
                turns, finished = self._turns()
                if finished:
                    return self._verdict()
                now = clock.now()
                due = {
                    (step.step, step.iteration)
                    for step in self._course.waiting()
                    if step.wake_at is not None and step.wake_at <= now
                }
                if due:
                    turns += [
                        (scope, name)
                        for scope in self._course.scopes()
                        for name in scope.steps
                        if (name, scope.iteration) in due
                    ]
                if turns:
                    await self._do(turns)
                elif self._working:
                    await self._listen()
                else:
                    wakes = [step.wake_at for step in self._course.waiting() if step.wake_at is not None]
                    return Ending(RunStatus.WAITING, wake_at=min(wakes, default=None))
        finally:
            await self._abandon()

    async def close(self, ending: Ending) -> bool:
        """Write what is left and let the run go; False if it is to be looked at once more instead."""
        steps, lines, awaited = self._take()
        cancel = self._cancel if ending.status is RunStatus.CANCELLED else None

        def work(tx: Transaction) -> bool:
            error = ending.error
            if cancel is not None:
                cut = [step for step in self._course.steps() if step.status is StepStatus.CANCELLED]
                error = cancelling.conclude(tx, self.run, cancel, cut)
            return rows.let_go(
                tx,
                self.run,
                ending.status,
                error=error,
                steps=steps,
                lines=lines,
                awaited=awaited,
                ever_waited=self._ever_waited,
            )

        return await self._database.run(work)

    async def look_again(self) -> None:
        """Take in what others did to the rows: they may have made a waiting step due."""

        def work(tx: Transaction) -> tuple[int, int]:
            return rows.nudges_of(tx, self.run.id), rows.newest_change(tx)

        nudges, self._newest = await self._database.read(work)
        self.run = replace(self.run, nudges=nudges)
        self._loaded = False

    async def _load(self) -> None:
        def work(tx: Transaction) -> tuple[list[StepRun], Cancel | None]:
            return rows.every_step(tx, self.run.id), cancelling.of(tx, self.run.id)

        found, self._cancel = await self._database.read(work)
        for step in found:
            # After a crash: what had begun is done again, unless its effect could then happen twice.
            if step.status is not StepStatus.STARTED or self._is_loop(step):
                continue
            if step.step in self._actions and self._actions[step.step].repeatable:
                step.status = StepStatus.READY
            else:
                self._fail(step, _UNKNOWN_EFFECT)
        self._course = Course.restored(self._plan, found)
        self._loaded = True

    def _is_loop(self, step: StepRun) -> bool:
        planned = self._plan.by_name.get(step.step)
        return step.iteration == 0 and planned is not None and planned.loop is not None

    def _turns(self) -> tuple[list[Turn], bool]:
        """Skip what is to be skipped, end the loops that are over, and say what is to be done and whether all is."""
        turns: list[Turn] = []
        over = bool(self._closing) or self._course.outer.stopped is not None
        for loop in list(self._course.loops.values()):
            todo = [*loop.open.values(), *([] if over else loop.begin())]
            while todo:
                scope = todo.pop()
                decision = self._settled(scope, winding=over or loop.stopped is not None)
                if decision.finished:
                    loop.close(scope)
                    todo += [] if over else loop.begin()
                turns += [(scope, name) for name in decision.run]
            if loop.over or (over and not loop.open):
                self._end_loop(loop)
        decision = self._settled(self._course.outer)
        turns = sorted(turns, key=lambda turn: turn[0].iteration)
        return [*((self._course.outer, name) for name in decision.run), *turns], decision.finished

    @property
    def _closing(self) -> str:
        """Why nothing more is begun; empty while it is."""
        if self._cancel is not None:
            return f"The run was cancelled by {self._cancel.by} before its turn came."
        if self._until is not None and clock.now() >= self._until:
            return "The run's time was over before its turn came."
        return ""

    def _settled(self, scope: Scope, *, winding: bool = False) -> Decision:
        if not (why := self._closing):
            decision = scope.decide(winding=winding)
            for name in decision.skip:
                self._end(self._step(scope, name), StepStatus.SKIPPED)
            return decision
        if self._cancel is not None:
            self._cut_off(scope, self._cancel)
        while True:
            # What no branch reaches is skipped as ever; the rest of what is pending was reached too late.
            decision = scope.decide()
            for name in decision.skip:
                self._end(self._step(scope, name), StepStatus.SKIPPED)
            late = [name for name in decision.run if self._step(scope, name).status is StepStatus.PENDING]
            for name in late:
                self._end(self._step(scope, name), StepStatus.SKIPPED, why)
            if not late:
                return decision

    def _cut_off(self, scope: Scope, cancel: Cancel) -> None:
        for step in scope.steps.values():
            if step.status is StepStatus.READY:
                self._end(step, StepStatus.CANCELLED, f"Cancelled by {cancel.by}. {_UNKNOWN_EFFECT}")
            elif step.status is StepStatus.WAITING:
                self._end(step, StepStatus.CANCELLED, f"Cancelled by {cancel.by} while it waited.")

    def _end_loop(self, loop: Loop) -> None:
        end = self._course.end_loop(loop)
        step = loop.step
        step.output = end.output
        if loop.stopped is not None:
            step.outcome, step.output = loop.stopped.outcome, loop.stopped.output
            self._end(step, StepStatus.SUCCEEDED)
        elif self._cancel is not None and end.outcome is None:
            said = f"Cancelled by {self._cancel.by}: {loop.begun} of {len(loop.items)} items were begun."
            self._end(step, StepStatus.CANCELLED, said)
        elif self._course.outer.stopped is not None and end.outcome is None:
            said = f"The run was stopped: {loop.begun} of {len(loop.items)} items were begun."
            self._end(step, StepStatus.CANCELLED, said)
        elif end.outcome is None:
            self._fail(step, end.error)
        else:
            step.outcome = end.outcome
            self._end(step, StepStatus.SUCCEEDED)
            self._line(step, "info", f"Done: {len(loop.items)} items.")

    def _verdict(self) -> Ending:
        steps = self._course.outer.steps
        verdict = run_status(self._plan, {name: step.seen for name, step in steps.items()})
        cut = [name for name, step in steps.items() if step.status is StepStatus.SKIPPED and step.error]
        if self._cancel is not None and (cut or any(each.status is StepStatus.CANCELLED for each in steps.values())):
            return Ending(RunStatus.CANCELLED)
        if verdict.stopped is not None:
            said = steps[verdict.stopped].output
            reason = str(said.get("reason") or "") if isinstance(said, dict) else ""
            return Ending(RunStatus(verdict.status), reason)
        failed = "; ".join(f"{name}: {steps[name].error}" for name in verdict.failed or verdict.handled)
        if cut:
            late = f"The run did not end within {self._plan.timeout:g} s. Not begun: {', '.join(cut)}."
            return Ending(RunStatus.FAILED, f"{late} {failed}".strip())
        return Ending(RunStatus(verdict.status), failed)

    def _step(self, scope: Scope, name: str) -> StepRun:
        if name not in scope.steps:
            action = scope.plan.by_name[name].action
            scope.steps[name] = StepRun(self.run.id, name, self._positions[name], action, iteration=scope.iteration)
        return scope.steps[name]

    async def _do(self, turns: list[Turn]) -> None:
        """Call what is pure and return; where nothing is, start what reaches outside, once all rows say so."""
        outside = document_of(self.run, self._trigger, self._course.outer.steps, self._course.gathered)
        pure = [(scope, name) for scope, name in turns if scope.plan.by_name[name].effect is Effect.PURE]
        calls = [call for scope, name in pure or turns if (call := self._begin(scope, name, outside)) is not None]
        if pure:
            for call in calls:
                self._take_in(call, await self._call(call))
            # Long loops of pure steps let others have their turn.
            await asyncio.sleep(0)
        elif calls:
            await self._write()
            if self._cancel is not None:
                self._take_back(calls)
                return
            for call in calls:
                call = replace(call, since=self._newest)
                self._working[asyncio.create_task(self._call(call))] = call

    def _begin(self, scope: Scope, name: str, outside: Mapping[str, Json]) -> _Call | None:
        """Make a step ready to be called; None if there is no call: skipped by its `if`, too late, impossible, or a loop."""
        step, planned, action = self._step(scope, name), scope.plan.by_name[name], self._actions[name]
        whole = within(outside, scope)
        document = narrowed(whole, planned.scope)
        resumed = step.state is not None
        if step.started_at is None:
            try:
                if planned.condition is not None and not holds(planned.condition, document):
                    self._end(step, StepStatus.SKIPPED)
                    return None
                step.started_at = clock.now()
                if planned.loop is not None:
                    items = items_of(planned.loop.values, document)
                    step.input = {"items": items}
                    self._course.open_loop(step, items)
                elif planned.call is not None:
                    self._cross(scope, step, planned, whole)
                    return None
                else:
                    step.input = planned.inputs(document)
            except Invalid as error:
                step.started_at = step.started_at or clock.now()
                self._fail(step, f"{error.message} {error.advice}".strip())
                return None
        elif not resumed and (late := self._late(step, planned)):
            self._fail(step, f"{late} {step.error}".strip())
            return None
        # Its state stays, so that a crash resumes it once more.
        step.status = StepStatus.STARTED
        step.wake_at = None
        self._dirty[key_of(step)] = step
        if planned.loop is not None:
            return None
        step.begin_attempt(clock.now())
        if not resumed:
            self._line(step, "debug", f"Attempt {step.attempt} begins.")
            self._line(step, "trace", f"The input is {outline(step.input)}.")
        return _Call(step, planned, action, document, resumed, self._newest)

    def _cross(self, scope: Scope, step: StepRun, planned: PlanStep, document: Mapping[str, Json]) -> None:
        """Go into a component, or come back from it."""
        states = {name: each.seen for name, each in scope.steps.items()}
        errors = {name: each.error for name, each in scope.steps.items()}
        crossing = crossed(planned, scope.plan, document, states, errors)
        step.input, step.output = crossing.input, crossing.output
        if planned.call is not None and planned.call.part == "leave":
            # What people see of a call is how long its component took.
            step.started_at = scope.steps[planned.call.steps[0]].started_at or step.started_at
        if crossing.error:
            self._fail(step, crossing.error)
        else:
            step.outcome = SUCCESS
            self._end(step, StepStatus.SUCCEEDED)
            self._line(step, "debug", "Goes in." if planned.call and planned.call.part == "enter" else "Comes back.")

    async def _call(self, call: _Call) -> Answer:
        context = StepContext(
            self.run,
            call.step,
            self._trigger,
            call.document,
            self._defender,
            self._containment,
            self._plan.log_level,
            self._files,
            self._lines,
            self._outside,
        )
        deadline = self._deadline(call.step, call.planned)
        seconds = None if deadline is None else max((deadline - clock.now()).total_seconds(), 0.0)
        if seconds is not None and call.resumed:
            seconds = max(seconds, _LAST_LOOK)
        return await attempt(call.action, context, call.step.input or {}, seconds=seconds)

    async def _listen(self) -> None:
        """Wait until a call has ended, or a waiting step is due, and look whether the run was cancelled."""
        if self._dirty or self._lines:
            await self._write()
        waiting = self._course.waiting()
        wakes = [(step.wake_at - clock.now()).total_seconds() for step in waiting if step.wake_at is not None]
        pause = max(min([self._patience, *wakes]), 0.01)
        ended, _ = await asyncio.wait(self._working, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
        unique = False
        # In the order in which they were started.
        for task in [task for task in self._working if task in ended]:
            call = self._working.pop(task)
            self._take_in(call, task.result())
            unique = unique or not call.action.repeatable
        if unique:
            # Nobody could find out what became of it if we stopped now.
            await self._write()
        elif not ended:
            await self._look_around(waiting)

    async def _look_around(self, waiting: list[StepRun]) -> None:
        """See what others did to the rows while calls are at work: a change came, or somebody cancelled the run."""

        def work(tx: Transaction) -> tuple[dict[Key, datetime | None], Cancel | None]:
            return rows.waiting_of(tx, self.run.id), cancelling.of(tx, self.run.id)

        found, cancel = await self._database.read(work)
        for step in waiting:
            step.wake_at = found.get(key_of(step), step.wake_at)
        if cancel is not None and self._cancel is None:
            self._cancelled(cancel)

    def _take_back(self, calls: list[_Call]) -> None:
        """Undo what was written of calls that were not made: meanwhile the run was cancelled."""
        for call in calls:
            call.step.status = StepStatus.WAITING if call.resumed or call.step.attempt > 1 else StepStatus.PENDING
            if call.step.status is StepStatus.PENDING:
                call.step.started_at = call.step.attempt_started_at = call.step.input = None

    def _cancelled(self, cancel: Cancel) -> None:
        self._cancel = cancel
        for task, call in list(self._working.items()):
            if call.planned.effect in (Effect.PURE, Effect.READ):
                # It changes nothing outside, so that nothing is left to wait for.
                task.cancel()
                del self._working[task]
                self._end(call.step, StepStatus.CANCELLED, f"Cancelled by {cancel.by} while it was at work.")

    async def _abandon(self) -> None:
        """Stop whatever is still at work: this run is not ours any more."""
        for task in self._working:
            task.cancel()
        if self._working:
            await asyncio.gather(*self._working, return_exceptions=True)
            self._working.clear()

    def _take_in(self, call: _Call, answer: Answer) -> None:
        step = call.step
        if call.resumed or self._ever_waited:
            self._awaited[key_of(step)] = Awaited(step)
        if isinstance(answer, Failure):
            self._failed(step, call.planned, answer, call.since)
        elif isinstance(answer, Wait):
            self._park(call, answer)
        elif isinstance(answer, Result):
            step.outcome = answer.outcome
            step.output = answer.output
            self._end(step, StepStatus.SUCCEEDED)
            self._line(step, "info", "Done." if answer.outcome == SUCCESS else f"Done: {answer.outcome}.")
            self._line(step, "trace", f"The output is {outline(step.output)}.")

    def _park(self, call: _Call, wait: Wait) -> None:
        step, now = call.step, clock.now()
        if late := self._late(step, call.planned):
            self._fail(step, late)
            return
        wake_at, deadline = wait.until, self._deadline(step, call.planned)
        if wake_at is not None and call.resumed:
            wake_at = max(wake_at, now + _LEAST_PAUSE)
        if deadline is not None:
            wake_at = min(wake_at, deadline) if wake_at is not None else deadline
        step.status = StepStatus.WAITING
        step.state = wait.state
        step.wake_at = wake_at
        step.error = ""
        self._dirty[key_of(step)] = step
        self._line(step, "debug", "Waiting.", until=clock.iso(wake_at) if wake_at else None)
        if wait.topics:
            self._ever_waited = True
            self._awaited[key_of(step)] = Awaited(step, wait.topics, call.since)

    def _failed(self, step: StepRun, planned: PlanStep, failure: Failure, since: int) -> None:
        if late := self._late(step, planned):
            self._fail(step, f"{late} {failure.error}")
            return
        held = failure.again_in is not None
        pause = failure.again_in
        if not held and not failure.permanent:
            pause = planned.retry.pause(
                step.attempt, code=failure.code, key=f"{step.run_id}:{step.step}:{step.iteration}"
            )
        if pause is None:
            self._fail(step, failure.error)
            return
        wake_at = clock.now() + timedelta(seconds=min(pause, LONGEST_PAUSE))
        deadline = self._deadline(step, planned)
        if deadline is not None and held and failure.topics:
            # What it waits for may change at any time until then.
            wake_at = min(wake_at, deadline)
        elif deadline is not None and wake_at >= deadline:
            self._fail(step, f"{failure.error} There is no time left to try again.")
            return
        step.status = StepStatus.WAITING
        said, step.error = step.error, failure.error
        if held:
            # Its state stays: it is the same attempt that goes on.
            if failure.topics:
                self._ever_waited = True
                self._awaited[key_of(step)] = Awaited(step, failure.topics, since)
            if said != failure.error:
                how = "Waiting" if failure.topics else f"Waiting {pause:.0f} s"
                self._line(step, "info", f"{how}: {failure.error}")
        else:
            self._line(step, "warn", f"Attempt {step.attempt} failed, trying again in {pause:g} s: {failure.error}")
            step.end_attempt(clock.now(), failure.error)
            step.attempt += 1
            step.state = None
        step.wake_at = wake_at
        self._dirty[key_of(step)] = step

    def _deadline(self, step: StepRun, planned: PlanStep) -> datetime | None:
        own = None
        if planned.timeout is not None and step.started_at is not None:
            own = step.started_at + timedelta(seconds=planned.timeout)
        return min((each for each in (own, self._until) if each is not None), default=None)

    def _late(self, step: StepRun, planned: PlanStep) -> str:
        """Say that the step's time is over; empty while it is not."""
        deadline = self._deadline(step, planned)
        if deadline is None or clock.now() < deadline:
            return ""
        if deadline == self._until:
            return f"The run did not end within {self._plan.timeout:g} s."
        return f"The step did not end within {planned.timeout:g} s."

    def _fail(self, step: StepRun, error: str) -> None:
        self._end(step, StepStatus.FAILED, error)
        self._line(step, "error", error)

    def _end(self, step: StepRun, status: StepStatus, error: str = "") -> None:
        step.status = status
        step.error = error
        step.finished_at = None if status is StepStatus.SKIPPED else clock.now()
        if step.finished_at is not None:
            step.end_attempt(step.finished_at, error)
        step.state = None
        step.wake_at = None
        self._dirty[key_of(step)] = step

    def _line(self, step: StepRun, level: LogLevel, message: str, **fields: Json) -> None:
        if kept(level, self._plan.log_level):
            self._lines.append(line_of(step, level, message, fields))

    async def _write(self) -> None:
        """Write what happened so far; raise LeaseLost, and nothing is written, if another holder has taken over."""
        steps, lines, awaited = self._take()

        def work(tx: Transaction) -> tuple[int, Cancel | None]:
            rows.write(tx, self.run, steps, lines, awaited, lease=self._lease)
            newest, cancelled = rows.news(tx, self.run.id)
            return newest, cancelling.of(tx, self.run.id) if cancelled else None

        self._newest, cancel = await self._database.run(work)
        if cancel is not None and self._cancel is None:
            self._cancelled(cancel)

    def _take(self) -> tuple[list[StepRun], list[dict[str, Any]], list[Awaited]]:
        taken = list(self._dirty.values()), self._lines[:], list(self._awaited.values())
        self._dirty.clear()
        self._lines.clear()
        self._awaited.clear()
        return taken
