import pytest

from ringfence.errors import Invalid
from ringfence.playbooks.splicing import Splicer

TEXT = """\
# About all of it.
ringfence: 1
name: One   # its name

steps:
  # About one.
  one:
    action: logic.set   # why
    with: {values: {a: 1}}

  # About two.
  two:
    after: one
    action: logic.delay
    with:
      # How long.
      duration: 5 min
# The end.
"""


def test_an_entry_is_put_in_after_another_and_nothing_else_changes() -> None:
    splicer = Splicer(TEXT)
    splicer.insert(("steps", "between"), {"after": "one", "action": "logic.stop"}, after="one")
    new = "  between:\n    after: one\n    action: logic.stop\n"
    assert splicer.text == TEXT.replace("{a: 1}}\n", "{a: 1}}\n" + new)
    splicer.insert(("steps", "last"), {"action": "logic.stop"})
    assert splicer.text.endswith("duration: 5 min\n  last:\n    action: logic.stop\n# The end.\n")
    with pytest.raises(Invalid, match="There is a 'one' already"):
        splicer.insert(("steps", "one"), {})


def test_an_entry_goes_with_the_comments_above_it_and_leaves_those_of_others() -> None:
    splicer = Splicer(TEXT)
    splicer.remove(("steps", "one"))
    assert splicer.text == TEXT.replace(
        "  # About one.\n  one:\n    action: logic.set   # why\n    with: {values: {a: 1}}\n", ""
    )
    splicer.remove(("steps", "two"))
    assert splicer.text == "# About all of it.\nringfence: 1\nname: One   # its name\n\nsteps: {}\n# The end.\n"
    with pytest.raises(Invalid, match=r"There is no 'steps\.two'"):
        splicer.remove(("steps", "two"))


def test_a_value_is_set_inside_its_entry_alone() -> None:
    splicer = Splicer(TEXT)
    splicer.set(("steps", "two", "with", "duration"), "10 min")
    splicer.set(("steps", "two", "retry"), {"attempts": 3})
    assert splicer.text == TEXT.replace("5 min\n", "10 min\n    retry: {attempts: 3}\n")
    splicer.set(("name",), "Two")
    assert "name: Two\n" in splicer.text
    assert "# About one.\n" in splicer.text


def test_what_is_new_at_the_top_stands_where_such_documents_have_it() -> None:
    splicer = Splicer(TEXT)
    splicer.set(("layout",), {"steps": {"one": [1, -2]}}, flat=True)
    splicer.set(("trigger", "type"), "manual")
    splicer.set(("description",), "What: it is for")
    assert list(splicer.root.items) == ["ringfence", "name", "description", "trigger", "steps", "layout"]
    assert "layout:\n  steps:\n    one: [1, -2]\n" in splicer.text
    splicer.remove(("layout", "steps", "one"))
    assert "layout" not in splicer.text


def test_a_last_entry_that_is_removed_takes_the_empty_mapping_with_it() -> None:
    splicer = Splicer(TEXT)
    splicer.remove(("steps", "one", "with", "values"))
    assert "values" not in splicer.text
    assert splicer.node(("steps", "one", "with")) is None


@pytest.mark.parametrize(
    "text",
    [
        "{ringfence: 1, steps: {one: {action: a.b}}}",
        "ringfence: 1\nsteps: {one: {action: a.b}}",
        "ringfence: 1\nsteps:\n  one: {action: a.b}",
    ],
)
def test_documents_in_flow_style_are_changed_too(text: str) -> None:
    splicer = Splicer(text)
    splicer.insert(("steps", "two"), {"after": "one", "action": "c.d"})
    splicer.set(("steps", "one", "note"), "n")
    splicer.set(("name",), "x")
    splicer.remove(("steps", "one", "action"))
    assert splicer.root.to_json() == {
        "ringfence": 1,
        "name": "x",
        "steps": {"one": {"note": "n"}, "two": {"after": "one", "action": "c.d"}},
    }
    splicer.remove(("steps", "one"))
    assert splicer.node(("steps", "one")) is None


def test_lines_are_those_of_the_entry_without_what_follows_it() -> None:
    splicer = Splicer(TEXT)
    assert splicer.lines(("steps", "one")) == (7, 9)
    assert splicer.lines(("steps", "two")) == (12, 17)
    assert Splicer("steps: {one: {action: a.b}}").lines(("steps", "one")) is None


def test_texts_of_several_lines_and_an_end_mark_are_kept() -> None:
    text = "steps:\n  one:\n    note: |\n      a\n\n      # no comment\n    action: x.y\n...\n"
    splicer = Splicer(text)
    splicer.set(("steps", "one", "if"), "a")
    splicer.insert(("steps", "two"), {"action": "x.y"})
    assert splicer.text == text.replace("x.y\n", "x.y\n    if: a\n  two:\n    action: x.y\n")


def test_what_is_no_mapping_is_refused_with_its_place() -> None:
    with pytest.raises(Invalid, match="line 2, column 1"):
        Splicer("a: [")
    with pytest.raises(Invalid, match="not a playbook"):
        Splicer("- a")
