"""One holding of a run, from claim to letting go: which steps are done, in which order rows and effects follow each other.

Steps whose effect is PURE are called one after the other and leave no row of their own before the next row is needed:
they are done again after a crash, which nobody can tell. Before a step that reaches outside, all rows are written, and its
own says `started`; such steps are at work side by side, and each goes on as soon as it has ended. After a crash a
`started` step is done again with the same key and the same inputs; where its action cannot find its own effect by that
key, the step fails instead and a person is told to look.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ringfence import clock
from ringfence.actions import Action, ContainmentPort, DefenderPort, Json, Result, Wait
from ringfence.actions.base import SUCCESS, LogLevel
from ringfence.playbooks.compiler import Plan, PlanStep, StepStatus, ready, run_status
from ringfence.playbooks.expressions import ExpressionError, holds
from ringfence.playbooks.model import Effect
from ringfence.runs import rows
from ringfence.runs.attachments import Files
from ringfence.runs.attempt import Answer, Failure, attempt
from ringfence.runs.context import StepContext, document_of, kept, line_of, trigger_of
from ringfence.runs.model import Awaited, Run, RunStatus, StepRun
from ringfence.storage import Database, Transaction

_UNKNOWN_EFFECT = (
    "The server stopped while this step was at work, and it is not known whether its effect took place. "
    "Look, and run the playbook again if it did not."
)
# Between two looks of one step, where it asks for the next at once.
_LEAST_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = 86_400.0
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
    ) -> None:
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
        self._steps: dict[str, StepRun] = {}
        self._loaded = not run.resumed
        self._newest = run.newest_change
        self._ever_waited = run.resumed
        self._dirty: dict[str, StepRun] = {}
        self._awaited: dict[str, Awaited] = {}
        self._lines: list[dict[str, Any]] = []
        self._working: dict[asyncio.Task[Answer], _Call] = {}

    async def play(self) -> Ending:
        """Do whatever is ready until nothing is and nothing is at work."""
        if not self._loaded:
            await self._load()
        try:
            while True:
                decision = ready(self._plan, {name: step.seen for name, step in self._steps.items()})
                for name in decision.skip:
                    self._end(self._step(name), StepStatus.SKIPPED)
                if decision.finished:
                    return self._verdict()
                now = clock.now()
                due = [step.step for step in self._waiting() if step.wake_at is not None and step.wake_at <= now]
                if names := [*decision.run, *due]:
                    await self._do(names)
                elif self._working:
                    await self._listen()
                else:
                    wakes = [step.wake_at for step in self._waiting() if step.wake_at is not None]
                    return Ending(RunStatus.WAITING, wake_at=min(wakes, default=None))
        finally:
            await self._abandon()

    async def close(self, ending: Ending) -> bool:
        """Write what is left and let the run go; False if it is to be looked at once more instead."""
        steps, lines, awaited = self._take()

        def work(tx: Transaction) -> bool:
            return rows.let_go(
                tx,
                self.run,
                ending.status,
                error=ending.error,
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
        found = await self._database.read(lambda tx: rows.steps_of(tx, self.run.id))
        self._steps = {name: step for name, step in found.items() if name in self._plan.by_name}
        for step in self._steps.values():
            # After a crash: what had begun is done again, unless its effect could then happen twice.
            if step.status is not StepStatus.STARTED:
                continue
            if self._actions[step.step].repeatable:
                step.status = StepStatus.READY
            else:
                self._fail(step, _UNKNOWN_EFFECT)
        self._loaded = True

    def _waiting(self) -> list[StepRun]:
        return [step for step in self._steps.values() if step.status is StepStatus.WAITING]

    def _verdict(self) -> Ending:
        verdict = run_status(self._plan, {name: step.seen for name, step in self._steps.items()})
        if verdict.stopped is not None:
            said = self._steps[verdict.stopped].output
            reason = str(said.get("reason") or "") if isinstance(said, dict) else ""
            return Ending(RunStatus(verdict.status), reason)
        return Ending(
            RunStatus(verdict.status), "; ".join(f"{name}: {self._steps[name].error}" for name in verdict.failed)
        )

    def _step(self, name: str) -> StepRun:
        if name not in self._steps:
            self._steps[name] = StepRun(self.run.id, name, self._positions[name], self._plan.by_name[name].action)
        return self._steps[name]

    async def _do(self, names: list[str]) -> None:
        """Call what is pure and return; where nothing is, start what reaches outside, once all rows say so."""
        document = document_of(self.run, self._trigger, self._steps)
        pure = [name for name in names if self._plan.by_name[name].effect is Effect.PURE]
        calls = [call for name in pure or names if (call := self._begin(name, document)) is not None]
        if pure:
            for call in calls:
                self._take_in(call, await self._call(call, document))
        elif calls:
            await self._write()
            for call in calls:
                call = replace(call, since=self._newest)
                self._working[asyncio.create_task(self._call(call, document))] = call

    def _begin(self, name: str, document: Mapping[str, Json]) -> _Call | None:
        """Make a step ready to be called; None if it already ended: skipped by its `if`, too late, or impossible."""
        step, planned, action = self._step(name), self._plan.by_name[name], self._actions[name]
        resumed = step.state is not None
        if step.started_at is None:
            try:
                if planned.condition is not None and not holds(planned.condition, document):
                    self._end(step, StepStatus.SKIPPED)
                    return None
                step.started_at = clock.now()
                step.input = planned.inputs(document)
            except ExpressionError as error:
                step.started_at = step.started_at or clock.now()
                self._fail(step, f"{error.message} {error.advice}".strip())
                return None
        elif not resumed and self._expired(step, planned):
            self._fail(step, f"{_late(planned)} {step.error}".strip())
            return None
        # Its state stays, so that a crash resumes it once more.
        step.status = StepStatus.STARTED
        step.wake_at = None
        self._dirty[name] = step
        return _Call(step, planned, action, resumed, self._newest)

    async def _call(self, call: _Call, document: Mapping[str, Json]) -> Answer:
        context = StepContext(
            self.run,
            call.step,
            self._trigger,
            document,
            self._defender,
            self._containment,
            self._plan.log_level,
            self._files,
            self._lines,
        )
        deadline = _deadline(call.step, call.planned)
        seconds = None if deadline is None else max((deadline - clock.now()).total_seconds(), 0.0)
        if seconds is not None and call.resumed:
            seconds = max(seconds, _LAST_LOOK)
        return await attempt(call.action, context, call.step.input or {}, seconds=seconds)

    async def _listen(self) -> None:
        """Wait until a call has ended, or a waiting step is due."""
        if self._dirty or self._lines:
            await self._write()
        waiting = self._waiting()
        wakes = [(step.wake_at - clock.now()).total_seconds() for step in waiting if step.wake_at is not None]
        pause = max(min([self._patience, *wakes]), 0.01) if waiting else None
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
            found = await self._database.read(lambda tx: rows.waiting_of(tx, self.run.id))
            for step in waiting:
                step.wake_at = found.get(step.step, step.wake_at)

    async def _abandon(self) -> None:
        """Stop whatever is still at work: this run is not ours any more."""
        for task in self._working:
            task.cancel()
        if self._working:
            await asyncio.gather(*self._working, return_exceptions=True)
            self._working.clear()

    def _take_in(self, call: _Call, answer: Answer) -> None:
        step = call.step
        if call.resumed:
            self._awaited[step.step] = Awaited(step)
        if isinstance(answer, Failure):
            self._failed(step, call.planned, answer)
        elif isinstance(answer, Wait):
            self._park(call, answer)
        elif isinstance(answer, Result):
            step.outcome = answer.outcome
            step.output = answer.output
            self._end(step, StepStatus.SUCCEEDED)
            self._line(step, "info", "Done." if answer.outcome == SUCCESS else f"Done: {answer.outcome}.")

    def _park(self, call: _Call, wait: Wait) -> None:
        step, now, deadline = call.step, clock.now(), _deadline(call.step, call.planned)
        if deadline is not None and now >= deadline:
            self._fail(step, _late(call.planned))
            return
        wake_at = wait.until
        if wake_at is not None and call.resumed:
            wake_at = max(wake_at, now + _LEAST_PAUSE)
        if deadline is not None:
            wake_at = min(wake_at, deadline) if wake_at is not None else deadline
        step.status = StepStatus.WAITING
        step.state = wait.state
        step.wake_at = wake_at
        step.error = ""
        self._dirty[step.step] = step
        self._line(step, "debug", "Waiting.", until=clock.iso(wake_at) if wake_at else None)
        if wait.topics:
            self._ever_waited = True
            self._awaited[step.step] = Awaited(step, wait.topics, call.since)

    def _failed(self, step: StepRun, planned: PlanStep, failure: Failure) -> None:
        deadline = _deadline(step, planned)
        if deadline is not None and clock.now() >= deadline:
            self._fail(step, f"{_late(planned)} {failure.error}")
            return
        held = failure.again_in is not None
        pause = failure.again_in
        if not held and not failure.permanent:
            pause = planned.retry.pause(step.attempt)
        if pause is None:
            self._fail(step, failure.error)
            return
        pause = min(pause, _LONGEST_PAUSE)
        wake_at = clock.now() + timedelta(seconds=pause)
        if deadline is not None and wake_at >= deadline:
            self._fail(step, f"{failure.error} There is no time left to try again.")
            return
        step.status = StepStatus.WAITING
        step.error = failure.error
        if held:
            # Its state stays: it is the same attempt that goes on.
            self._line(step, "info", f"Waiting {pause:.0f} s: {failure.error}")
        else:
            self._line(step, "warn", f"Attempt {step.attempt} failed, trying again in {pause:g} s: {failure.error}")
            step.attempt += 1
            step.state = None
        step.wake_at = wake_at
        self._dirty[step.step] = step

    def _expired(self, step: StepRun, planned: PlanStep) -> bool:
        deadline = _deadline(step, planned)
        return deadline is not None and clock.now() >= deadline

    def _fail(self, step: StepRun, error: str) -> None:
        self._end(step, StepStatus.FAILED, error)
        self._line(step, "error", error)

    def _end(self, step: StepRun, status: StepStatus, error: str = "") -> None:
        step.status = status
        step.error = error
        step.finished_at = None if status is StepStatus.SKIPPED else clock.now()
        step.state = None
        step.wake_at = None
        self._dirty[step.step] = step

    def _line(self, step: StepRun, level: LogLevel, message: str, **fields: Json) -> None:
        if kept(level, self._plan.log_level):
            self._lines.append(line_of(step, level, message, fields))

    async def _write(self) -> None:
        """Write what happened so far; raise LeaseLost, and nothing is written, if another holder has taken over."""
        steps, lines, awaited = self._take()

        def work(tx: Transaction) -> int:
            rows.write(tx, self.run, steps, lines, awaited, lease=self._lease)
            return rows.newest_change(tx)

        self._newest = await self._database.run(work)

    def _take(self) -> tuple[list[StepRun], list[dict[str, Any]], list[Awaited]]:
        taken = list(self._dirty.values()), self._lines[:], list(self._awaited.values())
        self._dirty.clear()
        self._lines.clear()
        self._awaited.clear()
        return taken


def _deadline(step: StepRun, planned: PlanStep) -> datetime | None:
    if planned.timeout is None or step.started_at is None:
        return None
    return step.started_at + timedelta(seconds=planned.timeout)


def _late(planned: PlanStep) -> str:
    return f"The step did not end within {planned.timeout:g} s."
