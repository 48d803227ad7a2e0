"""Carry a run one segment forward: take it, do every step that is ready, write what happened, park what waits, let go.

Steps whose effect is PURE leave no row of their own before the next row is needed: they are done again after a crash, which
nobody can tell. Before a step that reads or writes anything outside, all rows are written and its own says `started`. After
a crash a `started` step is done again with the same key; where its action cannot find its own effect by that key, the step
fails instead and a person is told to look.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from ringfence import clock, logs
from ringfence.actions import Action, ActionError, ContainmentPort, DefenderPort, Json, Result, Wait
from ringfence.actions.base import SUCCESS
from ringfence.actions.catalogue import Catalogue
from ringfence.errors import Invalid, LeaseLost
from ringfence.playbooks import document
from ringfence.playbooks.compiler import Plan, PlanStep, StepStatus, compile_playbook, ready, run_status
from ringfence.playbooks.expressions import ExpressionError, holds
from ringfence.playbooks.model import Effect
from ringfence.runs import rows
from ringfence.runs.context import StepContext, document_of, kept, trigger_of
from ringfence.runs.model import Run, RunStatus, StepRun
from ringfence.storage import Database, Transaction, changes

log = logs.get(__name__)

Ports = Callable[[Run], tuple[DefenderPort, ContainmentPort]]
_UNKNOWN_EFFECT = (
    "The server stopped while this step was at work, and it is not known whether its effect took place. "
    "Look, and run the playbook again if it did not."
)


class Runner:
    """Carries runs for one worker, which `owner` names; `lease` is in seconds."""

    def __init__(self, database: Database, catalogue: Catalogue, ports: Ports, *, owner: str, lease: float) -> None:
        self._database = database
        self._catalogue = catalogue
        self._ports = ports
        self._owner = owner
        self._lease = lease
        self.carrying: set[str] = set()
        self._plan = lru_cache(maxsize=256)(self._compile)

    def _compile(self, _version_id: str, source: str) -> Plan:
        found = document.read(source)
        if found.playbook is None:
            raise Invalid(
                "This version of the playbook cannot be read by this release.",
                advice="Publish it again after `ringfence playbook check`.",
            )
        return compile_playbook(found.playbook, self._catalogue)

    async def advance(self, run_id: str) -> tuple[int, datetime] | None:
        """Carry a run as far as it goes now; returns (segment, time) if it is to be carried on at a time, else None."""
        run = await self._database.run(lambda tx: rows.claim(tx, run_id, owner=self._owner, lease=self._lease))
        if run is None:
            return None
        self.carrying.add(run_id)
        try:
            with logs.bind(organization=run.organization_id, run=run_id):
                return await self._carry(run)
        except LeaseLost:
            log.warning("run is carried elsewhere", run=run_id)
            return None
        finally:
            self.carrying.discard(run_id)

    async def _carry(self, claimed: Run) -> tuple[int, datetime] | None:
        try:
            plan = self._plan(claimed.playbook_version_id, claimed.source)
        except Invalid as unusable:
            reason = str(unusable)
            await self._database.run(lambda tx: rows.let_go(tx, claimed, RunStatus.FAILED, error=reason))
            return None
        segment = Segment(claimed, plan, self._database, self._catalogue, *self._ports(claimed), lease=self._lease)
        while True:
            ending = await segment.play()
            if ending is not None:
                status, error, wake_at = ending
                if await segment.close(status, error):
                    return (claimed.segment, wake_at) if wake_at is not None else None
            # Somebody asked for another look while the run was being let go.
            await segment.look_again()


class Segment:
    """One holding of a run, from claim to letting go."""

    def __init__(
        self,
        run: Run,
        plan: Plan,
        database: Database,
        catalogue: Catalogue,
        defender: DefenderPort,
        containment: ContainmentPort,
        *,
        lease: float,
    ) -> None:
        self.run = run
        self._plan = plan
        self._database = database
        self._catalogue = catalogue
        self._defender = defender
        self._containment = containment
        self._lease = lease
        self._trigger = trigger_of(run)
        self._steps: dict[str, StepRun] | None = {} if not run.resumed else None
        self._dirty: dict[str, StepRun] = {}
        self._lines: list[dict[str, Any]] = []
        self._positions = {step.name: position for position, step in enumerate(plan.steps)}

    async def play(self) -> tuple[RunStatus, str, datetime | None] | None:
        """Do whatever is ready until nothing is; returns how to let go: status, error, when to look again."""
        if self._steps is None:
            self._steps = await self._database.read(lambda tx: rows.steps_of(tx, self.run.id))
            self._take_up()
        while True:
            decision = ready(self._plan, {name: step.seen for name, step in self._steps.items()})
            for name in decision.skip:
                self._skip(name)
            now = clock.now()
            due = [
                step.step
                for step in self._steps.values()
                if step.status is StepStatus.WAITING and step.wake_at is not None and step.wake_at <= now
            ]
            if decision.finished:
                verdict = run_status(self._plan, {name: step.seen for name, step in self._steps.items()})
                reasons = "; ".join(f"{name}: {self._steps[name].error}" for name in verdict.failed)
                return RunStatus(verdict.status), reasons, None
            if not decision.run and not due:
                wakes = [
                    step.wake_at for step in self._steps.values() if step.status is StepStatus.WAITING and step.wake_at
                ]
                return RunStatus.WAITING, "", min(wakes, default=None)
            await self._do([*decision.run, *due])

    def _take_up(self) -> None:
        """After a crash: what had begun is done again, unless its effect could then happen twice."""
        assert self._steps is not None
        for step in self._steps.values():
            if step.status is not StepStatus.STARTED:
                continue
            action = self._catalogue.find(step.action)
            if action is not None and action.repeatable:
                step.status = StepStatus.READY
            else:
                self._finish(step, StepStatus.FAILED, error=_UNKNOWN_EFFECT)

    def _step(self, name: str) -> StepRun:
        assert self._steps is not None
        if name not in self._steps:
            self._steps[name] = StepRun(self.run.id, name, self._positions[name], self._plan.by_name[name].action)
        return self._steps[name]

    def _skip(self, name: str) -> None:
        step = self._step(name)
        step.status = StepStatus.SKIPPED
        self._dirty[name] = step

    async def _do(self, names: list[str]) -> None:
        """Start steps together; those that reach outside only after all rows say so."""
        assert self._steps is not None
        run_document = document_of(self.run, self._trigger, self._steps)
        begun: list[tuple[StepRun, PlanStep, Action]] = []
        for name in names:
            step, planned = self._step(name), self._plan.by_name[name]
            action = self._begin(step, planned, run_document)
            if action is not None:
                begun.append((step, planned, action))
        outside = any(planned.effect is not Effect.PURE for _, planned, _ in begun)
        if outside:
            await self._flush()
        since = await self._database.read(changes.latest) if outside else 0
        await asyncio.gather(*(self._perform(*each, run_document, since) for each in begun))
        if outside:
            await self._flush()

    def _begin(self, step: StepRun, planned: PlanStep, run_document: Mapping[str, Json]) -> Action | None:
        """Make a step ready to be performed; None if it already ended: skipped by its `if`, or impossible."""
        now = clock.now()
        if step.status is StepStatus.WAITING and step.state is not None:
            if self._left(step, planned) == 0.0:
                self._finish(step, StepStatus.FAILED, error=f"The step did not end within {planned.timeout:g} s.")
                return None
            # Its row stays as it is, waiting and due: after a crash the action is resumed once more.
            return self._catalogue.find(step.action)
        self._dirty[step.step] = step
        action = self._catalogue.find(step.action)
        if step.started_at is None:
            step.started_at = now
        try:
            if planned.condition is not None and not holds(planned.condition, run_document):
                step.status = StepStatus.SKIPPED
                step.started_at = None
                return None
            step.input = planned.inputs(run_document)
        except ExpressionError as error:
            self._finish(step, StepStatus.FAILED, error=f"{error.message} {error.advice}".strip())
            return None
        if action is None:
            self._finish(step, StepStatus.FAILED, error=f"The action {step.action} is not installed any more.")
            return None
        step.status = StepStatus.STARTED
        step.wake_at = None
        return action

    async def _perform(
        self, step: StepRun, planned: PlanStep, action: Action, run_document: Mapping[str, Json], since: int
    ) -> None:
        context = StepContext(
            self.run,
            step,
            self._trigger,
            run_document,
            self._defender,
            self._containment,
            self._plan.log_level,
            self._lines,
        )
        try:
            async with asyncio.timeout(self._left(step, planned)):
                answer = await action.call(context, step.input or {})
        except TimeoutError:
            self._failed(step, planned, f"The step did not end within {planned.timeout:g} s.", permanent=False)
        except ActionError as error:
            self._failed(step, planned, f"{error.message} {error.advice}".strip(), permanent=error.permanent)
        except LeaseLost:
            raise
        except Exception as error:
            log.exception("action failed with a bug", step=step.step, action=step.action)
            self._failed(
                step,
                planned,
                f"Internal error ({type(error).__name__}) in {step.action}; see the server's log.",
                permanent=True,
            )
        else:
            if isinstance(answer, Wait):
                await self._park(step, planned, answer, since)
            else:
                self._succeeded(step, answer)

    def _left(self, step: StepRun, planned: PlanStep) -> float | None:
        if planned.timeout is None or step.started_at is None:
            return None
        return max(planned.timeout - (clock.now() - step.started_at).total_seconds(), 0.0)

    async def _park(self, step: StepRun, planned: PlanStep, wait: Wait, since: int) -> None:
        step.status = StepStatus.WAITING
        step.state = wait.state
        step.wake_at = wait.until
        if planned.timeout is not None and step.started_at is not None:
            latest = step.started_at + timedelta(seconds=planned.timeout)
            step.wake_at = min(step.wake_at, latest) if step.wake_at else latest
        self._line(step, "debug", "Waiting.", until=clock.iso(step.wake_at) if step.wake_at else None)
        if wait.topics:
            # The row and what it waits on are written together, so that a change in between finds them.
            dirty, lines = self._take()
            dirty[step.step] = step

            def work(tx: Transaction) -> None:
                if rows.wait_on(tx, self.run.id, step.step, wait.topics, since=since):
                    step.wake_at = clock.now()
                rows.write(tx, self.run, list(dirty.values()), lines, lease=self._lease)

            await self._database.run(work)
        else:
            self._dirty[step.step] = step

    def _succeeded(self, step: StepRun, result: Result) -> None:
        step.outcome = result.outcome
        step.output = result.output
        self._finish(step, StepStatus.SUCCEEDED)
        self._line(step, "info", "Done." if result.outcome == SUCCESS else f"Done: {result.outcome}.")

    def _failed(self, step: StepRun, planned: PlanStep, error: str, *, permanent: bool) -> None:
        pause = None if permanent else planned.retry.pause(step.attempt)
        expired = self._left(step, planned) == 0.0
        if pause is None or expired:
            self._finish(step, StepStatus.FAILED, error=error)
            self._line(step, "error", error)
            return
        step.status = StepStatus.WAITING
        step.error = error
        step.attempt += 1
        step.state = None
        step.wake_at = clock.now() + timedelta(seconds=pause)
        self._dirty[step.step] = step
        self._line(step, "warn", f"Attempt {step.attempt - 1} failed, trying again in {pause:g} s: {error}")

    def _finish(self, step: StepRun, status: StepStatus, *, error: str = "") -> None:
        step.status = status
        step.error = error
        step.finished_at = clock.now()
        step.state = None
        step.wake_at = None
        self._dirty[step.step] = step

    def _line(self, step: StepRun, level: str, message: str, **fields: Json) -> None:
        if kept(level, self._plan.log_level):
            self._lines.append(
                {
                    "run_id": self.run.id,
                    "step": step.step,
                    "at": clock.now(),
                    "level": level,
                    "message": message,
                    "fields": fields,
                }
            )

    async def _flush(self) -> None:
        dirty, lines = self._take()
        if dirty or lines:
            written = list(dirty.values())
            await self._database.run(lambda tx: rows.write(tx, self.run, written, lines, lease=self._lease))

    def _take(self) -> tuple[dict[str, StepRun], list[dict[str, Any]]]:
        dirty, lines = dict(self._dirty), self._lines[:]
        self._dirty.clear()
        self._lines.clear()
        return dirty, lines

    async def close(self, status: RunStatus, error: str) -> bool:
        """Write what is left and let the run go; False if somebody asked for another look meanwhile."""
        dirty, lines = self._take()
        steps = list(dirty.values())
        return await self._database.run(
            lambda tx: rows.let_go(tx, self.run, status, error=error, steps=steps, lines=lines)
        )

    async def look_again(self) -> None:
        """Read the rows anew, since somebody may have made a waiting step due."""
        nudges = await self._database.read(lambda tx: rows.nudges_of(tx, self.run.id))
        self.run = replace(self.run, nudges=nudges)
        self._steps = None
