import pytest
from pydantic import JsonValue, TypeAdapter, ValidationError

from ringfence.playbooks.interface import Input, Output, ValueType, faults, filled, is_of, type_of, unfit

INPUTS = TypeAdapter(dict[str, Input]).validate_python(
    {
        "machine": {"type": "string", "required": True},
        "limit": {"type": "number", "default": 5},
        "tags": {"type": "list"},
    }
)


@pytest.mark.parametrize(
    ("value", "kind", "spoken"),
    [
        ("", "string", "a text"),
        (0, "number", "a number"),
        (1.5, "number", "a number"),
        (False, "boolean", "true or false"),
        ([], "list", "a list"),
        ({}, "object", "an object"),
    ],
)
def test_each_value_is_of_exactly_one_type(value: JsonValue, kind: ValueType, spoken: str) -> None:
    kinds: tuple[ValueType, ...] = ("string", "number", "boolean", "list", "object")
    assert [each for each in kinds if is_of(value, each)] == [kind]
    assert type_of(value) == spoken


def test_null_is_of_no_type() -> None:
    assert not is_of(None, "string")
    assert type_of(None) == "null"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"machine": "abc"}, []),
        ({"machine": "abc", "limit": None}, []),
        ({}, ["The input 'machine' is required."]),
        ({"machine": None}, ["The input 'machine' is required."]),
        ({"machine": 5}, ["The input 'machine' is a text, not a number."]),
        ({"machine": "a", "limt": 5}, ["There is no input 'limt'; there are: machine, limit, tags."]),
    ],
)
def test_the_values_of_a_call_are_checked(given: dict[str, JsonValue], said: list[str]) -> None:
    assert [sentence for _, sentence in faults(INPUTS, given)] == said


def test_what_a_call_leaves_out_is_its_default_else_null() -> None:
    assert filled(INPUTS, {"machine": "abc"}) == {"machine": "abc", "limit": 5, "tags": None}
    assert filled(INPUTS, {"machine": "abc", "limit": 0})["limit"] == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "text"},
        {"type": "string", "default": 5},
        {"type": "number", "default": 5, "required": True},
        {"type": "number", "defualt": 5},
    ],
)
def test_an_input_that_contradicts_itself_is_refused(wrong: dict[str, JsonValue]) -> None:
    with pytest.raises(ValidationError):
        Input.model_validate(wrong)


def test_an_output_may_be_null_but_not_of_another_type() -> None:
    output = Output(type="number", value="${steps.a.b}")
    assert unfit("risk", output, None) is None
    assert unfit("risk", output, 5) is None
    assert unfit("risk", output, "5") == "The output 'risk' is a number, but its value came out as a text."
