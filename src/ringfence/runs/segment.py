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
from dataclasses import replace
from typing import Any

from ringfence import clock
from ringfence.actions import ContainmentPort, DefenderPort, Json
from ringfence.actions.base import SUCCESS
from ringfence.errors import Invalid
from ringfence.playbooks import absent
from ringfence.playbooks.components import crossed, narrowed
from ringfence.playbooks.expressions import holds
from ringfence.playbooks.loops import items_of
from ringfence.playbooks.model import Effect
from ringfence.playbooks.plan import PlanStep
from ringfence.playbooks.rounds import depth_of
from ringfence.playbooks.schedule import StepStatus
from ringfence.runs import cancelling, rows
from ringfence.runs.answers import Answers, Call
from ringfence.runs.attachments import Files
from ringfence.runs.attempt import TIMEOUT, Answer, attempt
from ringfence.runs.cancelling import Cancel
from ringfence.runs.context import StepContext, document_of, outline, trigger_of, within
from ringfence.runs.deadlines import Deadlines
from ringfence.runs.deciding import UNKNOWN_EFFECT, Decider, Ending, Turn
from ringfence.runs.journal import Journal
from ringfence.runs.loading import Loaded, load
from ringfence.runs.model import Cause, Key, Run, RunStatus, StepRun, key_of, together
from ringfence.runs.outside import Outside
from ringfence.runs.scopes import Course, Scope
from ringfence.runs.script import Script
from ringfence.storage import Database, Transaction

