import pytest

from ringfence.actions.catalogue import discover
from ringfence.playbooks.checks import check_text
from ringfence.playbooks.checks.base import example

SET = "one: {action: logic.set, with: {values: {}}%s}\n"
CASE = "tests:\n  - name: One\n    mocks: {%s}\n    expect: {%s}\n"


def _found(steps: str, extra: str = "") -> list[tuple[str, int, str]]:
    problems = check_text(example(steps, extra=extra), discover())
    return [(each.code, each.line, each.message) for each in problems]


def test_a_pinned_step_is_asked_about_where_it_stands() -> None:
    ((code, line, said),) = _found(SET % ", mock: {output: 1}")
    assert (code, line) == ("mocked-step", 5)
    assert "runs carry the step out" in said


@pytest.mark.parametrize(
    ("mock", "said"), [("{outcome: maybe}", "no outcome 'maybe'"), ("{nothing: 1}", "not known here")]
)
def test_a_mock_that_the_action_cannot_end_with_is_an_error(mock: str, said: str) -> None:
    assert [each for each in _found(SET % f", mock: {mock}") if each[0] == "bad-mock" and said in each[2]]


def test_a_test_may_name_the_outcomes_that_the_author_of_a_switch_made() -> None:
    steps = "one: {action: logic.switch, with: {value: High, cases: {urgent: High}}}\n"
    assert _found(steps, CASE % ("one: {outcome: urgent}", "ran: one.urgent")) == []
    assert _found(steps, CASE % ("", "ran: one.error")) == []


@pytest.mark.parametrize(
    ("mocks", "expect", "said"),
    [
        ("two: {output: 1}", "status: failed", "There is no step 'two'."),
        ("one: {outcome: maybe}", "status: failed", "Step 'one' has no outcome 'maybe'."),
        ("", "ran: one.maybe", "Step 'one' has no outcome 'maybe'."),
        ("", "skipped: on", "There is no step 'on'."),
        ("", "inputs: {two: {a: 1}}", "There is no step 'two'."),
        ("", "outputs: {two: 1}", "There is no step 'two'."),
        ("", "stat: failed", "The key 'stat' is not known here. Did you mean 'status'?"),
    ],
)
def test_a_test_that_names_what_is_not_there_is_an_error(mocks: str, expect: str, said: str) -> None:
    ((code, _, message),) = _found(SET % "", CASE % (mocks, expect))
    assert (code, message) == ("bad-test", said)


def test_two_tests_of_one_name_are_an_error() -> None:
    twice = "tests: [{name: One, expect: {status: failed}}, {name: One, expect: {status: failed}}]\n"
    assert [each[0] for each in _found(SET % "", twice)] == ["bad-test"]
