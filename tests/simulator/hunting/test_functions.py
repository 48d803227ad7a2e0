import pytest

from ringfence.simulator import timestamps
from ringfence.simulator.hunting.columns import Row
from ringfence.simulator.hunting.functions import Operand, bind
from ringfence.simulator.hunting.syntax import SemanticError

ROW: Row = {"a": "Ab", "n": 7, "none": None, "t": timestamps.read("2026-03-01T12:00:00Z"), "b": 1}
TEXT: Operand = ("String", lambda row: row["a"])
NUMBER: Operand = ("Number", lambda row: row["n"])
NOTHING: Operand = ("Number", lambda row: row["none"])
MOMENT: Operand = ("DateTime", lambda row: row["t"])


@pytest.mark.parametrize(
    ("function", "arguments", "kind", "value"),
    [
        ("strcat", [TEXT, NUMBER, NOTHING, MOMENT], "String", "Ab72026-03-01T12:00:00Z"),
        ("tostring", [NUMBER], "String", "7"),
        ("tolower", [TEXT], "String", "ab"),
        ("toupper", [TEXT], "String", "AB"),
        ("isempty", [NOTHING], "Truth", True),
        ("isnotempty", [TEXT], "Truth", True),
    ],
)
def test_a_function_of_columns_is_one_value(function: str, arguments: list[Operand], kind: str, value: object) -> None:
    found, read = bind(function, arguments)
    assert (found, read(ROW)) == (kind, value)


@pytest.mark.parametrize("arguments", [[TEXT, TEXT], [("Truth", lambda row: row["b"])]])
def test_what_a_function_does_not_take_is_a_semantic_error(arguments: list[Operand]) -> None:
    with pytest.raises(SemanticError, match="Fix semantic errors"):
        bind("tostring", arguments)


def test_a_text_of_too_many_parts_is_refused() -> None:
    with pytest.raises(SemanticError):
        bind("strcat", [TEXT] * 65)
