"""What a trigger is: its declaration, and the answer to "would this start it, and why not?"."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Declaration:
    """A kind of trigger: its `type` in playbooks, what starts it, and the kinds of change that it tells apart."""

    type: str
    title: str
    description: str
    changes: tuple[str, ...] = ()


class Verdict(StrEnum):
    """What one trigger decided about one version of an alert, as the one letter that is kept of it.

    From `account` on it is the first condition that did not hold.
    """

    STARTED = "+"
    JOINED = "j"
    OWN = "e"
    LATE = "l"
    OFF = "o"
    ACCOUNT = "a"
    CHANGES = "c"
    STATUS = "s"
    SEVERITY = "v"
    CATEGORY = "g"
    WHERE = "w"
    AWAITED = "h"

    @property
    def word(self) -> str:
        """The verdict as people and the API name it."""
        return _WORDS.get(self, "not_matched")

    @property
    def field(self) -> str | None:
        """The condition that did not hold, None if it was not for a condition."""
        return None if self in _WORDS else self.name.lower()


_WORDS = {
    Verdict.STARTED: "started",
    Verdict.JOINED: "joined",
    Verdict.OWN: "own_change",
    Verdict.LATE: "late",
    Verdict.OFF: "paused",
    Verdict.AWAITED: "awaited",
}


@dataclass(frozen=True, slots=True)
class FieldMatch:
    """What one condition of a trigger says about one event."""

    field: str
    matched: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Match:
    """Whether an event starts a playbook, condition by condition; conditions after one that is costly and failed are left out."""

    fields: tuple[FieldMatch, ...]

    @property
    def matched(self) -> bool:
        """Whether every condition holds."""
        return all(field.matched for field in self.fields)

    @property
    def reason(self) -> str:
        """Why it does not start, or, if it does, why it does."""
        failed = [field.reason for field in self.fields if not field.matched]
        return " ".join(failed or (field.reason for field in self.fields))
