from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from ringfence.actions.catalogue import discover
from ringfence.errors import Invalid
from ringfence.playbooks import checks
from ringfence.playbooks.document import read
from ringfence.playbooks.operations import Operation, apply, free_name
from ringfence.playbooks.starter import starters

_READ: TypeAdapter[list[Operation]] = TypeAdapter(list[Operation])
TEXT = """\
ringfence: 1
name: One
trigger: {type: manual}
steps:
  machine:            # which one
    action: defender.get_machine
    with: {machine: "${trigger.machine_id}"}
  risky:
    after: machine
    action: logic.condition
    with: {test: "steps.machine.riskScore == 'High'"}
  isolate:
    after: risky.yes
    action: containment.contain
    with: {machine: "${steps.machine.id}", reason: R}
    on_error: tell
  tell:
    after: [isolate, risky.no]
    join: any
    action: notify.send
"""


def do(text: str, *operations: dict[str, Any]) -> str:
    return apply(text, _READ.validate_python(list(operations)))[0]


def steps(text: str) -> dict[str, Any]:
    document = read(text)
    assert document.root is not None
    value = document.root.items["steps"].to_json()
    assert isinstance(value, dict)
    return value


def test_a_step_is_added_after_another_and_between_two() -> None:
    text, named = apply(
        TEXT,
        _READ.validate_python(
            [{"op": "add", "action": "logic.approval", "after": ["risky.yes"], "before": "isolate", "at": [8, 9.6]}]
        ),
    )
    assert named == ("approval",)
    assert steps(text)["approval"] == {"after": "risky.yes", "action": "logic.approval"}
    assert steps(text)["isolate"]["after"] == "approval"
    assert list(steps(text)) == ["machine", "risky", "approval", "isolate", "tell"]
    assert text.endswith("layout:\n  steps:\n    approval: [8, 10]\n")
    assert "# which one" in text
    asked = {"op": "add", "action": "logic.approval", "after": ["risky.yes"], "before": "isolate"}
    assert steps(do(TEXT, asked | {"through": "approved"}))["isolate"]["after"] == "approval.approved"
    with pytest.raises(Invalid, match="already"):
        do(TEXT, {"op": "add", "action": "a.b", "name": "tell"})


def test_a_first_step_is_added_to_a_playbook_without_any() -> None:
    for empty in ("ringfence: 1\nname: x\n", "ringfence: 1\nsteps: {}\n", "ringfence: 1\nsteps:\n"):
        assert steps(do(empty, {"op": "add", "action": "logic.set"})) == {"set": {"action": "logic.set"}}


def test_what_came_after_a_removed_step_comes_after_what_that_came_after() -> None:
    assert steps(do(TEXT, {"op": "remove", "steps": ["risky"]}))["isolate"]["after"] == "machine"
    both = steps(do(TEXT, {"op": "remove", "steps": ["isolate", "risky"]}))
    assert both["tell"]["after"] == "machine"
    assert list(both) == ["machine", "tell"]
    alone = steps(do(TEXT, {"op": "remove", "steps": ["machine", "tell"]}))
    assert "after" not in alone["risky"]
    assert "on_error" not in alone["isolate"]
    assert steps(do(TEXT, {"op": "remove", "steps": ["machine", "risky", "isolate", "tell"]})) == {}
    with pytest.raises(Invalid, match="no step 'gone'"):
        do(TEXT, {"op": "remove", "steps": ["gone"]})


def test_positions_go_with_their_steps_and_are_forgotten_by_tidying() -> None:
    text = do(TEXT, {"op": "move", "steps": {"machine": [1, 2], "tell": [3.4, 4], "gone": [0, 0]}, "trigger": [5, 6]})
    assert text.endswith("layout:\n  trigger: [5, 6]\n  steps:\n    machine: [1, 2]\n    tell: [3, 4]\n")
    text = do(text, {"op": "remove", "steps": ["tell"]}, {"op": "move", "steps": {"machine": [9, 9]}})
    assert text.endswith("layout:\n  trigger: [5, 6]\n  steps:\n    machine: [9, 9]\n")
    assert do(text, {"op": "rename", "step": "machine", "name": "host"}).endswith("    host: [9, 9]\n")
    assert "layout" not in do(text, {"op": "tidy"}, {"op": "tidy"})


