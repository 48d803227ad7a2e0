"""Which steps of a run have their turn, which are skipped, and how loops, calls and the run itself end: the rows decide.

A run that is cancelled, or whose time is over, begins nothing more, and neither does a call whose time is over.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ringfence import clock
from ringfence.actions.base import SUCCESS
from ringfence.playbooks import rounds
from ringfence.playbooks.loops import MAX_AT_WORK
from ringfence.playbooks.plan import LONGEST_PAUSE
from ringfence.playbooks.schedule import Decision, StepStatus, run_status
from ringfence.runs.attempt import TIMEOUT
from ringfence.runs.cancelling import Cancel
from ringfence.runs.deadlines import Deadlines
from ringfence.runs.journal import Journal
from ringfence.runs.model import Cause, RunStatus, StepRun, together
from ringfence.runs.scopes import Course, Frame, Loop, Scope, Tries, is_cut
from ringfence.runs.script import Script

UNKNOWN_EFFECT = (
    "The server stopped while this step was at work, and it is not known whether its effect took place. "
    "Look, and run the playbook again if it did not."
)
Turn = tuple[Scope, str]


@dataclass(frozen=True, slots=True)
class Ending:
    """How to let a run go: its status, what nothing handled, when to look again."""

    status: RunStatus
    error: str = ""
    wake_at: datetime | None = None


class Decider:
    """Decides about the steps of one run; `cancel` is who wants it to end, once somebody does."""

    def __init__(self, run_id: str, script: Script, journal: Journal, deadlines: Deadlines) -> None:
        self.course = Course(script.plan)
        self.cancel: Cancel | None = None
        self._run_id = run_id
        self._script = script
        self._journal = journal
        self._deadlines = deadlines

    def turns(self) -> tuple[list[Turn], bool]:
        """Skip what is to be skipped, end the loops and calls that are over; say what is to be done and whether all is."""
        turns: list[Turn] = []
        finished = self._advance(self.course.outer, turns)
        return sorted(turns, key=lambda turn: rounds.path_of(turn[0].iteration)), finished

    def step(self, scope: Scope, name: str) -> StepRun:
        """Return the row of a step, which may be a new one."""
        if name not in scope.steps:
            action, position = scope.plan.by_name[name].action, self._script.positions[name]
            scope.steps[name] = StepRun(self._run_id, name, position, action, iteration=scope.iteration)
        return scope.steps[name]

    def verdict(self) -> Ending:
        """Say how a run ended whose steps are all over."""
        plan, steps = self._script.plan, self.course.outer.steps
        verdict = run_status(plan, {name: step.seen for name, step in steps.items()})
        cut = [name for name, step in steps.items() if step.status is StepStatus.SKIPPED and step.error]
        if self.cancel is not None and (cut or any(each.status is StepStatus.CANCELLED for each in steps.values())):
            return Ending(RunStatus.CANCELLED)
        if verdict.stopped is not None:
            said = steps[verdict.stopped].output
            reason = str(said.get("reason") or "") if isinstance(said, dict) else ""
            return Ending(RunStatus(verdict.status), reason)
        failed = "; ".join(f"{name}: {steps[name].error}" for name in verdict.failed or verdict.handled)
        if cut:
            late = f"The run did not end within {plan.timeout:g} s. Not begun: {', '.join(cut)}."
            return Ending(RunStatus.FAILED, f"{late} {failed}".strip())
        return Ending(RunStatus(verdict.status), failed)

    def _closing(self, scope: Scope) -> str:
        """Why nothing more is begun; empty while it is."""
        if self.cancel is not None:
            return f"The run was cancelled by {self.cancel.by} before its turn came."
        if self._deadlines.until is not None and clock.now() >= self._deadlines.until:
            return "The run's time was over before its turn came."
        return "The call's time was over before its turn came." if self._deadlines.over(scope) else ""

    def _advance(self, scope: Scope, turns: list[Turn], *, winding: bool = False) -> bool:
        """Do so for a scope and all that is in it; returns whether all of it is over."""
        over = winding or scope.stopped is not None or bool(scope.frames and self._closing(scope))
        for frame in list(scope.frames.values()):
            self._advance_frame(frame, turns, over=over)
        decision = self._settled(scope, winding=winding)
        turns += [(scope, name) for name in decision.run]
        return decision.finished

    def _advance_frame(self, frame: Frame, turns: list[Turn], *, over: bool) -> None:
        room = MAX_AT_WORK - self.course.at_work if frame.step.iteration else MAX_AT_WORK
        todo = [*frame.open.values(), *([] if over else frame.begin(room))]
        while todo:
            scope = todo.pop()
            if self._advance(scope, turns, winding=over or frame.stopped is not None):
                frame.close(scope)
                todo += [] if over else frame.begin(1)
        if frame.over or (over and not frame.open):
            if isinstance(frame, Loop):
                self._end_loop(frame)
            elif isinstance(frame, Tries):
                self._end_try(frame)

    def _settled(self, scope: Scope, *, winding: bool) -> Decision:
        if not (why := self._closing(scope)):
            decision = scope.decide(winding=winding)
            self._skip(scope, decision.skip)
            return decision
        if self.cancel is not None:
            self._cut_off(scope, self.cancel)
        while True:
            # What no branch reaches is skipped as ever; the rest of what is pending was reached too late.
            decision = scope.decide()
            self._skip(scope, decision.skip)
            pending = [name for name in decision.run if self.step(scope, name).status is StepStatus.PENDING]
            late = [name for name in pending if not self._comes_back(scope, name)]
            self._skip(scope, late, why)
            if not late:
                return decision

    def _skip(self, scope: Scope, names: list[str] | tuple[str, ...], why: str = "") -> None:
        for name in names:
            self._journal.end(self.step(scope, name), StepStatus.SKIPPED, why)

    def _comes_back(self, scope: Scope, name: str) -> bool:
        """Tell whether a step is the way back from a component in which all was done."""
        call = scope.plan.by_name[name].call
        return call is not None and call.part == "leave" and not any(is_cut(scope.steps[each]) for each in call.steps)

    def _cut_off(self, scope: Scope, cancel: Cancel) -> None:
        for step in scope.steps.values():
            if step.status is StepStatus.READY:
                self._journal.end(step, StepStatus.CANCELLED, f"Cancelled by {cancel.by}. {UNKNOWN_EFFECT}")
            elif step.status is StepStatus.WAITING:
                self._journal.end(step, StepStatus.CANCELLED, f"Cancelled by {cancel.by} while it waited.")

    def _cut_short(self, step: StepRun, scope: Scope, how_far: str) -> bool:
        """End a loop or a call that did not come to its own end because the run is to end."""
        if self.cancel is not None:
            self._journal.end(step, StepStatus.CANCELLED, f"Cancelled by {self.cancel.by}: {how_far}")
        elif scope.ends_early:
            self._journal.end(step, StepStatus.CANCELLED, f"The run was stopped: {how_far}")
        else:
            return False
        return True

    def _end_loop(self, loop: Loop) -> None:
        end = loop.end()
        step = loop.step
        step.output = end.output
        if loop.stopped is not None:
            self._stopped(step, loop.stopped)
        elif end.outcome is not None:
            step.outcome = end.outcome
            self._journal.end(step, StepStatus.SUCCEEDED)
            self._journal.line(step, "info", f"Done: {len(loop.items)} items.")
        elif not self._cut_short(step, loop.scope, f"{loop.begun} of {len(loop.items)} items were begun."):
            self._journal.fail(step, end.error, loop.cause)

    def _stopped(self, step: StepRun, by: StepRun) -> None:
        step.outcome, step.output = by.outcome, by.output
        self._journal.end(step, StepStatus.SUCCEEDED)

    def _end_try(self, call: Tries) -> None:
        """End a call as its last try ended, or have it tried again after a pause."""
        step, ended = call.step, call.ended
        back = ended.steps.get(step.step) if ended is not None else None
        if back is not None:
            step.input = back.input
        if call.stopped is not None:
            call.end()
            self._stopped(step, call.stopped)
        elif back is not None and back.status is StepStatus.SUCCEEDED:
            call.end()
            step.output, step.outcome = back.output, SUCCESS
            self._journal.end(step, StepStatus.SUCCEEDED)
            self._journal.line(step, "info", "Done.")
        elif self._cut_short(step, call.scope, f"it was at its attempt {step.attempt}."):
            call.end()
        elif back is None or back.status is not StepStatus.FAILED:
            call.end()
            late = self._deadlines.late(step, call.planned, call.scope)
            failed = [each for each in ended.steps.values() if each.status is StepStatus.FAILED] if ended else []
            said = " ".join(filter(None, [late, step.error, _left(ended, late)]))
            self._journal.fail(
                step, said, together([Cause(TIMEOUT, permanent=False), *(each.cause for each in failed)])
            )
        else:
            self._failed(call, back)

    def _failed(self, call: Tries, back: StepRun) -> None:
        step, cause = call.step, back.cause
        error, pause = back.error, None
        if late := self._deadlines.late(step, call.planned, call.scope):
            error = error if late in error else f"{late} {error}"
        elif not cause.permanent:
            key = f"{step.run_id}:{step.step}:{step.iteration}"
            pause = call.planned.retry.pause(step.attempt, code=cause.code, key=key)
        wake_at = clock.now() + timedelta(seconds=min(pause or 0.0, LONGEST_PAUSE))
        deadline = self._deadlines.of(step, call.planned, call.scope)
        if pause is not None and deadline is not None and wake_at >= deadline:
            error, pause = f"{error} There is no time left to try again.", None
        if pause is None:
            call.end()
            self._journal.fail(step, error, cause)
            return
        self._journal.line(step, "warn", f"Attempt {step.attempt} failed, trying again in {pause:g} s: {error}")
        step.status, step.wake_at, step.error = StepStatus.WAITING, wake_at, error
        step.end_attempt(clock.now(), error)
        step.attempt += 1
        call.ended = None
        self._journal.note(step)


def _left(ended: Scope | None, late: str) -> str:
    """Say what a call whose time was over had not done."""
    steps = list(ended.steps.values()) if ended is not None else []
    cut = [step.step for step in steps if step.status is StepStatus.SKIPPED and step.error]
    wrong = [f"{step.step}: {step.error}" for step in steps if step.status is StepStatus.FAILED and step.error != late]
    own = ended.frame.step.step if ended is not None and ended.frame is not None else ""
    names = [name for name in cut if name != own]
    return " ".join([*([f"Not begun: {', '.join(names)}."] if names else []), *wrong])
