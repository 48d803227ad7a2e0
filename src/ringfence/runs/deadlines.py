"""Until when a step may take: its own timeout, those of the calls in which it stands, and that of its run."""

from datetime import datetime, timedelta

from ringfence import clock
from ringfence.playbooks.plan import PlanStep
from ringfence.runs.model import StepRun
from ringfence.runs.scopes import Scope


class Deadlines:
    """The deadlines of a run that began at a time and may take so many seconds, or as long as it wants."""

    def __init__(self, begun: datetime, timeout: float | None) -> None:
        self.timeout = timeout
        self.until = begun + timedelta(seconds=timeout) if timeout is not None else None

    def of(self, step: StepRun, planned: PlanStep, scope: Scope) -> datetime | None:
        """Return until when a step of a scope may take."""
        return min((until for until, _ in self._all(step, planned, scope)), default=None)

    def late(self, step: StepRun, planned: PlanStep, scope: Scope) -> str:
        """Say whose time is over, so that the step's is; empty while none is."""
        return self._over(self._all(step, planned, scope))

    def over(self, scope: Scope) -> str:
        """Say whose time is over, so that nothing more is begun in a scope; empty while none is."""
        return self._over(self._around(scope))

    def _over(self, found: list[tuple[datetime, str]]) -> str:
        until, said = min(found, default=(None, ""))
        return said if until is not None and clock.now() >= until else ""

    def _all(self, step: StepRun, planned: PlanStep, scope: Scope) -> list[tuple[datetime, str]]:
        found = self._around(scope)
        if planned.timeout is not None and step.started_at is not None:
            whose = f"call {step.step}" if planned.tries is not None else "step"
            until = step.started_at + timedelta(seconds=planned.timeout)
            found.append((until, f"The {whose} did not end within {planned.timeout:g} s."))
        return found

    def _around(self, scope: Scope) -> list[tuple[datetime, str]]:
        found = [(self.until, f"The run did not end within {self.timeout:g} s.")] if self.until is not None else []
        for frame in (each.frame for each in scope.chain if each.frame is not None):
            if frame.tries and frame.planned.timeout is not None and frame.step.started_at is not None:
                until = frame.step.started_at + timedelta(seconds=frame.planned.timeout)
                found.append((until, f"The call {frame.step.step} did not end within {frame.planned.timeout:g} s."))
        return found
