import difflib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from language_example import EXAMPLE
from ringfence.errors import Invalid
from ringfence.playbooks import yamltree
from ringfence.playbooks.editing import Editor, written

TEXT = """\
# What it is for.
ringfence: 1

name: "Example"   # shown to people
trigger: {type: manual}
steps:
    # the first
    one:
        action: logic.set   # keeps values

        with:
            values:
                text: |
                    two
                      lines
                number: 0o17
                spoken: yes
    two:
        after:
        -   one   # only then
        action: logic.delay
        with: {duration: '10 s'}
    # the end
"""


def _changed(before: str, after: str) -> list[str]:
    compared = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in compared if line[:1] in "+-" and line[:3] not in ("+++", "---")]


def test_a_text_that_is_not_changed_stays_as_it_is() -> None:
    assert Editor(TEXT).text == TEXT


def test_a_value_is_changed_and_comments_order_and_layout_stay() -> None:
    editor = Editor(TEXT)
    editor.set(("steps", "two", "with", "duration"), "20 s")
    assert _changed(TEXT, editor.text) == [
        "-        -   one   # only then",
        "+        - one     # only then",
        "-        with: {duration: '10 s'}",
        "+        with: {duration: '20 s'}",
    ]


def test_the_example_of_the_documentation_survives_a_change() -> None:
    editor = Editor(EXAMPLE)
    editor.set(("steps", "isolate", "timeout"), "20 min")
    changed = [line for line in _changed(EXAMPLE, editor.text) if "layout" not in line]
    assert changed == ["-    timeout: 30 min", "+    timeout: 20 min"]


def test_a_step_is_added_renamed_and_removed_in_the_authors_own_width() -> None:
    editor = Editor(TEXT)
    editor.set(("steps", "three", "action"), "logic.set")
    assert "    three:\n        action: logic.set\n" in editor.text
    editor.rename(("steps", "one"), "first")
    assert "    # the first\n    first:\n        action: logic.set   # keeps values\n" in editor.text
    editor.remove(("steps", "two"))
    assert list(yamltree.parse(editor.text).items["steps"].items) == ["first", "three"]


def test_a_text_that_looks_like_something_else_is_quoted() -> None:
    editor = Editor(TEXT)
    editor.set(("name",), "1.2")
    editor.set(("description",), "no")
    assert 'name: "1.2"' in editor.text
    assert 'description: "no"' in editor.text


def test_a_list_is_changed_and_grows_at_its_end() -> None:
    editor = Editor("a: [x, y]  # both\n")
    editor.set(("a", 0), "z")
    editor.set(("a", 2), "end")
    assert editor.text == "a: [z, y, end] # both\n"


@pytest.mark.parametrize("path", [("steps", "four"), ("steps", "one", "action", "x"), ("name", 0), ("steps", 0)])
def test_what_is_not_there_is_not_removed(path: tuple[str | int, ...]) -> None:
    with pytest.raises(Invalid, match="There is no"):
        Editor(TEXT).remove(path)


@pytest.mark.parametrize("path", [("name", "x"), ("steps", "two", "after", 5)])
def test_a_way_that_is_no_way_is_not_made(path: tuple[str | int, ...]) -> None:
    with pytest.raises(Invalid, match="There is no"):
        Editor(TEXT).set(path, "x")


def test_a_name_that_is_taken_is_refused() -> None:
    with pytest.raises(Invalid, match="There is a 'two' already"):
        Editor(TEXT).rename(("steps", "one"), "two")


@pytest.mark.parametrize(
    "text", ["a: &x [*x, *x]", "a: 1\na: 2", "a: !!python/object:os.system x", "a: [", "a: " + "x" * 1_100_000]
)
def test_hostile_yaml_is_refused_before_the_round_trip(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        Editor(text)
    assert caught.value.advice


_values: st.SearchStrategy[JsonValue] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab #:", max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(_values)
@settings(max_examples=25)
def test_whatever_is_set_is_read_back_and_nothing_else_moves(value: JsonValue) -> None:
    editor = Editor(TEXT)
    editor.set(("steps", "one", "with", "values", "text"), value)
    wanted = yamltree.parse(TEXT).to_json()
    wanted["steps"]["one"]["with"]["values"]["text"] = value  # type: ignore[index, call-overload]
    assert yamltree.parse(editor.text).to_json() == wanted
    assert "# the end" in editor.text


@given(st.dictionaries(st.text("ab #:", max_size=3), _values, max_size=3))
@settings(max_examples=25)
def test_a_new_document_is_read_back(value: dict[str, JsonValue]) -> None:
    assert yamltree.parse(written(value)).to_json() == value
