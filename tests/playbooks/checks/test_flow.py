import pytest

from ringfence.actions.catalogue import discover
from ringfence.playbooks.checks import check_text
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.problems import Problem


def _found(*steps: str) -> list[Problem]:
    full = [step.replace("SET", "action: logic.set, with: {values: {}}") for step in steps]
    full = [step.replace("IF", "action: logic.condition, with: {test: trigger}") for step in full]
    return check_text(example("\n".join(full)), discover())


def test_a_step_that_does_not_exist_is_found_with_the_nearest_one() -> None:
    problems = _found("tell: {SET}", "one: {SET, after: [tel.success, tell], on_error: telll}")
    assert [(problem.code, problem.field, problem.advice) for problem in problems] == [
        ("unknown-step", "after.0", "Did you mean 'tell'?"),
        ("unknown-step", "on_error", "Did you mean 'tell'?"),
    ]


def test_an_outcome_that_does_not_exist_is_found_with_those_that_do() -> None:
    (problem,) = _found("one: {IF}", "two: {SET, after: one.success}")
    assert (problem.code, problem.advice) == ("unknown-outcome", "It has: yes, no, error.")
    assert _found("one: {IF}", "two: {SET, after: one.error}") == []


def test_an_empty_outcome_is_unknown_too() -> None:
    (problem,) = _found("one: {SET}", "two: {SET, after: one.}")
    assert problem.code == "unknown-outcome"


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (("one: {SET, after: one}",), "one waits for itself."),
        (("one: {SET, after: two}", "two: {SET, after: one}"), "one, two wait for each other."),
        (("one: {SET, on_error: two, after: two}", "two: {SET}"), "one, two wait for each other."),
    ],
)
def test_circles_are_found_once(steps: tuple[str, ...], said: str) -> None:
    (problem,) = _found(*steps, "tail: {SET, after: one}")
    assert (problem.code, problem.message) == ("circle", said)


@pytest.mark.parametrize(
    "steps",
    [
        ("a: {IF}", "b: {SET, after: [a.yes, a.no]}"),
        ("a: {IF}", "b: {SET, after: a.yes}", "c: {SET, after: a.no}", "d: {SET, after: [b, c]}"),
        ("a: {SET}", "b: {SET, after: [a, a.error]}"),
        ("a: {IF}", "b: {SET, after: [a, a.error]}"),
    ],
)
def test_a_step_that_needs_two_outcomes_at_once_is_found(steps: tuple[str, ...]) -> None:
    (problem,) = _found(*steps)
    assert (problem.code, problem.step) == ("unreachable-step", steps[-1][0])


def test_what_only_follows_an_unreachable_step_is_not_reported_again() -> None:
    problems = _found("a: {IF}", "b: {SET, after: [a.yes, a.no]}", "c: {SET, after: b}", "d: {SET, after: c}")
    assert [problem.step for problem in problems] == ["b"]


@pytest.mark.parametrize(
    "steps",
    [
        ("a: {IF}", "b: {SET, after: [a.yes, a.no], join: any}"),
        ("a: {IF}", "b: {SET, after: a.yes}", "c: {SET, after: a.no}", "d: {SET, after: [b, c], join: any}"),
        ("a: {IF}", "b: {SET, after: [a, a.yes]}"),
        ("a: {IF}", "x: {SET, on_error: b}", "b: {SET, after: [a.yes, a.no]}"),
        ("a: {SET}", "b: {SET, after: [a, a.error], join: any}", "c: {SET, after: [a, b]}"),
    ],
)
def test_a_step_that_some_run_reaches_is_fine(steps: tuple[str, ...]) -> None:
    assert _found(*steps) == []
