import pytest

from ringfence.actions.catalogue import discover
from ringfence.playbooks.checks import check_text
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.problems import Problem


def _found(steps: str) -> list[Problem]:
    return check_text(example(steps), discover())


def test_an_unknown_action_is_found_with_the_nearest_one() -> None:
    (problem,) = _found("one: {action: defender.get_machin}")
    assert (problem.code, problem.step, problem.field) == ("unknown-action", "one", "action")
    assert problem.advice == "Did you mean defender.get_machine?"


def test_an_action_unlike_any_other_points_to_the_catalogue() -> None:
    (problem,) = _found("one: {action: zzz}")
    assert problem.advice == "Look up the actions in the catalogue."


def test_an_unknown_parameter_lists_the_known_ones() -> None:
    (problem,) = _found("one: {action: logic.delay, with: {duration: 1 s, zzz: 1}}")
    assert (problem.code, problem.field) == ("unknown-parameter", "with.zzz")
    assert problem.advice == "It has: duration."


def test_every_missing_parameter_is_found_and_null_is_missing() -> None:
    problems = _found("one: {action: containment.contain, with: {reason: null, auto_release: 1 h}}")
    assert sorted((problem.code, problem.field) for problem in problems) == [
        ("missing-parameter", "with.machine"),
        ("missing-parameter", "with.reason"),
    ]


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("one: {action: logic.delay, with: {duration: 5}}", "needs a unit"),
        ("one: {action: logic.set, with: {values: [1]}}", "valid dictionary"),
        ("one: {action: defender.update_alert, with: {alert: a, status: Closed}}", "'New', 'InProgress' or 'Resolved'"),
        ("one: {action: defender.get_machine, with: {machine: ''}}", "at least 1 character"),
        ("one: {action: logic.condition, with: {test: 5}}", "valid string"),
    ],
)
def test_a_literal_that_does_not_fit_is_found(steps: str, said: str) -> None:
    (problem,) = _found(steps)
    assert problem.code == "wrong-parameter"
    assert said in problem.message


@pytest.mark.parametrize(
    "steps",
    [
        "one: {action: logic.delay, with: {duration: '${trigger.pause}'}}",
        "one: {action: logic.set, with: {values: {a: ['${trigger.x}', 1]}}}",
        "one: {action: defender.update_alert, with: {alert: a, status: null, comment: x}}",
    ],
)
def test_values_that_are_known_only_in_a_run_are_left_alone(steps: str) -> None:
    assert _found(steps) == []
