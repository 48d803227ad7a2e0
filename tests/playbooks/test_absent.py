import pytest

from ringfence.playbooks import absent
from ringfence.playbooks.model import Json

DOCUMENT: dict[str, Json] = {
    "trigger": {"alert": {"id": "da1", "machine": None}},
    "steps": {"ask": {"form": {"vip": True}, "by": "megan"}, "skipped": None, "none": {}, "odd": {"<b>": 1}},
}
VIP = "There is no steps.ask.vip, so it counts as null; steps.ask has form, by."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps.ask.vip", [VIP]),
        ("steps.ask.vip.name[0].x", [VIP]),
        ("steps.ask.vip[].x | [0]", [VIP]),
        ("length(steps.ask.vip) > `1` && trigger.alert.id == 'x'", [VIP]),
        ("{a: steps.ask.vip, b: [steps.ask.vip]}", [VIP]),
        ("steps.ask.form.vop", ["There is no steps.ask.form.vop, so it counts as null; steps.ask.form has vip."]),
        ("steps.none.a", ["There is no steps.none.a, so it counts as null; steps.none has nothing."]),
        ("steps.odd.a", ["There is no steps.odd.a, so it counts as null; steps.odd has other keys."]),
        ("steps.ask.form.vip", []),
        ("steps.ask.form.{v: nothing}", []),
        ("trigger.alert.machine.name", []),
        ("steps.skipped.vip", []),
        ("steps.nowhere.vip", []),
        ("steps.ask.vip || `false`", []),
        ("!steps.ask.vip", []),
        ("steps.ask.vip == `null`", []),
        ("not_null(steps.ask.vip, 'x')", []),
        ("steps.ask.form[?a.b.c]", []),
        ("organization.a.b", []),
        ("no JMESPath (", []),
    ],
)
def test_what_an_expression_looks_for_in_vain_is_named_with_what_is_there(text: str, said: list[str]) -> None:
    assert absent.in_expression(text, DOCUMENT) == said


def test_the_inputs_of_a_step_are_looked_through_however_deep_and_each_is_said_once() -> None:
    values: dict[str, Json] = {"a": ["x ${steps.ask.vip}", {"b": "${steps.ask.vip}"}], "test": "steps.ask.no", "c": 1}
    assert [said.split(",")[0] for said in absent.in_inputs(values, ("test",), DOCUMENT)] == [
        "There is no steps.ask.vip",
        "There is no steps.ask.no",
    ]