# What a step may still take whose wait has ended too late: what it waited for may have come while nobody looked.
_LAST_LOOK = 10.0


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
        self._script = script
        self._database = database
        self._defender = defender
        self._containment = containment
        self._lease = lease
        self._trigger = trigger_of(run)
        self._journal = Journal(script.plan.log_level, lines)
        self._deadlines = Deadlines(run.started_at or run.requested_at, script.plan.timeout)
        self._decider = Decider(run.id, script, self._journal, self._deadlines)
        self._answers = Answers(self._journal, self._deadlines, ever_waited=run.resumed)
        self._loaded = not run.resumed
        self._newest = run.newest_change
        self._working: dict[asyncio.Task[Answer], Call] = {}

    @property
    def _course(self) -> Course:
        return self._decider.course

    async def play(self) -> Ending:
        """Do whatever is ready until nothing is and nothing is at work."""
        if not self._loaded:
            await self._load()
        try:
            while True:
                turns, finished = self._decider.turns()
                if finished:
                    return self._decider.verdict()
                turns += self._due()
                if turns:
                    await self._do(turns)
                elif self._working:
                    await self._listen()
                else:
                    wakes = [step.wake_at for step in self._course.waiting() if step.wake_at is not None]
                    return Ending(RunStatus.WAITING, wake_at=min(wakes, default=None))
        finally:
            await self._abandon()

    def _due(self) -> list[Turn]:
        now = clock.now()
        return [
            (scope, name)
            for scope in self._course.scopes()
            for name, step in scope.steps.items()
            if step.status is StepStatus.WAITING and step.wake_at is not None and step.wake_at <= now
        ]

    async def close(self, ending: Ending) -> bool:
        """Write what is left and let the run go; False if it is to be looked at once more instead."""
        steps, lines, awaited = self._journal.take()
        cancel = self._decider.cancel if ending.status is RunStatus.CANCELLED else None

        def work(tx: Transaction) -> bool:
            error = ending.error
            if cancel is not None:
                error = cancelling.conclude(tx, self.run, cancel, self._journal.cancelled.values())
            return rows.let_go(
                tx,
                self.run,
                ending.status,
                error=error,
                steps=steps,
                lines=lines,
                awaited=awaited,
                ever_waited=self._answers.ever_waited,
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
        def work(tx: Transaction) -> tuple[Loaded, Cancel | None]:
            return load(tx, self.run.id, self._script.plan), cancelling.of(tx, self.run.id)

        found, self._decider.cancel = await self._database.read(work)
        for step in found.steps:
            if step.status is StepStatus.CANCELLED:
                self._journal.cancelled[key_of(step)] = step
            # After a crash: what had begun is done again, unless its effect could then happen twice.
            if step.status is not StepStatus.STARTED or self._goes_on(step):
                continue
            if step.step in self._script.actions and self._script.actions[step.step].repeatable:
                step.status = StepStatus.READY
            else:
                self._journal.fail(step, UNKNOWN_EFFECT, Cause())
        self._decider.course = Course.restored(self._script.plan, found.steps, found.seen)
        self._loaded = True

    def _goes_on(self, step: StepRun) -> bool:
        """Tell whether a step is a loop or a call, which are under way as long as what is in them."""
        planned = self._script.plan.at.get((step.step, depth_of(step.iteration)))
        return planned is not None and planned.body is not None

    async def _do(self, turns: list[Turn]) -> None:
        """Call what is pure and return; where nothing is, start what reaches outside, once all rows say so."""
        outer = self._course.outer
        outside = document_of(self.run, self._trigger, outer.steps, outer.gathered)
        pure = [(scope, name) for scope, name in turns if scope.plan.by_name[name].effect is Effect.PURE]
        calls = [call for scope, name in pure or turns if (call := self._begin(scope, name, outside)) is not None]
        if pure:
            for call in calls:
                self._answers.take_in(call, await self._call(call))
            # Long loops of pure steps let others have their turn.
            await asyncio.sleep(0)
        elif calls:
            await self._write()
            if self._decider.cancel is not None:
                self._take_back(calls)
                return
            for call in calls:
                call = replace(call, since=self._newest)
                self._working[asyncio.create_task(self._call(call))] = call

    def _begin(self, scope: Scope, name: str, outside: Mapping[str, Json]) -> Call | None:
        """Make a step ready to be called; None if there is no call: skipped by its `if`, too late, impossible, a loop …"""
        step, planned, action = self._decider.step(scope, name), scope.plan.by_name[name], self._script.actions[name]
        whole = within(outside, scope)
        document = narrowed(whole, planned.scope)
        resumed = step.state is not None
        if step.started_at is None:
            try:
                if planned.condition is not None and not holds(planned.condition, document):
                    self._journal.end(step, StepStatus.SKIPPED)
                    self._tell(step, absent.in_expression(planned.condition, document))
                    return None
                step.started_at = clock.now()
                if planned.loop is not None:
                    items = items_of(planned.loop.values, document, before=self._course.items)
                    step.input = {"items": items}
                    self._course.open_loop(scope, step, items)
                elif planned.tries is not None:
                    self._course.open_call(scope, step)
                elif planned.call is not None:
                    self._cross(scope, step, planned, whole)
                    return None
                else:
                    step.input = planned.inputs(document)
                    self._tell(step, absent.in_inputs(planned.values, planned.raw, document))
            except Invalid as error:
                step.started_at = step.started_at or clock.now()
                self._journal.fail(step, f"{error.message} {error.advice}".strip(), Cause(error.code))
                return None
        elif not resumed and (late := self._deadlines.late(step, planned, scope)):
            scope.frames.pop(name, None)
            self._journal.fail(step, f"{late} {step.error}".strip(), Cause(TIMEOUT, permanent=False))
            return None
        # Its state stays, so that a crash resumes it once more.
        step.status = StepStatus.STARTED
        step.wake_at = None
        self._journal.note(step)
        if planned.loop is not None:
            return None
        step.begin_attempt(clock.now())
        if not resumed:
            self._journal.line(step, "debug", f"Attempt {step.attempt} begins.")
        if planned.tries is not None:
            return None
        if not resumed:
            self._journal.line(step, "trace", f"The input is {outline(step.input)}.")
        return Call(scope, step, planned, action, document, resumed, self._newest)

    def _tell(self, step: StepRun, said: list[str]) -> None:
        for each in said:
            self._journal.line(step, "info", each)

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
            cause = together(scope.steps[name].cause for name in crossing.failed)
            self._journal.fail(step, crossing.error, cause)
        else:
            step.outcome = SUCCESS
            self._journal.end(step, StepStatus.SUCCEEDED)
            enters = planned.call is not None and planned.call.part == "enter"
            self._journal.line(step, "debug", "Goes in." if enters else "Comes back.")

    async def _call(self, call: Call) -> Answer:
        context = StepContext(
            self.run,
            call.step,
            self._trigger,
            call.document,
            self._defender,
            self._containment,
            self._script.plan.log_level,
            self._files,
            self._journal.lines,
            self._outside,
        )
        deadline = self._deadlines.of(call.step, call.planned, call.scope)
        seconds = None if deadline is None else max((deadline - clock.now()).total_seconds(), 0.0)
        if seconds is not None and call.resumed:
            seconds = max(seconds, _LAST_LOOK)
        return await attempt(call.action, context, call.step.input or {}, seconds=seconds)

    async def _listen(self) -> None:
        """Wait until a call has ended, or a waiting step is due, and look whether the run was cancelled."""
        if not self._journal.empty:
            await self._write()
        waiting = self._course.waiting()
        wakes = [(step.wake_at - clock.now()).total_seconds() for step in waiting if step.wake_at is not None]
        pause = max(min([self._patience, *wakes]), 0.01)
        ended, _ = await asyncio.wait(self._working, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
        unique = False
        # In the order in which they were started.
        for task in [task for task in self._working if task in ended]:
            call = self._working.pop(task)
            self._answers.take_in(call, task.result())
            unique = unique or not call.action.repeatable
        if unique:
            # Nobody could find out what became of it if we stopped now.
            await self._write()
        elif not ended:
            await self._look_around(waiting)

    async def _look_around(self, waiting: list[StepRun]) -> None:
        """See what others did to the rows while calls are at work: a change came, or somebody cancelled the run."""

        def work(tx: Transaction) -> tuple[dict[Key, Any], Cancel | None]:
            return rows.waiting_of(tx, self.run.id), cancelling.of(tx, self.run.id)

        found, cancel = await self._database.read(work)
        for step in waiting:
            step.wake_at = found.get(key_of(step), step.wake_at)
        self._heard(cancel)

    def _take_back(self, calls: list[Call]) -> None:
        """Undo what was written of calls that were not made: meanwhile the run was cancelled."""
        for call in calls:
            call.step.status = StepStatus.WAITING if call.resumed or call.step.attempt > 1 else StepStatus.PENDING
            if call.step.status is StepStatus.PENDING:
                call.step.started_at = call.step.attempt_started_at = call.step.input = None

    def _heard(self, cancel: Cancel | None) -> None:
        """Take in that somebody wants the run to end, if anybody does."""
        if cancel is None or self._decider.cancel is not None:
            return
        self._decider.cancel = cancel
        for task, call in list(self._working.items()):
            if call.planned.effect in (Effect.PURE, Effect.READ):
                # It changes nothing outside, so that nothing is left to wait for.
                task.cancel()
                del self._working[task]
                said = f"Cancelled by {cancel.by} while it was at work."
                self._journal.end(call.step, StepStatus.CANCELLED, said)

    async def _abandon(self) -> None:
        """Stop whatever is still at work: this run is not ours any more."""
        for task in self._working:
            task.cancel()
        if self._working:
            await asyncio.gather(*self._working, return_exceptions=True)
            self._working.clear()

    async def _write(self) -> None:
        """Write what happened so far; raise LeaseLost, and nothing is written, if another holder has taken over."""
        steps, lines, awaited = self._journal.take()

        def work(tx: Transaction) -> tuple[int, Cancel | None]:
            rows.write(tx, self.run, steps, lines, awaited, lease=self._lease)
            newest, cancelled = rows.news(tx, self.run.id)
            return newest, cancelling.of(tx, self.run.id) if cancelled else None

        self._newest, cancel = await self._database.run(work)
        self._heard(cancel)
