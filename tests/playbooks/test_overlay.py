from ringfence.actions.catalogue import discover
from ringfence.playbooks.difference import compare
from ringfence.playbooks.document import read
from ringfence.playbooks.overlay import Overlay, overlay
from ringfence.playbooks.sketch import sketch

BEFORE = """
ringfence: 1
name: One
trigger: {type: manual}
steps:
  look: {action: logic.set, with: {values: {a: 1}}}
  ask: {after: look, action: logic.approval, with: {question: May it?}}
  told: {after: ask.approved, action: logic.set, with: {values: {b: 1}}}
  kept: {after: look, action: logic.set, with: {values: {c: 1}}}
"""
AFTER = """
ringfence: 1
name: One
trigger: {type: timer, every: 1 h}
steps:
  look: {action: logic.set, with: {values: {a: 2}}}
  told: {after: look, action: logic.set, with: {values: {b: 1}}}
  held: {after: look, action: logic.set, with: {values: {c: 1}}}
  more: {after: held, action: logic.delay, with: {duration: 5 s}}
"""


def laid(before: str, after: str) -> Overlay:
    was, now = read(before), read(after)
    assert was.playbook is not None
    assert now.playbook is not None
    drawn = discover()
    return overlay(sketch(was, drawn), sketch(now, drawn), compare(was.playbook, now.playbook))


def test_two_versions_are_one_drawing_in_which_what_went_stands_with_its_lines() -> None:
    found = laid(BEFORE, AFTER)
    assert {name: set(kinds) for name, kinds in found.marks.items()} == {
        "": {"changed"},
        "look": {"changed"},
        "told": {"rewired"},
        "held": {"renamed"},
        "more": {"added"},
        "ask": {"removed"},
    }
    assert [step.name for step in found.sketch.steps] == ["look", "told", "held", "more", "ask"]
    ways = {(each.source, each.outcome, each.target): each.kind for each in found.ways}
    assert ways == {
        ("look", "", "told"): "added",
        ("held", "", "more"): "added",
        ("look", "", "ask"): "removed",
        ("ask", "approved", "told"): "removed",
    }
    # The line of a step that only has another name is neither.
    assert ("look", "", "held") in {(each.source, each.outcome, each.target) for each in found.sketch.edges}
    assert len(found.sketch.edges) == len({(each.source, each.outcome, each.target) for each in found.sketch.edges})


def test_what_is_alike_has_no_mark() -> None:
    found = laid(BEFORE, BEFORE + "# The same\n")
    assert (found.marks, found.ways, len(found.sketch.steps)) == ({}, (), 4)
    assert found.to_json()["ways"] == []


def test_a_line_that_went_keeps_its_port_and_what_was_placed_by_hand_its_place() -> None:
    placed = "layout: {steps: {look: [0, 0], ask: [40, 80]}}\n"
    before = BEFORE.replace("ask: {after: look", "ask: {after: look.maybe")
    found = laid(before + placed, AFTER + "layout: {steps: {look: [0, 20]}}\n")
    look = next(step for step in found.sketch.steps if step.name == "look")
    assert "maybe" in look.outcomes
    assert found.sketch.layout["steps"] == {"ask": [40, 80], "look": [0, 20]}
    component = BEFORE.replace("trigger: {type: manual}", "kind: component")
    assert laid(component, component).sketch.trigger is None
