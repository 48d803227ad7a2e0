"""What happened to steps and is not written yet: rows that changed, lines of the log, changes that are waited for."""

from collections.abc import Sequence
from typing import Any

from ringfence import clock
from ringfence.actions import Json
from ringfence.actions.base import LogLevel
from ringfence.playbooks.schedule import StepStatus
from ringfence.runs.context import kept, line_of
from ringfence.runs.model import Awaited, Cause, Key, StepRun, key_of

Taken = tuple[list[StepRun], list[dict[str, Any]], list[Awaited]]


class Journal:
    """Changes of steps, kept until they are written together; `lines` are what is there to be written already."""

    def __init__(self, log_level: LogLevel, lines: Sequence[dict[str, Any]] = ()) -> None:
        self.log_level: LogLevel = log_level
        self.lines = [line for line in lines if kept(line["level"], log_level)]
        self.cancelled: dict[Key, StepRun] = {}
        self._dirty: dict[Key, StepRun] = {}
        self._awaited: dict[Key, Awaited] = {}

    def note(self, step: StepRun) -> None:
        """Note that a step has changed."""
        self._dirty[key_of(step)] = step

    def waits(self, step: StepRun, topics: tuple[str, ...] = (), since: int = 0) -> None:
        """Note on which changes a step waits; without topics, on none any more."""
        self._awaited[key_of(step)] = Awaited(step, topics, since)

    def line(self, step: StepRun, level: LogLevel, message: str, **fields: Json) -> None:
        """Keep a line of the log, if the playbook's log level wants it."""
        if kept(level, self.log_level):
            self.lines.append(line_of(step, level, message, fields))

    def end(self, step: StepRun, status: StepStatus, error: str = "") -> None:
        """Bring a step to its end."""
        step.status = status
        step.error = error
        step.finished_at = None if status is StepStatus.SKIPPED else clock.now()
        if step.finished_at is not None:
            step.end_attempt(step.finished_at, error)
        step.state = None
        step.wake_at = None
        self.note(step)
        if status is StepStatus.CANCELLED:
            self.cancelled[key_of(step)] = step

    def fail(self, step: StepRun, error: str, cause: Cause) -> None:
        """Bring a step to its end as failed."""
        step.error_code, step.permanent = cause.code, cause.permanent
        self.end(step, StepStatus.FAILED, error)
        self.line(step, "error", error)

    @property
    def empty(self) -> bool:
        """Whether nothing is to be written."""
        return not self._dirty and not self.lines

    def take(self) -> Taken:
        """Give everything that is to be written, and forget it."""
        taken = list(self._dirty.values()), self.lines[:], list(self._awaited.values())
        self._dirty.clear()
        self.lines.clear()
        self._awaited.clear()
        return taken
