"""What is known of a changed text without reading it is what reading it gives, places and all."""

from typing import Any

from pydantic import TypeAdapter

from ringfence.playbooks import yamltree
from ringfence.playbooks.grafting import Change, grafted
from ringfence.playbooks.operations import Operation, applied
from ringfence.playbooks.splicing import Splicer
from ringfence.playbooks.starter import starters

_READ: TypeAdapter[list[Operation]] = TypeAdapter(list[Operation])
TEXT = """\
# About all of it.
ringfence: 1
name: "One   # its
  name"

steps:
  # About one.
  one:
    action: logic.set   # why
    note: |
      of several

      # lines
    with: {values: {a: 1}}

  # About two.
  two:
    after: one
    action: logic.delay
    with:
      # How long.
      duration: 5 min
tests:
- name: t
  expect:
    ran: [one]
# The end.
"""


def _operations(names: list[str]) -> list[list[dict[str, Any]]]:
    first, last = names[0], names[-1]
    return [
        [{"op": "set", "path": ["steps", first, "comment"], "value": 'Two\nlines, and ${a: "b"}'}],
        [{"op": "set", "path": ["steps", last, "with", "deep", "er"], "value": {"a": [1, {"b": None}]}}],
        [{"op": "set", "path": ["steps", first, "action"]}],
        [{"op": "set", "path": ["description"], "value": "New"}],
        [{"op": "set", "path": ["trigger"], "value": {"type": "manual"}}],
        [{"op": "add", "action": "logic.set", "after": [first], "before": last, "at": [3, 4]}],
        [{"op": "add", "action": "logic.set"}, {"op": "move", "steps": {first: [1, 2], last: [3, -4]}}],
        [{"op": "move", "steps": {first: [1, 2]}, "trigger": [0, 9]}, {"op": "remove", "steps": [first]}],
        [{"op": "move", "steps": {last: [1, 2]}}, {"op": "tidy"}, {"op": "set", "path": ["name"], "value": "x"}],
        [{"op": "paste", "text": "a: {action: b.c}\nb: {after: a, action: b.c}", "after": first}],
        [{"op": "remove", "steps": [last]}, {"op": "add", "action": "logic.set", "after": [first]}],
        [{"op": "remove", "steps": names[::2]}],
    ]


def test_whatever_is_done_to_a_document_its_tree_is_that_of_its_text() -> None:
    every, known, tried = [starter.source for starter in starters().values()], 0, 0
    for number, source in enumerate((TEXT, *every)):
        steps = Splicer(source).node(("steps",))
        assert steps is not None
        chosen = _operations([str(name) for name in steps.items])
        for operations in chosen if source is TEXT else chosen[number % 5 :: 5]:
            splicer, _ = applied(source, _READ.validate_python(operations))
            assert splicer.known in (None, yamltree.parse(splicer.text)), (operations, splicer.text)
            known += splicer.known is not None
            tried += 1
    # Where it is not known, something in a list had to be written anew.
    assert known > 0.95 * tried


def test_what_lines_cannot_tell_is_read() -> None:
    splicer = Splicer(TEXT.replace("note: |", "note: |+"))
    splicer.remove(("steps", "two"))
    assert splicer.known is None
    assert splicer.root.items["steps"].items["one"].items["note"].value == "of several\n\n# lines\n"
    splicer = Splicer("a: 1\r\nb: 2\n")
    splicer.set(("b",), 3)
    assert (splicer.known, splicer.root.to_json()) == (None, {"a": 1, "b": 3})


def test_a_change_that_is_none_of_whole_entries_is_not_followed() -> None:
    text = "a:\n  b: 1\nc: 2\n"
    root, starts = yamltree.parse(text), [0, 3, 10, 15]
    for change in (
        Change(5, 6, "x"),
        Change(5, 6, "x", ("a",), "b"),
        Change(10, 15, "c: 2", (), "c"),
        Change(10, 15, "c: [\n", (), "c"),
        Change(10, 15, "d: 2\n", (), "d"),
        Change(10, 15, "d: 2\n", (), after="e"),
        Change(10, 10, "  d: 2\n", ("c",), after="b"),
        Change(3, 10, "", ("a",), "b"),
    ):
        assert grafted(root, text, starts, [change]) is None, change
    made = grafted(
        root, text, starts, [Change(10, 15, "d: 3\n", (), "c"), Change(3, 3, "  e: 4\n  f: 5\n", ("a",), after="b")]
    )
    assert made is not None
    assert made.to_json() == {"a": {"b": 1, "e": 4, "f": 5}, "d": 3}
    assert (made.keys["d"].line, root.to_json()) == (5, {"a": {"b": 1}, "c": 2})
