import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.playbooks.expressions import (
    MAX_EXPRESSION,
    ExpressionError,
    compile_expression,
    compile_template,
    evaluate,
    holds,
    is_true,
    references,
    render,
    render_inputs,
    to_text,
)
from ringfence.playbooks.model import Json

DOCUMENT: dict[str, Json] = {
    "trigger": {"alert": {"id": "da1", "title": "Ransom", "severity": "High", "machineId": None}},
    "steps": {"machine": {"riskScore": 3, "ok": True, "tags": ["a", "b"], "name": "host"}},
}

json_values: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${steps.machine.riskScore}", 3),
        ("${steps.machine.ok}", True),
        ("${steps.machine.tags}", ["a", "b"]),
        ("${trigger.alert.machineId}", None),
        ("${steps.nowhere.at.all}", None),
        ("risk ${steps.machine.riskScore}!", "risk 3!"),
        ("${steps.machine.ok}${trigger.alert.machineId}", "true"),
        (" ${steps.machine.riskScore}", " 3"),
        ("${steps.machine.tags} ${steps.machine.{n: name}}", '["a","b"] {"n":"host"}'),
        ("cost $${trigger.alert.id} and $5 {x}", "cost ${trigger.alert.id} and $5 {x}"),
        ("$${a}${trigger.alert.id}", "${a}da1"),
        ("${trigger.alert.{a: id, b: '}'}}", {"a": "da1", "b": "}"}),
        ("${'it\\'s }'}", "it's }"),
        ('${`{"a": "}"}`}', {"a": "}"}),
        ("", ""),
        ("no expression", "no expression"),
    ],
)
def test_texts_are_rendered(text: str, value: Json) -> None:
    assert render(text, DOCUMENT) == value


def test_everything_inside_a_value_is_rendered_but_names_of_fields() -> None:
    value: Json = {"a": ["${trigger.alert.id}", 1, None], "${trigger.alert.id}": {"b": "${steps.machine.ok}"}}
    assert render(value, DOCUMENT) == {"a": ["da1", 1, None], "${trigger.alert.id}": {"b": True}}


def test_parameters_that_are_expressions_are_left_as_they_are() -> None:
    values: dict[str, Json] = {"test": "'${trigger.alert.title}' == 'x'", "b": "${trigger.alert.id}"}
    assert render_inputs(values, ("test",), DOCUMENT) == {"test": values["test"], "b": "da1"}


@given(content=st.text() | st.sampled_from(["${steps.machine.name}", "$${a}", "${", "`1`", "{{7*7}}"]))
def test_what_an_alert_says_never_becomes_an_expression(content: str) -> None:
    document: Json = {"trigger": {"title": content}, "steps": {"machine": {"name": "secret"}}}
    assert render("${trigger.title}", document) == content
    assert render("<${trigger.title}>", document) == f"<{content}>"


