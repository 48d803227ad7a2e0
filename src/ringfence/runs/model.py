"""What a run is and which states it can have."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping

from ringfence import clock
from ringfence.playbooks.schedule import StepState, StepStatus
from ringfence.storage.columns import storable

LONGEST_ERROR = 2_000
LONGEST_CODE = 500


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


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something failed, for whoever may try it again: the code of the error, of several all, and whether trying can help."""

    code: str = ""
    permanent: bool = True


def together(causes: Iterable[Cause]) -> Cause:
    """Put causes together: what failed for several reasons may only be tried again if each of them may pass."""
    found = list(causes)
    codes = sorted({code for cause in found for code in cause.code.split(",")})
    return Cause(",".join(codes), permanent=not found or any(cause.permanent for cause in found))


@dataclass(slots=True)
class StepRun:
    """One step of one run: a row of `step_runs`, changed in memory and written by the runner.

    `iteration` is its round, see `playbooks.rounds`. `error_code` and `permanent` are those of the error of a step that failed.
    """

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
    error_code: str = ""
    permanent: bool | None = None

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
            values["error_code"] = shortened(self.error_code, LONGEST_CODE)
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
    def cause(self) -> Cause:
        """Why it failed; of what failed before this was recorded nobody knows that trying again could help."""
        return Cause(self.error_code, self.permanent is not False)

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
