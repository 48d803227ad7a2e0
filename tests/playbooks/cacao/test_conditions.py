import pytest

from hostile import HOSTILE
from ringfence.playbooks.cacao.conditions import (
    Compared,
    compared,
    comparison,
    escaped,
    places,
    plain_name,
    said,
    variable_of,
)
from ringfence.playbooks.cacao.rules import Variable
from ringfence.playbooks.expressions import compile_template, holds


def test_one_comparison_of_one_variable_is_understood_and_nothing_else() -> None:
    assert compared("__os__:value = 'Windows'") == Compared("__os__", "Windows", True)
    assert compared("[__os__:value != 'it\\'s']") == Compared("__os__", "it's", False)
    for text in ("__a__:value = 'x' AND __b__:value = 'y'", "__a__:value > 3", "", "file:name = 'x'"):
        assert compared(text) is None
    assert variable_of(" __os__:value ") == "__os__"
    assert variable_of("__os__") is None
    assert (plain_name("__os__"), plain_name("__o-s__")) == ("os", None)


def test_variables_are_looked_up_where_their_value_is_known_before_the_run() -> None:
    variables = {
        "__given__": Variable(type="string", external=True),
        "__fixed__": Variable(type="string", constant=True, value="x"),
        "__made__": Variable(type="string", value="x"),
        "__o-s__": Variable(type="string", external=True),
    }
    assert places(variables) == {"__given__": "trigger.input.given", "__fixed__": "steps.variables.fixed"}
    for value in ("it's \\ so", "`x`", "\\`", "\\", '"', "\n", ""):
        document = {"trigger": {"input": {"given": value}}}
        assert holds(comparison("trigger.input.given", value), document)
        assert not holds(comparison("trigger.input.given", value, equal=False), document)


@pytest.mark.parametrize(
    "text", [*HOSTILE, "${trigger}", "$${trigger}", "$$${a}${b}", "${${x}", "$", "{", "a${"], ids=lambda _: ""
)
def test_no_foreign_text_becomes_an_expression(text: str) -> None:
    assert compile_template(escaped(text)).render({}) == text
    known = {"__host__": "trigger.input.host"}
    document = {"trigger": {"input": {"host": "wks-001"}}}
    shown = compile_template(said(f"{text}__host__:value{text}__other__:value", known)).render(document)
    assert shown == f"{text}{' ' if text.endswith('$') else ''}wks-001{text}__other__:value"
