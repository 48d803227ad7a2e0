"""What becomes of a step when its call has come back: it ends, waits, or is tried again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from ringfence import clock
from ringfence.actions import Action, Json, Result, Wait
from ringfence.actions.base import SUCCESS
from ringfence.playbooks.plan import LONGEST_PAUSE, PlanStep
from ringfence.playbooks.schedule import StepStatus
from ringfence.runs.attempt import TIMEOUT, Answer, Failure
from ringfence.runs.context import outline
from ringfence.runs.deadlines import Deadlines
from ringfence.runs.journal import Journal
from ringfence.runs.model import Cause, StepRun
from ringfence.runs.scopes import Scope

# Between two looks of one step, where it asks for the next at once.
_LEAST_PAUSE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a step's action; `since` is the newest change when it began."""

    scope: Scope
    step: StepRun
    planned: PlanStep
    action: Action
    document: Mapping[str, Json]
    resumed: bool
    since: int


class Answers:
    """Takes the answers of calls in; `ever_waited` says whether a step of the run may have waited for changes."""

    def __init__(self, journal: Journal, deadlines: Deadlines, *, ever_waited: bool) -> None:
        self.ever_waited = ever_waited
        self._journal = journal
        self._deadlines = deadlines

    def take_in(self, call: Call, answer: Answer) -> None:
        """Do with a step as its call says."""
        step = call.step
        if call.resumed or self.ever_waited:
            self._journal.waits(step)
        if isinstance(answer, Failure):
            self._failed(call, answer)
        elif isinstance(answer, Wait):
            self._park(call, answer)
        elif isinstance(answer, Result):
            step.outcome = answer.outcome
            step.output = answer.output
            self._journal.end(step, StepStatus.SUCCEEDED)
            self._journal.line(step, "info", "Done." if answer.outcome == SUCCESS else f"Done: {answer.outcome}.")
            self._journal.line(step, "trace", f"The output is {outline(step.output)}.")

    def _park(self, call: Call, wait: Wait) -> None:
        step, now = call.step, clock.now()
        if late := self._deadlines.late(step, call.planned, call.scope):
            self._journal.fail(step, late, Cause(TIMEOUT, permanent=False))
            return
        wake_at, deadline = wait.until, self._deadlines.of(step, call.planned, call.scope)
        if wake_at is not None and call.resumed:
            wake_at = max(wake_at, now + _LEAST_PAUSE)
        if deadline is not None:
            wake_at = min(wake_at, deadline) if wake_at is not None else deadline
        step.status = StepStatus.WAITING
        step.state = wait.state
        step.wake_at = wake_at
        step.error = ""
        self._journal.note(step)
        self._journal.line(step, "debug", "Waiting.", until=clock.iso(wake_at) if wake_at else None)
        if wait.topics:
            self._wait_for(call, wait.topics)

    def _failed(self, call: Call, failure: Failure) -> None:
        step = call.step
        if late := self._deadlines.late(step, call.planned, call.scope):
            self._journal.fail(step, f"{late} {failure.error}", Cause(TIMEOUT, failure.permanent))
            return
        held = failure.again_in is not None
        pause = failure.again_in
        if not held and not failure.permanent:
            key = f"{step.run_id}:{step.step}:{step.iteration}"
            pause = call.planned.retry.pause(step.attempt, code=failure.code, key=key)
        cause = Cause(failure.code, failure.permanent)
        if pause is None:
            self._journal.fail(step, failure.error, cause)
            return
        wake_at = clock.now() + timedelta(seconds=min(pause, LONGEST_PAUSE))
        deadline = self._deadlines.of(step, call.planned, call.scope)
        if deadline is not None and held and failure.topics:
            # What it waits for may change at any time until then.
            wake_at = min(wake_at, deadline)
        elif deadline is not None and wake_at >= deadline:
            self._journal.fail(step, f"{failure.error} There is no time left to try again.", cause)
            return
        step.status = StepStatus.WAITING
        said, step.error = step.error, failure.error
        if held:
            # Its state stays: it is the same attempt that goes on.
            if failure.topics:
                self._wait_for(call, failure.topics)
            if said != failure.error:
                how = "Waiting" if failure.topics else f"Waiting {pause:.0f} s"
                self._journal.line(step, "info", f"{how}: {failure.error}")
        else:
            said = f"Attempt {step.attempt} failed, trying again in {pause:g} s: {failure.error}"
            self._journal.line(step, "warn", said)
            step.end_attempt(clock.now(), failure.error)
            step.attempt += 1
            step.state = None
        step.wake_at = wake_at
        self._journal.note(step)

    def _wait_for(self, call: Call, topics: tuple[str, ...]) -> None:
        self.ever_waited = True
        self._journal.waits(call.step, topics, call.since)
