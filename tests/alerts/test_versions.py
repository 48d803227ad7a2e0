import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.alerts.versions import MARKER, Change, differences, fingerprint, only_ours

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
OURS = {"comment": f"Contained and confirmed. {MARKER}0192]", "createdBy": "app", "createdTime": "2026-01-01T00:00:00Z"}
THEIRS = {"comment": "Looking at it.", "createdBy": "ada@contoso.com", "createdTime": "2026-01-01T00:00:00Z"}
BEFORE: dict[str, Any] = {"id": "da1_1", "status": "New", "lastUpdateTime": "2026-01-01T00:00:00Z", "comments": []}


def after(**values: Any) -> dict[str, Any]:
    return BEFORE | {"lastUpdateTime": "2026-01-01T00:05:00Z"} | values


@given(st.dictionaries(st.text(), JSON, max_size=6))
def test_the_order_of_keys_makes_no_version(document: dict[str, Any]) -> None:
    backwards = dict(reversed(document.items()))
    assert fingerprint(document) == fingerprint(backwards) == fingerprint(json.loads(json.dumps(document)))


@pytest.mark.parametrize("other", [{"a": 2}, {"a": "1"}, {"a": True}, {"a": 1.0}, {"a": None}, {}, {"b": 1}, [1]])
def test_whatever_says_something_else_is_another_version(other: object) -> None:
    assert fingerprint({"a": 1}) != fingerprint(other)


def test_a_fingerprint_fits_its_column_and_takes_hostile_texts() -> None:
    assert len(fingerprint({"title": "\x00\ud800"})) == 32


def test_differences_are_named_field_by_field() -> None:
    found = differences({"a": 1, "b": [1], "gone": 0}, {"a": 1, "b": [2], "new": "x"})
    assert [(each.field, each.before, each.after) for each in found] == [
        ("b", [1], [2]),
        ("new", None, "x"),
        ("gone", 0, None),
    ]


def test_a_field_that_is_missing_is_no_other_than_one_that_is_null() -> None:
    assert differences({"a": None}, {}) == []


def test_a_number_and_a_truth_are_different_although_python_thinks_them_equal() -> None:
    assert [each.field for each in differences({"a": 1, "b": 1}, {"a": True, "b": 1.0})] == ["a", "b"]


def test_a_comment_of_ours_is_not_news() -> None:
    assert only_ours(BEFORE, after(comments=[OURS]))
    assert only_ours(after(comments=[THEIRS]), after(comments=[OURS, THEIRS]))
    assert only_ours(after(comments=[OURS]), after(comments=[OURS, OURS]))
    assert only_ours(BEFORE | {"comments": None}, after(comments=[OURS]))


@pytest.mark.parametrize(
    "later",
    [
        after(),
        after(comments=[THEIRS]),
        after(comments=[OURS, THEIRS]),
        after(comments=[OURS], status="Resolved"),
        after(comments="no list"),
        after(comments=[MARKER]),
        after(comments=[{"comment": None}]),
        BEFORE,
    ],
)
def test_anything_else_is_news(later: dict[str, Any]) -> None:
    assert not only_ours(BEFORE, later)


def test_a_comment_that_vanishes_is_news() -> None:
    assert not only_ours(after(comments=[THEIRS]), after(comments=[OURS]))


@given(JSON, JSON)
def test_no_documents_are_too_odd_to_compare(one: Any, other: Any) -> None:
    assert not only_ours({"comments": one}, {"comments": other}) or MARKER in json.dumps(other)


def test_changes_are_the_words_of_playbooks() -> None:
    assert [str(change) for change in Change] == ["created", "updated"]
