import pytest

from ringfence.actions.catalogue import discover
from ringfence.playbooks.checks import check_text
from ringfence.playbooks.checks.base import example

CONTAIN = "one: {action: containment.contain, with: {machine: abc, reason: Ransomware%s}}\n"
RELEASE = "two: {action: containment.release, with: {machine: abc, reason: Clean}%s}\n"


def _codes(steps: str) -> list[str]:
    return [problem.code for problem in check_text(example(steps), discover())]


@pytest.mark.parametrize("steps", [CONTAIN % "", CONTAIN % ", auto_release: null", CONTAIN % "" + RELEASE % ""])
def test_a_containment_that_nothing_ends_is_asked_about(steps: str) -> None:
    assert _codes(steps) == ["containment-without-release"]


@pytest.mark.parametrize(
    "steps",
    [
        CONTAIN % ", auto_release: 24 h",
        CONTAIN % "" + RELEASE % ", after: one",
        CONTAIN % "" + "pause: {action: logic.delay, with: {duration: 1 h}, after: one}\n" + RELEASE % ", after: pause",
        RELEASE % "",
    ],
)
def test_a_containment_that_ends_is_fine(steps: str) -> None:
    assert _codes(steps) == []


def test_a_question_whose_every_answer_leads_somewhere_is_no_problem() -> None:
    asks = "one: {action: logic.approval, with: {question: Go on?, timeout: 5 min}}\n"
    then = "two: {{action: logic.set, with: {{values: {{}}}}, after: {}, join: any}}"
    for after in ("one", "[one.approved, one.rejected, one.expired]"):
        assert check_text(example(asks + then.format(after)), discover()) == []


def test_a_trigger_that_is_narrowed_or_a_decision_may_contain() -> None:
    contains = "two: {action: containment.contain, with: {machine: abc, reason: x, auto_release: 1 h}%s}"
    decides = "one: {action: logic.condition, with: {test: trigger.alert}}\n"
    for trigger in ("{type: defender.alert, category: [Ransomware]}", "{type: defender.alert, where: alert.title}"):
        assert check_text(example(contains % "", trigger=trigger), discover()) == []
    text = example(decides + contains % ", after: one.yes", trigger="{type: defender.alert, severity: [All]}")
    assert check_text(text, discover()) == []
