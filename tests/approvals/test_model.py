from datetime import timedelta

import pytest

from ringfence import clock
from ringfence.approvals.model import Answer, Approval, Question, State, Subject


def approval(*, approvers: tuple[str, ...] = (), escalated: bool = False, self_approval: bool = False) -> Approval:
    question = Question(
        Subject.CONTAINMENT,
        "c-1",
        "Cut wks-001 off?",
        ("It is a server.",),
        {},
        asked_by="mara",
        patience=60.0,
        approvers=approvers,
        self_approval=self_approval,
        escalate_to=("boss",),
    )
    now = clock.now()
    answers = (Answer("ines", True, "", "page", now),)
    ends = now + timedelta(seconds=60)
    return Approval("a-1", "o-1", question, State.OPEN, "", now, ends, now if escalated else None, None, answers)


@pytest.mark.parametrize(
    ("asked", "by", "reason"),
    [
        (approval(approvers=("tom",)), "olaf", "for tom"),
        (approval(approvers=("tom",)), "boss", "for tom"),
        (approval(), "mara", "asked for themselves"),
        (approval(), "ines", "already"),
    ],
)
def test_whose_yes_does_not_count_is_told_why(asked: Approval, by: str, reason: str) -> None:
    assert reason in (asked.refusal(by) or "")


def test_everybody_may_answer_where_nobody_is_named() -> None:
    assert approval().refusal("olaf") is None
    assert approval(self_approval=True).refusal("mara") is None


def test_those_to_whom_it_was_escalated_may_answer_too() -> None:
    asked = approval(approvers=("tom",), escalated=True)
    assert asked.may_answer == ("tom", "boss")
    assert asked.refusal("boss") is None
