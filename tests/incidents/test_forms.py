from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from ringfence.errors import Invalid
from ringfence.incidents.forms import Form, FormField, read, shown

FORM: Form = TypeAdapter(Form).validate_python(
    {
        "reached": {"type": "boolean", "label": "Was the user reached?", "required": True},
        "verdict": {"type": "choice", "choices": ["expected", "unexpected"]},
        "hosts": {"type": "number", "least": 0, "most": 100},
        "since": {"type": "date"},
        "remarks": {"type": "text", "lines": 4},
    }
)


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("reached", "yes", True),
        ("reached", "False", False),
        ("reached", False, False),
        ("verdict", "expected", "expected"),
        ("hosts", "12", 12),
        ("hosts", " 1,5 ", 1.5),
        ("hosts", 0, 0),
        ("since", "2026-03-02", "2026-03-02"),
        ("remarks", " two\nlines ", "two\nlines"),
        ("remarks", "${steps.secret}", "${steps.secret}"),
        ("remarks", "  ", None),
    ],
)
def test_what_a_page_or_the_api_gives_is_read_by_its_type(name: str, given: Any, kept: Any) -> None:
    answers = read(FORM, {"reached": True, name: given})
    assert answers[name] == kept
    assert list(answers) == list(FORM)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "Was the user reached?: this is needed."),
        ({"reached": ""}, "Was the user reached?: this is needed."),
        ({"reached": 1}, "Was the user reached?: say yes or no."),
        ({"reached": True, "verdict": "perhaps"}, "Verdict: choose one of expected, unexpected."),
        ({"reached": True, "verdict": ["expected"]}, "Verdict: choose one of expected, unexpected."),
        ({"reached": True, "hosts": "many"}, "Hosts: write a number."),
        ({"reached": True, "hosts": True}, "Hosts: write a number."),
        ({"reached": True, "hosts": float("nan")}, "Hosts: write a number."),
        ({"reached": True, "hosts": -1}, "Hosts: 0 is the least."),
        ({"reached": True, "hosts": "101"}, "Hosts: 100 is the most."),
        ({"reached": True, "since": "2026-02-30"}, "Since: write a date such as 2026-03-02."),
        ({"reached": True, "since": 20260302}, "Since: write a date such as 2026-03-02."),
        ({"reached": True, "remarks": {"a": 1}}, "Remarks: write a text."),
        ({"reached": True, "remarks": "x" * 10_001}, "Remarks: 10000 characters are the most."),
        (
            {"reached": True, "other": 1},
            "There is no field 'other'; there are: reached, verdict, hosts, since, remarks.",
        ),
    ],
)
def test_what_does_not_fit_is_refused_and_says_why(given: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(FORM, given)
    assert caught.value.problems == (said,)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        read(FORM, {"hosts": "x", "since": "y"})
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    "field",
    [
        {"type": "txt"},
        {"type": "choice"},
        {"type": "choice", "choices": ["a", "a"]},
        {"type": "text", "choices": ["a"]},
        {"type": "number", "lines": 2},
        {"type": "number", "least": 2, "most": 1},
        {"type": "text", "lines": 21},
        {"type": "text", "labl": "x"},
    ],
)
def test_a_field_that_contradicts_itself_is_refused(field: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FormField.model_validate(field)


def test_a_field_is_called_by_its_label_else_by_its_name() -> None:
    assert shown("was_it_you", FormField(type="text")) == "Was it you"
    assert shown("x", FormField(type="text", label="Who?")) == "Who?"


def test_a_name_with_a_dot_is_no_name_of_a_field() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Form).validate_python({"a.b": {"type": "text"}})
