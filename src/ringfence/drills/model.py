"""What a drill is, its steps, and the scorecard that it ends with. Pure.

    preparing ─▶ observing ─▶ containing ─▶ releasing ─▶ passed | failed | aborted

Every step is a line of the scorecard. Whatever goes wrong after the host was cut off leads through `releasing`: a drill never
ends with its device isolated, and says so where it cannot be helped.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import RowMapping

EICAR_SHA256: Final = "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f"
"""The hash of the test file that every antivirus knows."""
EICAR_HINT: Final = (
    "On the test device, save the EICAR test file (eicar.org, “eicar.com”) to the downloads folder, or write its 68 characters "
    "to a file. Automatic remediation must be off for the device's group, or Defender answers before the playbook does."
)


class State(StrEnum):
    """Where a drill stands."""

    PREPARING = "preparing"
    OBSERVING = "observing"
    CONTAINING = "containing"
    RELEASING = "releasing"
    PASSED = "passed"
    FAILED = "failed"
    ABORTED = "aborted"


OVER: Final = frozenset({State.PASSED, State.FAILED, State.ABORTED})


class Mark(StrEnum):
    """What became of a step."""

    DONE = "done"
    FAILED = "failed"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the scorecard; `seconds` is how long it took, where that says something."""

    name: str
    mark: Mark
    detail: str
    at: str
    seconds: float | None = None

    @property
    def moment(self) -> datetime:
        """When it was written."""
        return datetime.fromisoformat(self.at)

    def document(self) -> dict[str, Any]:
        """Return it as stored."""
        return {**asdict(self), "mark": self.mark.value}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Step":
        """Read a stored line."""
        return cls(**{**document, "mark": Mark(document["mark"])})


@dataclass(frozen=True, slots=True)
class Drill:
    """One row of `drills`; see storage/tables/drills.py for what the columns mean."""

    id: str
    organization_id: str
    account_id: str
    machine_id: str
    machine_name: str
    device_group: str | None
    os_platform: str | None
    open_key: str | None
    playbook: str
    real: bool
    state: State
    detail: str
    steps: tuple[Step, ...]
    alert_id: str | None
    run_id: str | None
    containment_id: str | None
    started_by: str
    started_at: datetime
    injected_at: datetime | None
    deadline_at: datetime
    aborted_by: str | None
    finished_at: datetime | None
    next_at: datetime | None

    @classmethod
    def of(cls, row: RowMapping) -> "Drill":
        """Read a row."""
        steps = tuple(Step.read(each) for each in row["steps"])
        return cls(**{**row, "state": State(row["state"]), "steps": steps})

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in OVER

    @property
    def title(self) -> str:
        """The title of the alert that a simulator is asked for; it names the drill, so that no other alert is taken for it."""
        return f"Ringfence drill {self.id}: 'EICAR_Test_File' was active on a device"

    @property
    def failures(self) -> tuple[Step, ...]:
        """The steps that failed."""
        return tuple(step for step in self.steps if step.mark is Mark.FAILED)

    def has(self, name: str) -> bool:
        """Whether the scorecard has a line of this name."""
        return any(step.name == name for step in self.steps)


def verdict(steps: Iterable[Step], *, aborted: bool) -> State:
    """Say how a drill ended."""
    if aborted:
        return State.ABORTED
    return State.FAILED if any(step.mark is Mark.FAILED for step in steps) else State.PASSED


def is_test_alert(drill: Drill, document: Mapping[str, Any]) -> bool:
    """Say whether an alert is the one that a drill waits for: of its device, and of the test file."""
    if str(document.get("machineId", "")).lower() != drill.machine_id:
        return False
    title = str(document.get("title", ""))
    if not drill.real:
        return drill.id in title
    evidence = document.get("evidence")
    found = [each for each in evidence if isinstance(each, Mapping)] if isinstance(evidence, list) else []
    hashes = {str(each.get("sha256", "")).lower() for each in found}
    return EICAR_SHA256 in hashes or "eicar" in title.lower()


@dataclass(frozen=True, slots=True)
class Covered:
    """What was rehearsed within the time asked for, of the devices of one group and operating system."""

    device_group: str
    os_platform: str
    devices: int
    drills: int
    passed: int
    last_passed_at: datetime | None
