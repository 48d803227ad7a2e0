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
