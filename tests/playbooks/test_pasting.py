import pytest

from ringfence.errors import Invalid
from ringfence.playbooks.operations import free_name
from ringfence.playbooks.pasting import MOST, pasted

COPIED = """\
ringfence: 1
name: Other
steps:
  look:
    after: [elsewhere, ask.yes]
    action: defender.get_machine
    on_error: elsewhere
  use:
    after: [look, elsewhere]
    action: logic.set
    with: {values: {a: "${steps.look.id} ${steps.elsewhere.id}"}}
    on_error: look
"""


def test_references_among_the_steps_follow_and_wiring_to_elsewhere_is_left_out() -> None:
    steps, names = pasted(COPIED, ["look"], free_name)
    assert names == ("look_2", "use")
    assert steps == {
        "look_2": {"action": "defender.get_machine"},
        "use": {
            "after": "look_2",
            "action": "logic.set",
            "with": {"values": {"a": "${steps.look_2.id} ${steps.elsewhere.id}"}},
            "on_error": "look_2",
        },
    }


def test_steps_alone_are_taken_too_and_what_are_none_is_refused() -> None:
    assert pasted("one: {action: a.b}", [], free_name)[1] == ("one",)
    many = "\n".join(f"s{index}: {{action: a.b}}" for index in range(MOST + 1))
    for text in ("", "- a", "just words", "a: 1", "one: {no: action}", "a: [", "steps: {a: {action: 1}}", many):
        with pytest.raises(Invalid):
            pasted(text, [], free_name)
