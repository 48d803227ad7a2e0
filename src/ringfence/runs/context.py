"""What one call of an action sees; see `ringfence.actions.Context`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ringfence import clock
from ringfence.actions import RAW_ALERT, ContainmentPort, DefenderPort, Json
from ringfence.actions.base import LogLevel
from ringfence.runs.model import Run, StepRun

_LEVELS = ("error", "warn", "info", "debug", "trace")


def kept(level: str, log_level: str) -> bool:
    """Say whether a line of `level` is kept at the playbook's log level."""
    return _LEVELS.index(level) <= _LEVELS.index(log_level)


def trigger_of(run: Run) -> dict[str, Json]:
    """Return what started the run, as playbooks see it: `alert` is the document exactly as Defender sent it."""
    found: dict[str, Json] = dict(run.trigger)
    if run.alert is not None:
        found["alert"] = run.alert
        found[RAW_ALERT] = run.alert
    return found


def document_of(run: Run, trigger: Mapping[str, Json], steps: Mapping[str, StepRun]) -> dict[str, Json]:
    """Return the document that expressions are evaluated over."""
    return {
        "trigger": dict(trigger),
        "steps": {name: step.output for name, step in steps.items() if step.status == "succeeded"},
        "playbook": {"name": run.playbook_name, "version": run.version},
        "run": {"id": run.id, "requested_at": clock.iso(run.requested_at)},
        "organization": {"id": run.organization_id, "name": run.organization_name},
        "inputs": {},
    }


@dataclass(frozen=True, slots=True)
class StepContext:
    """One call of one action."""

    run: Run
    step: StepRun
    trigger: Mapping[str, Json]
    run_document: Mapping[str, Json]
    defender: DefenderPort
    containment: ContainmentPort
    log_level: str
    lines: list[dict[str, Any]] = field(default_factory=list)

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.run.id

    @property
    def playbook_name(self) -> str:
        """The playbook's name."""
        return self.run.playbook_name

    @property
    def organization(self) -> str:
        """The organization's id."""
        return self.run.organization_id

    @property
    def step_key(self) -> str:
        """`run:step:iteration`, the same over attempts and crashes."""
        return f"{self.run.id}:{self.step.step}:{self.step.iteration}"

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""
        return self.step.attempt

    @property
    def resumed(self) -> Json:
        """The state of the wait that ended, None if there was none."""
        state: Json = self.step.state
        return state

    def document(self) -> Mapping[str, Json]:
        """The run document."""
        return self.run_document

    def now(self) -> datetime:
        """The present time."""
        return clock.now()

    def log(self, level: LogLevel, message: str, **fields: Json) -> None:
        """Keep a line for people, if the playbook's log level wants it."""
        if kept(level, self.log_level):
            self.lines.append(
                {
                    "run_id": self.run.id,
                    "step": self.step.step,
                    "at": clock.now(),
                    "level": level,
                    "message": message,
                    "fields": fields,
                }
            )
