"""What a run is and which states it can have."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping

from ringfence.playbooks.compiler import StepState, StepStatus


class RunStatus(StrEnum):
    """Where a run stands. requested: nobody has taken it yet; waiting: parked, holding nothing but its rows."""

    REQUESTED = "requested"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = frozenset({RunStatus.REQUESTED, RunStatus.RUNNING, RunStatus.WAITING})


@dataclass(frozen=True, slots=True)
class Run:
    """A run as its holder knows it."""

    id: str
    organization_id: str
    organization_name: str
    playbook_id: str
    playbook_name: str
    playbook_version_id: str
    version: str
    source: str
    account_id: str | None
    alert_id: str | None
    trigger: dict[str, Any]
    alert: dict[str, Any] | None
    fence: int
    nudges: int
    segment: int
    requested_at: datetime
    resumed: bool


@dataclass(slots=True)
class StepRun:
    """One step of one run: a row of `step_runs`, changed in memory and written by the runner."""

    run_id: str
    step: str
    position: int
    action: str
    status: StepStatus = StepStatus.PENDING
    iteration: int = 0
    outcome: str | None = None
    attempt: int = 1
    input: Any = None
    output: Any = None
    error: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    state: Any = None
    wake_at: datetime | None = None

    @classmethod
    def of(cls, row: RowMapping) -> "StepRun":
        """Read a row."""
        return cls(**{**row, "status": StepStatus(row["status"])})

    def row(self) -> dict[str, Any]:
        """Return the row to write."""
        return {name: getattr(self, name) for name in self.__slots__} | {"status": self.status.value}

    @property
    def seen(self) -> StepState:
        """What the plan's scheduling needs to know."""
        return StepState(self.status, self.outcome)
