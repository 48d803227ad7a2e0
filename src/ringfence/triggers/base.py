"""What a trigger is: its declaration, and the answer to "would this start it, and why not?"."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Declaration:
    """A kind of trigger: its `type` in playbooks, what starts it, and the kinds of change that it tells apart."""

    type: str
    title: str
    description: str
    changes: tuple[str, ...] = ()


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
