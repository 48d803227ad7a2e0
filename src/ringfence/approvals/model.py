"""What a question to people is, which states it can have, and who may answer it. Pure.

    open ─▶ approved | rejected | expired | void

One "no" rejects; as many different people as are needed must say yes. `void`: what the question was about has changed, so no
answer counts any more.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping


class Subject(StrEnum):
    """What waits for the answer."""

    CONTAINMENT = "containment"
    STEP = "step"
    RESPONSE = "response"
    PLAYBOOK = "playbook"


class State(StrEnum):
    """Where a question stands."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `bound_to` are the facts that the answer is given for; `patience` is in seconds.

    `approvers` may answer, or everybody if there are none; after `patience` without enough answers the question goes to
    `escalate_to` as well, for as long again, or is over where nobody is named.
    """

    subject: Subject
    subject_id: str
    text: str
    reasons: tuple[str, ...]
    bound_to: dict[str, Any]
    asked_by: str
    patience: float
    approvers: tuple[str, ...] = ()
    needed: int = 1
    self_approval: bool = False
    escalate_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What one person said, and how it came: `page`, `command line`, `link`, `API`."""

    by: str
    yes: bool
    comment: str
    via: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """A question, where it stands and what was answered, the earliest first."""

    id: str
    organization_id: str
    question: Question
    state: State
    detail: str
    asked_at: datetime
    expires_at: datetime
    escalated_at: datetime | None
    closed_at: datetime | None
    answers: tuple[Answer, ...] = ()

    @classmethod
    def of(cls, row: RowMapping, answers: tuple[Answer, ...] = ()) -> "Approval":
        """Read a row of `approvals`."""
        question = Question(
            subject=Subject(row["subject"]),
            subject_id=row["subject_id"],
            text=row["question"],
            reasons=tuple(row["reasons"]),
            bound_to=row["bound_to"],
            asked_by=row["asked_by"],
            patience=row["patience"],
            approvers=tuple(row["approvers"]),
            needed=row["needed"],
            self_approval=row["self_approval"],
            escalate_to=tuple(row["escalate_to"]),
        )
        return cls(
            id=row["id"],
            organization_id=row["organization_id"],
            question=question,
            state=State(row["state"]),
            detail=row["detail"],
            asked_at=row["asked_at"],
            expires_at=row["expires_at"],
            escalated_at=row["escalated_at"],
            closed_at=row["closed_at"],
            answers=answers,
        )

    @property
    def open(self) -> bool:
        """Whether an answer still counts."""
        return self.state is State.OPEN

    @property
    def may_answer(self) -> tuple[str, ...]:
        """Names of those who may answer now; empty means everybody who has the right to."""
        asked = self.question.approvers
        return (*asked, *self.question.escalate_to) if asked and self.escalated_at is not None else asked

    @property
    def yeses(self) -> int:
        """How many have said yes."""
        return sum(answer.yes for answer in self.answers)

    def refusal(self, by: str) -> str | None:
        """Say in a sentence why this person's yes would not count, or None. A no is anybody's who may answer."""
        if self.may_answer and by not in self.may_answer:
            return f"This question is for {', '.join(self.may_answer)}."
        if by == self.question.asked_by and not self.question.self_approval:
            return "Policy does not let people approve what they asked for themselves."
        if any(answer.by == by for answer in self.answers):
            return "You have answered this question already."
        return None
