"""What a run is and which states it can have."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping

from ringfence import clock
from ringfence.playbooks.schedule import StepState, StepStatus
from ringfence.storage.columns import storable

LONGEST_ERROR = 2_000


Key = tuple[str, int]


class RunStatus(StrEnum):
    """Where a run stands. requested: nobody has taken it yet; waiting: parked, holding nothing but its rows.

    partly_failed: steps or items failed, and everything that failed was handled.
    """

    REQUESTED = "requested"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    PARTLY_FAILED = "partly_failed"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = frozenset({RunStatus.REQUESTED, RunStatus.RUNNING, RunStatus.WAITING})


def shortened(text: str, most: int = LONGEST_ERROR) -> str:
    """Return a text that every database can hold and that is at most `most` characters long."""
    return storable(text if len(text) <= most else f"{text[: most - 1]}…")


@dataclass(frozen=True, slots=True)
class Run:
    """A run as its holder knows it; `newest_change` is the number that the change feed had reached when it was claimed.

    `alert` is the document as it came from `alert_source`; `alerts` has sources and documents of all alerts of a run that
    others may join, and is empty for any other run. `continues` are the runs whose recorded steps it goes on from: what they
    hold is its own to let go.
    """

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
    started_at: datetime | None = None
    newest_change: int = 0
    alert_source: str = "defender"
    alerts: tuple[tuple[str, dict[str, Any]], ...] = ()
    continues: tuple[str, ...] = ()


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
    attempts: Any = None
    attempt_started_at: datetime | None = None

    @classmethod
    def of(cls, row: RowMapping) -> "StepRun":
        """Read a row."""
        return cls(**{**row, "status": StepStatus(row["status"])})

    def row(self) -> dict[str, Any]:
        """Return the row to write."""
        values = {name: getattr(self, name) for name in self.__slots__}
        values["status"] = self.status.value
        if self.error:
            values["error"] = shortened(self.error)
        return values

    def begin_attempt(self, now: datetime) -> None:
        """Note when this attempt began; after a crash it goes on since then."""
        if self.attempt_started_at is None:
            self.attempt_started_at = now

    def end_attempt(self, now: datetime, error: str) -> None:
        """Note how this attempt ended, if it had begun: `{number, started_at, finished_at, error}`, times in ISO 8601."""
        if self.attempt_started_at is None:
            return
        ended = {
            "number": self.attempt,
            "started_at": clock.iso(self.attempt_started_at),
            "finished_at": clock.iso(now),
            "error": shortened(error),
        }
        self.attempts = [*(self.attempts or ()), ended]
        self.attempt_started_at = None

    @property
    def seen(self) -> StepState:
        """What the plan's scheduling needs to know."""
        return StepState(self.status, self.outcome)


def key_of(step: StepRun) -> Key:
    """Return by what a step of a run is known: its name and its iteration."""
    return step.step, step.iteration


@dataclass(frozen=True, slots=True)
class Awaited:
    """The changes that a step waits for: of `topics`, above number `since`. Without topics it waits for none any more."""

    step: StepRun
    topics: tuple[str, ...] = ()
    since: int = 0
