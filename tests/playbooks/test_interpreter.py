import pytest

from ringfence.playbooks.bounded import NotJson, TooMuch
from ringfence.playbooks.expressions import compile_expression
from ringfence.playbooks.interpreter import run
from ringfence.playbooks.model import Json


def _run(expression: str, data: object) -> Json:
    return run(compile_expression(expression).tree, data)


@pytest.mark.parametrize(
    "expression",
    [
        "[@,@]|" * 60 + "@",
        "[@,@]|" * 60 + "to_string(@)",
        "|".join(["[@,@][]"] * 40),
        "'x'|" + "join('',[@,@])|" * 60 + "@",
        "{a: " + "[@,@]|" * 30 + "@, b: " + "[@,@]|" * 30 + "@} | a == b",
        "'x'|" + "[@,@]|" * 30 + "contains([@], [`1`])",
        "|".join(["*[]"] + ["[@,@][]"] * 40),
    ],
)
def test_an_expression_cannot_ask_for_boundless_work(expression: str) -> None:
    with pytest.raises(TooMuch):
        _run(expression, {"a": 1})


def test_the_length_of_a_joined_text_is_paid_before_it_is_made() -> None:
    with pytest.raises(TooMuch):
        _run("join(a, b)", {"a": "x" * 1_000, "b": ["y"] * 1_000})


def test_ordinary_work_on_a_large_answer_is_no_trouble() -> None:
    machines = [{"id": str(at), "risk": "High" if at % 2 else "Low"} for at in range(10_000)]
    assert _run("length(m[?risk == 'High'].id)", {"m": machines}) == 5_000


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("a == b", True),
        ("a != c", True),
        ("d < e", True),
        ("d >= e", False),
        ("a < d", None),
        ("d == `true`", False),
        ("contains(f, `2`)", True),
        ("contains('abc', 'b')", True),
        ("to_string(f)", "[1,2]"),
    ],
)
def test_comparing_and_writing_out_work_as_in_jmespath(expression: str, value: Json) -> None:
    data = {"a": [1, {"x": None}], "b": [1, {"x": None}], "c": {}, "d": 1, "e": 2, "f": [1, 2]}
    assert _run(expression, data) == value


def test_what_is_not_json_does_not_come_out() -> None:
    with pytest.raises(NotJson):
        _run("&a", {})
