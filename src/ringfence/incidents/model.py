"""What an incident is, how it may stand, and what may be written about it.

open ─▶ in_progress ─▶ resolved     each may follow each, but a resolved one is reopened, and a merged one stays closed
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from ringfence.errors import Conflict, Invalid
from ringfence.storage.columns import storable

LONGEST_TITLE: Final = 300
LONGEST_NAME: Final = 200
LONGEST_TEXT: Final = 20_000
LONGEST_REASON: Final = 2_000
MOST_ALERTS: Final = 1_000
MOST_TASKS: Final = 500


class Status(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"


class Resolution(StrEnum):
    """How an incident ended."""

    TRUE_POSITIVE = "true_positive"
    BENIGN = "benign"
    FALSE_POSITIVE = "false_positive"
    UNDETERMINED = "undetermined"
    MERGED = "merged"


GIVEN: Final = tuple(each for each in Resolution if each is not Resolution.MERGED)
"""The resolutions that a person or a playbook gives."""


class Severity(StrEnum):
    """Defender's words for how bad it is, the least first."""

    UNSPECIFIED = "UnSpecified"
    INFORMATIONAL = "Informational"
    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"


class Kind(StrEnum):
    """What changes of an incident are called, in its events and in the change feed."""

    CREATED = "created"
    ALERTS_ADDED = "alerts_added"
    ALERTS_REMOVED = "alerts_removed"
    UPDATED = "updated"
    NOTED = "noted"
    TASK_ADDED = "task_added"
    TASK_UPDATED = "task_updated"
    HOST_HELD = "host_held"
    HOST_LET_GO = "host_let_go"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    MERGED = "merged"


class InAnotherIncident(Conflict):
    """An alert belongs to another incident that is not resolved."""

    code = "in_another_incident"


class NotOpen(Conflict):
    """The incident is resolved, and what was asked for needs one that is not."""

    code = "incident_resolved"


@dataclass(frozen=True, slots=True)
class Author:
    """Who makes a change: a person, or a step of a run, whose `key` lets it be made once."""

    by: str
    run_id: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident; `number` is what people call it in their organization, `merged_into` the number of another one."""

    id: str
    organization_id: str
    number: int
    title: str
    status: Status
    severity: str
    owner: str | None
    resolution: Resolution | None
    reason: str
    merged_into: int | None
    created_at: datetime
    created_by: str
    updated_at: datetime
    resolved_at: datetime | None

    @property
    def open(self) -> bool:
        """Whether it is not resolved."""
        return self.status is not Status.RESOLVED

    @property
    def name(self) -> str:
        """What people call it."""
        return f"#{self.number}"


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody wrote."""

    id: str
    at: datetime
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class Task:
    """Something to be done; numbers count in the incident.

    With a `form` (see `forms`), a step of the run `run_id` waits for it; `filled` is what people filled in. `done_at` and
    `done_by` say when and by whom it ended, however it `ended`.
    """

    number: int
    title: str
    assignee: str | None
    due_at: datetime | None
    created_at: datetime
    created_by: str
    done_at: datetime | None
    done_by: str | None
    text: str = ""
    form: Any = None
    filled: Any = None
    ended: str | None = None
    run_id: str | None = None

    @property
    def open(self) -> bool:
        """Whether it is still to be done."""
        return self.done_at is None

    @property
    def done(self) -> bool:
        """Whether it is done."""
        return self.state == "done"

    @property
    def state(self) -> str:
        """How it stands: open, done, cancelled or expired."""
        return "open" if self.open else self.ended or "done"

    def late(self, now: datetime) -> bool:
        """Whether its time has passed and it is not done."""
        return self.open and self.due_at is not None and self.due_at < now


@dataclass(frozen=True, slots=True)
class Event:
    """One change: what, by whom, and what it changed in particular."""

    id: int
    at: datetime
    by: str
    kind: str
    detail: str
    facts: Any
    run_id: str | None


def worst(severities: list[str]) -> str:
    """Return the worst of some severities in Defender's words; words that are not Defender's count least."""
    known = list(Severity)
    ranked = [Severity(each) for each in severities if each in known]
    return max(ranked, key=known.index, default=Severity.UNSPECIFIED).value


def severity(text: str) -> str:
    """Return a severity in Defender's spelling, however it was written; Invalid if there is none such."""
    for each in Severity:
        if each.value.lower() == text.strip().lower():
            return each.value
    raise Invalid(f"There is no severity {text[:60]!r}.", advice=f"Use one of: {', '.join(Severity)}.")


def resolution(text: str) -> Resolution:
    """Return a resolution that may be given, however it was written; Invalid if there is none such."""
    plain = text.strip().lower().replace("-", "_").replace(" ", "_")
    for each in GIVEN:
        if each.value == plain:
            return each
    raise Invalid(f"There is no resolution {text[:60]!r}.", advice=f"Use one of: {', '.join(GIVEN)}.")


def line(text: str, what: str, longest: int) -> str:
    """Return one line of text as it is kept; Invalid where it is empty or too long."""
    kept = " ".join(storable(text).split())
    if not kept:
        raise Invalid(f"{what} must not be empty.", advice="Say it in a few words.")
    if len(kept) > longest:
        raise Invalid(f"{what} has {len(kept)} characters; {longest} are the most.", advice="Say it in fewer words.")
    return kept


def prose(text: str, what: str, longest: int) -> str:
    """Return a text of several lines as it is kept; Invalid where it is empty or too long."""
    kept = storable(text).strip()
    if not kept:
        raise Invalid(f"{what} must not be empty.", advice="Say it in a few words.")
    if len(kept) > longest:
        raise Invalid(f"{what} has {len(kept)} characters; {longest} are the most.", advice="Shorten it.")
    return kept


def number_of(text: str) -> int:
    """Read `12` or `#12`; Invalid if it is no number of an incident."""
    plain = text.strip().removeprefix("#")
    if not (plain.isascii() and plain.isdecimal() and 0 < len(plain) <= 9 and int(plain)):
        raise Invalid(
            f"{text[:60]!r} is not the number of an incident.", advice="Give e.g. 12; see the list of incidents."
        )
    return int(plain)
