import pytest

from ringfence.rehearsals.report import How, Report, StepReport


def _step(status: str, outcome: str | None = None, iteration: int = 0) -> StepReport:
    return StepReport("one", "logic.set", "pure", How.COMPUTED, status, outcome, iteration=iteration)


@pytest.mark.parametrize(
    ("step", "end"),
    [
        (_step("succeeded", "yes"), "yes"),
        (_step("succeeded"), "success"),
        (_step("failed"), "error"),
        (_step("skipped"), "skipped"),
    ],
)
def test_a_step_ends_in_one_word(step: StepReport, end: str) -> None:
    assert step.end == end


def test_a_step_in_a_loop_is_found_once_for_each_item() -> None:
    report = Report("One", "succeeded", "", (_step("succeeded", iteration=1), _step("failed", iteration=2)))
    assert [each.iteration for each in report.every("one")] == [1, 2]
    assert report.every("two") == []
