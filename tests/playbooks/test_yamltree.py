import math

import pytest

from ringfence.playbooks.yamltree import MAX_BYTES, Kept, Place, Unreadable, is_text, parse


def _fault(text: str) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        parse(text)
    assert caught.value.advice
    return caught.value


def test_values_are_read_by_the_core_schema_of_yaml_1_2() -> None:
    text = """
a: [1, -2, +3, 0o17, 0x1F, 1.5, 1e3, .5]
b: [true, False, null, ~, ]
c: [yes, no, on, 1:30, 2026-01-31, 0b1, 1_000, "5", '5', NULLS]
d: |
  two
  lines
e:
"""
    assert parse(text).to_json() == {
        "a": [1, -2, 3, 15, 31, 1.5, 1000.0, 0.5],
        "b": [True, False, None, None],
        "c": ["yes", "no", "on", "1:30", "2026-01-31", "0b1", "1_000", "5", "5", "NULLS"],
        "d": "two\nlines\n",
        "e": None,
    }


def test_every_key_and_value_has_its_place() -> None:
    root = parse("a: 1\nbc:\n  - x\n  -   {d: y}\n")
    assert root.place == Place(1, 1)
    assert root.keys == {"a": Place(1, 1), "bc": Place(2, 1)}
    assert root.items["bc"].items[0].place == Place(3, 5)
    assert root.items["bc"].items[1].keys["d"] == Place(4, 8)
    assert root.items["bc"].items[1].items["d"].place == Place(4, 11)


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("", "empty-document", Place(1, 1)),
        ("# only a comment\n", "empty-document", Place(1, 1)),
        ("a: 1\na: 2", "duplicate-key", Place(2, 1)),
        ("a: {b: 1, b: 2}", "duplicate-key", Place(1, 11)),
        ("a: 1\n'a': 2", "duplicate-key", Place(2, 1)),
        ("a: &x 1", "yaml-anchor", Place(1, 4)),
        ("a: &x [1]", "yaml-anchor", Place(1, 4)),
        ("a: *x", "yaml-alias", Place(1, 4)),
        ("a: !!python/object:os.system x", "yaml-tag", Place(1, 4)),
        ("a: !x {}", "yaml-tag", Place(1, 4)),
        ("---\na: 1\n---\nb: 1", "many-documents", Place(3, 1)),
        ("%YAML 1.1\n---\na: 1", "yaml-directive", Place(2, 1)),
        ("%TAG ! tag:x,2000:\n---\na: 1", "yaml-directive", Place(2, 1)),
        ("? [a]\n: b", "bad-key", Place(1, 3)),
        ("a: 99999999999999999999", "bad-number", Place(1, 4)),
        ("a: " + "9" * 5000, "bad-number", Place(1, 4)),
        ("a: .inf", "bad-number", Place(1, 4)),
        ("a: .NaN", "bad-number", Place(1, 4)),
        ("a: 1e999", "bad-number", Place(1, 4)),
        ('a: "x\\0"', "bad-character", Place(1, 4)),
        ('a: "\\ud800"', "bad-character", Place(1, 4)),
        ("a: b\n  c: d", "bad-yaml", Place(2, 4)),
        ("a: [", "bad-yaml", Place(1, 5)),
        ("a: 'open", "bad-yaml", Place(1, 9)),
        ("a: 1\nb: \x07", "bad-yaml", Place(2, 4)),
        ("\ud800", "bad-yaml", Place(1, 1)),
        ("a:\n\t- b", "bad-yaml", Place(2, 1)),
    ],
)
def test_what_a_playbook_cannot_be_is_refused_at_its_place(text: str, code: str, place: Place) -> None:
    fault = _fault(text)
    assert (fault.code, fault.place) == (code, place)


def test_a_directive_for_the_version_that_is_read_is_allowed() -> None:
    assert parse("%YAML 1.2\n---\na: yes\n").to_json() == {"a": "yes"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[" * 500_000, "too-deep"),
        ("{a: " * 200_000, "too-deep"),
        ("- " * 300_000, "too-deep"),
        ("[" + "a," * 21_000 + "]", "too-large"),
        ("a: " + "x" * MAX_BYTES, "too-large"),
        ("a: " + "ä" * (MAX_BYTES // 2), "too-large"),
    ],
    ids=["brackets", "braces", "dashes", "values", "characters", "bytes"],
)
def test_size_and_depth_are_bounded(text: str, code: str) -> None:
    assert _fault(text).code == code


@pytest.mark.parametrize("text", ["null", "~", "", "TRUE", "12", "-1.5e3", "0x1f", ".inf", ".5"])
def test_words_that_mean_something_are_not_text(text: str) -> None:
    assert not is_text(text)
    assert is_text(f"{text} x")


def test_numbers_keep_their_kind() -> None:
    value = parse("a: 1.0").to_json()
    assert isinstance(value, dict)
    number = value["a"]
    assert isinstance(number, float)
    assert math.isclose(number, 1.0)


def test_the_trees_that_were_asked_for_last_are_kept() -> None:
    kept, root = Kept(most=10, least=3), parse("a: 1")
    for text in ("b:", "a: 1", "b: 2", "c: 3", "a: 12345678"):
        kept.keep(text, root)
        kept.find("b: 2")
    assert [kept.find(text) for text in ("b:", "a: 1", "b: 2", "c: 3", "a: 12345678")] == [None, None, root, root, None]
    kept.keep("b: 2", root)
    kept.keep("d: 4", root)
    assert (kept.find("c: 3"), kept.find("b: 2")) == (None, root)


def test_a_document_of_some_length_is_read_once() -> None:
    text = "".join(f"key_{number}: {number}\n" for number in range(500))
    assert parse(text) is parse(text)
