import pytest

from ringfence.actions.catalogue import discover
from ringfence.playbooks.checks import check_text
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.problems import Problem


def _found(steps: str, trigger: str = "{type: manual}") -> list[Problem]:
    return check_text(example(steps, trigger=trigger), discover())


def _set(value: str, rest: str = "") -> str:
    return f"one: {{action: logic.set, with: {{values: {{a: {value}}}}}{rest}}}"


def test_a_mistake_in_an_expression_is_found_at_its_column() -> None:
    (problem,) = _found(_set("'x ${trigger..b}'"))
    assert (problem.code, problem.field) == ("bad-expression", "with.values.a")
    text = example(_set("'x ${trigger..b}'")).splitlines()[problem.line - 1]
    assert text[problem.column - 1 :].startswith(".b}")


@pytest.mark.parametrize(
    "steps",
    [
        "one: {action: logic.condition, with: {test: 'a ='}}",
        "one: {action: jmespath.query, with: {expression: 'a ='}}",
        _set("x", ", if: 'a ='"),
        "one: {action: no.such, with: {x: '${a =}'}}",
    ],
)
def test_expressions_are_read_wherever_they_stand(steps: str) -> None:
    assert "bad-expression" in [problem.code for problem in _found(steps)]


def test_the_triggers_condition_is_read_too() -> None:
    (problem,) = _found(_set("x"), "{type: defender.alert, where: 'alert.title =='}")
    assert (problem.code, problem.field, problem.step) == ("bad-expression", "trigger.where", None)


@pytest.mark.parametrize(
    "steps",
    [
        "one: {action: logic.condition, with: {test: \"'${trigger.alert.id}' == 'x'\"}}",
        "one: {action: jmespath.query, with: {expression: '${trigger.alert.id}'}}",
        _set("x", ", if: '${trigger.alert}'"),
    ],
)
def test_expressions_are_not_built_from_values(steps: str) -> None:
    assert [problem.code for problem in _found(steps)] == ["rendered-expression"]


def test_an_unknown_variable_comes_with_the_nearest_one() -> None:
    (problem,) = _found(_set("'${step.a.b}'"))
    assert (problem.code, problem.advice) == ("unknown-variable", "Did you mean steps?")
    (problem,) = _found(_set("x", ", if: alert.title"))
    assert "trigger, steps" in problem.advice


def test_a_query_over_other_data_may_start_anywhere() -> None:
    assert _found("one: {action: jmespath.query, with: {expression: computerDnsName}}") == []


@pytest.mark.parametrize(
    ("steps", "message", "advice"),
    [
        (_set("'${steps.twoo}'") + "\n" + _set("x").replace("one", "two"), "no step 'twoo'", "steps.two"),
        (_set("'${steps.two}'") + "\n" + _set("x").replace("one", "two"), "does not come before", "after: two"),
        (_set("'${steps.one}'"), "its own output", "earlier step"),
        (_set("x", ", if: steps.zzz"), "no step 'zzz'", "Name a step"),
        ("one: {action: logic.condition, with: {test: steps.zzz}}", "no step 'zzz'", "Name a step"),
    ],
)
def test_only_steps_that_came_before_can_be_looked_at(steps: str, message: str, advice: str) -> None:
    (problem,) = _found(steps)
    assert problem.code == "unknown-reference"
    assert message in problem.message
    assert advice in problem.advice


def test_a_step_far_back_can_be_looked_at_also_from_an_error_branch() -> None:
    assert (
        _found(
            "one: {action: logic.set, with: {values: {a: 1}}}\n"
            "two: {action: logic.delay, with: {duration: 1 s}, after: one, on_error: three}\n"
            "three: {action: logic.set, with: {values: {a: '${steps.one.a} ${steps.two}'}}}"
        )
        == []
    )


def test_the_triggers_condition_looks_at_what_a_trigger_publishes() -> None:
    (problem,) = _found(_set("x"), "{type: defender.alert, where: title == 'x' && alert.id}")
    assert (problem.code, problem.advice) == ("where-variable", "Write e.g. alert.title for a field of the alert.")
    assert _found(_set("x"), "{type: defender.alert, where: \"contains(alert.title, 'ransom')\"}") == []