def test_connecting_adds_an_entry_and_of_two_outcomes_any_is_enough() -> None:
    text = do(TEXT, {"op": "connect", "source": "machine.error", "target": "isolate"})
    assert steps(text)["isolate"]["after"] == ["risky.yes", "machine.error"]
    assert "join" not in steps(text)["isolate"]
    assert do(text, {"op": "connect", "source": "risky.yes", "target": "isolate"}) == text
    text = do(text, {"op": "connect", "source": "risky.no", "target": "isolate"})
    assert steps(text)["isolate"]["join"] == "any"
    for source, target, said in (("isolate", "isolate", "itself"), ("gone", "tell", "'gone'"), ("tell", "x", "'x'")):
        with pytest.raises(Invalid, match=said):
            do(TEXT, {"op": "connect", "source": source, "target": target})


def test_disconnecting_takes_the_entry_away_also_that_of_an_error() -> None:
    text = do(TEXT, {"op": "disconnect", "source": "risky.no", "target": "tell"})
    assert steps(text)["tell"]["after"] == "isolate"
    text = do(text, {"op": "disconnect", "source": "isolate", "target": "tell"})
    assert "after" not in steps(text)["tell"]
    text = do(text, {"op": "disconnect", "source": "isolate.error", "target": "tell"})
    assert "on_error" not in steps(text)["isolate"]
    assert do(text, {"op": "disconnect", "source": "machine.error", "target": "tell"}) == text


def test_a_field_is_set_and_with_null_removed() -> None:
    text = do(TEXT, {"op": "set", "path": ["steps", "tell", "with", "to"], "value": "soc"})
    assert steps(text)["tell"]["with"] == {"to": "soc"}
    assert do(text, {"op": "set", "path": ["steps", "tell", "with", "to"]}) == TEXT
    assert do(TEXT, {"op": "set", "path": ["description"]}) == TEXT
    assert "trigger:\n  type: timer\n  every: 1 h\n" in do(
        TEXT, {"op": "set", "path": ["trigger"], "value": {"type": "timer", "every": "1 h"}}
    )
    with pytest.raises(Invalid, match="no step 'gone'"):
        do(TEXT, {"op": "set", "path": ["steps", "gone", "note"], "value": "n"})


def test_copied_steps_are_pasted_under_free_names_after_what_is_chosen() -> None:
    copied = "steps:\n  tell:\n    action: a.b\n  then:\n    after: tell\n    action: a.c\n"
    text, named = apply(TEXT, _READ.validate_python([{"op": "paste", "text": copied, "after": "risky.no"}]))
    assert named == ("tell_2", "then")
    assert steps(text)["tell_2"] == {"after": "risky.no", "action": "a.b"}
    assert steps(text)["then"] == {"after": "tell_2", "action": "a.c"}


def test_names_are_made_of_actions() -> None:
    assert free_name("get_machine", ()) == "get_machine"
    assert free_name("get_machine", ("get_machine", "get_machine_2")) == "get_machine_3"
    assert free_name("2 fäst", ()) == "_2_f_st"
    assert free_name("  ", ()) == "step"


def test_operations_that_are_none_are_refused() -> None:
    for bad in (
        {"op": "move", "steps": {"a": [float("nan"), 0]}},
        {"op": "eval"},
        {"op": "rename", "step": "a", "name": "b c"},
    ):
        with pytest.raises(ValidationError):
            _READ.validate_python([bad])


def test_every_starter_stays_without_errors_and_keeps_its_comments_whatever_step_is_renamed_or_moved() -> None:
    catalogue = discover()
    for starter in starters().values():
        before = {each.code for each in checks.check(read(starter.source), catalogue)}
        text = starter.source
        for name in list(steps(text)):
            text = do(
                text,
                {"op": "rename", "step": name, "name": f"{name}_x"},
                {"op": "move", "steps": {f"{name}_x": [0, 0]}},
            )
        assert {each.code for each in checks.check(read(text), catalogue)} == before
        assert [line for line in starter.source.splitlines() if line.lstrip().startswith("#")] == [
            line for line in text.splitlines() if line.lstrip().startswith("#")
        ]
