import pytest

from ringfence.actions.catalogue import discover
from ringfence.playbooks.checks import check_text
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.problems import Severity

ASK = "ask: {action: task.ask, with: {title: x, form: {vip: {type: boolean}}}}\n"
MACHINE = "machine: {action: defender.get_machine, with: {machine: m}}\n"


def found(steps: str) -> list[tuple[int, int, str]]:
    text = example(steps, trigger="{type: manual, on: incident}", extra="kind: workflow\n")
    problems = [each for each in check_text(text, discover()) if each.code == "unknown-output"]
    assert {each.severity for each in problems} <= {Severity.WARNING}
    return [(each.line, each.column, each.message) for each in problems]


def test_a_field_that_an_action_of_ours_does_not_give_is_named_with_those_that_it_gives() -> None:
    said = found(ASK + "vip: {after: ask, action: logic.condition, with: {test: steps.ask.vip}}")
    assert [each[2] for each in said] == [
        "There is no steps.ask.vip, so it counts as null; steps.ask has incident, task, form, by, at."
    ]
    assert [each[0] for each in said] == [7]


@pytest.mark.parametrize(
    "steps",
    [
        ASK + "vip: {after: ask, action: logic.condition, with: {test: steps.ask.form.vip}}",
        ASK + "vip: {after: ask, action: logic.condition, with: {test: 'steps.ask.vip || `false`'}}",
        MACHINE + "say: {after: machine, action: logic.set, with: {values: {a: '${steps.machine.newField}'}}}",
        "one: {action: logic.set, with: {values: {a: 1}}}\n"
        "say: {after: one, action: logic.set, with: {values: {a: '${steps.one.a}'}}}",
        "get: {action: http.request, with: {url: 'https://api.contoso.com/'}}\n"
        "say: {after: get, action: logic.set, with: {values: {a: '${steps.get.body.a.b}'}}}",
        "each: {for_each: [1], action: incident.get}\n"
        "say: {after: each.done, action: logic.set, with: {values: {a: '${steps.each.results[0].nothing}'}}}",
    ],
)
def test_what_may_be_there_is_no_problem(steps: str) -> None:
    assert found(steps) == []


def test_what_a_loop_gives_is_known() -> None:
    each = "each: {for_each: [1], action: incident.get}\n"
    (said,) = found(each + "say: {after: each.done, action: logic.set, with: {values: {a: '${steps.each.number}'}}}")
    assert "steps.each has count, results, failed" in said[2]