@pytest.mark.parametrize(
    ("expression", "offset"),
    [
        ("a.", 2),
        ("a..b", 2),
        ("[", 1),
        ("foo bar", 4),
        ("a ? b", 2),
        ("'open", 0),
        ("", 0),
        ("  ", 0),
        ("`foo`", 0),
        ("a == `NaN`", 5),
        ("a[::0]", 0),
        ("x || to_strin(a)", 5),
        ("length()", 0),
        ("length(a, b)", 0),
        ("merge()", 0),
        ("1" * 5000, 0),
        ("a" * (MAX_EXPRESSION + 1), 0),
        ("(" * 3000 + "a" + ")" * 3000, 0),
        ("!" * 200 + "a", 0),
        ("`" + "[" * 3000 + "`", 0),
        ('"\\ud800x', 0),
    ],
)
def test_a_mistake_is_found_when_reading_and_has_its_place(expression: str, offset: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(expression)
    assert caught.value.offset == offset
    assert caught.value.reason
    assert len(str(caught.value)) < 400


def test_an_unknown_function_comes_with_a_suggestion() -> None:
    with pytest.raises(ExpressionError, match=r"did you mean to_string\(\)"):
        compile_expression("to_strin(@)")


def test_a_mistake_in_a_text_has_its_place_in_the_whole_text() -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_template("ab ${x} ${a..b}")
    assert caught.value.offset == 12


@pytest.mark.parametrize("text", ["${", "a ${b", "${'}", "${`}`", "${{a: b}"])
def test_an_expression_that_is_not_closed_is_a_mistake(text: str) -> None:
    with pytest.raises(ExpressionError):
        compile_template(text)


@pytest.mark.parametrize(
    ("expression", "data"),
    [
        ("sort(@)", ["a", 1]),
        ("length(@)", 5),
        ("a < b", {"a": "x", "b": 1}),
        ("ceil(to_number(@))", "1e999"),
        ("to_number(@)", "inf"),
        ("sum(@)", [1e308, 1e308]),
        ("join(',', @)", [1]),
        ("&a", {}),
        ("@", datetime(2026, 1, 1, tzinfo=UTC)),
        ("@", {1: 2}),
        ("@", b"bytes"),
        ("@", {"a": {"b": object()}}),
        ("@", 1 << 65),
        ("@", float("nan")),
        ("a", {"a": "x" * 2_000_000}),
    ],
)
def test_what_cannot_be_evaluated_is_one_kind_of_error(expression: str, data: object) -> None:
    with pytest.raises(ExpressionError):
        evaluate(expression, data)


def test_data_that_is_nested_too_deeply_is_an_error() -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    for expression in ("@", "to_string(@)", "@ == @", "contains(@, @)"):
        with pytest.raises(ExpressionError):
            evaluate(expression, deep)


def test_a_text_made_of_large_parts_is_bounded() -> None:
    with pytest.raises(ExpressionError, match="longer than allowed"):
        render("${a} ${a}", {"a": "x" * 900_000})


def test_results_are_copies_that_cannot_change_the_document_or_the_expression() -> None:
    document: dict[str, Json] = {"a": [1]}
    first = evaluate("a", document)
    assert isinstance(first, list)
    first.append(2)
    literal = evaluate("`[1]`", None)
    assert isinstance(literal, list)
    literal.append(2)
    assert document == {"a": [1]}
    assert evaluate("`[1]`", None) == [1]


@given(value=json_values)
def test_json_comes_through_unchanged(value: Json) -> None:
    assert evaluate("a", {"a": value}) == value


@given(text=st.text(alphabet="abcx.[]{}()|&!?*@'\"`:,<>=0123- \\${}", max_size=40), data=json_values)
@settings(max_examples=300)
def test_no_text_makes_anything_but_a_value_or_an_expression_error(text: str, data: Json) -> None:
    for attempt in (lambda: evaluate(text, data), lambda: render(text, data), lambda: references(text)):
        found = _outcome(attempt)
        if isinstance(found, ExpressionError):
            assert found.offset is None or 0 <= found.offset <= len(text)
        else:
            json.dumps(found, default=str)


def _outcome(attempt: Callable[[], object]) -> object:
    try:
        return attempt()
    except ExpressionError as error:
        return error


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (True, "true"), (1, "1"), (1.5, "1.5"), ("ä", "ä"), ([1, None], "[1,null]"), ({"ä": 1}, '{"ä":1}')],
)
def test_values_have_one_way_to_be_text(value: Json, text: str) -> None:
    assert to_text(value) == text


@pytest.mark.parametrize(
    ("value", "truth"),
    [
        (None, False),
        (False, False),
        ("", False),
        ([], False),
        ({}, False),
        (0, True),
        (0.0, True),
        ("no", True),
        ([0], True),
    ],
)
def test_truth_is_that_of_jmespath(value: Json, truth: bool) -> None:
    assert is_true(value) is truth
    assert holds("a", {"a": value}) is truth


@pytest.mark.parametrize(
    ("expression", "variables", "steps"),
    [
        ("steps.a.b", {"steps"}, {"a"}),
        ('steps."m n".z', {"steps"}, {"m n"}),
        ("trigger.steps.x", {"trigger"}, set()),
        ("steps.a || trigger.b", {"steps", "trigger"}, {"a"}),
        ("steps | a.b", {"steps"}, {"a"}),
        ("steps.[a, b]", {"steps"}, {"a", "b"}),
        ("steps.{x: a.c}", {"steps"}, {"a"}),
        ("steps.*.x", {"steps"}, set()),
        ("length(steps.a[?x == steps.q])", {"steps"}, {"a"}),
        ("steps.a[0].b[*].steps.c", {"steps"}, {"a"}),
        ("map(&steps.z, steps.a)", {"steps"}, {"a"}),
        ("!(steps.a) && steps.b == 'x'", {"steps"}, {"a", "b"}),
        ("steps.a[0:2]", {"steps"}, {"a"}),
        ("'steps.a'", set(), set()),
        ("@.steps.a", {"steps"}, {"a"}),
    ],
)
def test_references_are_read_from_the_expression(expression: str, variables: set[str], steps: set[str]) -> None:
    found = references(expression)
    assert (set(found.variables), set(found.steps)) == (variables, steps)


def test_an_expression_is_compiled_once() -> None:
    assert compile_expression("a.b.c") is compile_expression("a.b.c")


def test_it_is_known_which_inputs_an_expression_looks_at() -> None:
    found = references("inputs.a && steps.inputs.b || [inputs][0].c || inputs.d[?inputs.e]")
    assert found.inputs == {"a", "d"}
    assert found.steps == {"inputs"}
