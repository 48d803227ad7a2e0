import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.alerts.versions import (
    LONGEST_VALUE,
    MARKER,
    MOST_FIELDS,
    changed_fields,
    differences,
    fingerprint,
    is_older,
)

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


def places(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    return [(each.field, each.before, each.after) for each in differences(before, after).fields]


def test_differences_are_named_field_by_field() -> None:
    assert places({"a": 1, "b": {"c": [1, 2]}, "gone": 0}, {"a": 1, "b": {"c": [1, 3]}, "new": "x"}) == [
        ("b.c[1]", 2, 3),
        ("new", None, "x"),
        ("gone", 0, None),
    ]


def test_what_came_to_a_list_and_what_went_from_it_are_told_apart() -> None:
    before, after = [{"n": 1}, {"n": 2}], [{"n": 0}, {"n": 2}, {"n": 3}]
    assert places({"e": before}, {"e": after}) == [
        ("e[0]", None, {"n": 0}),
        ("e[2]", None, {"n": 3}),
        ("e[0]", {"n": 1}, None),
    ]


def test_a_field_that_is_missing_is_no_other_than_one_that_is_null() -> None:
    assert places({"a": None}, {}) == []


def test_a_number_and_a_truth_are_different_although_python_thinks_them_equal() -> None:
    assert [each[0] for each in places({"a": 1, "b": 1}, {"a": True, "b": 1.0})] == ["a", "b"]


def test_differences_are_bounded_in_number_and_length() -> None:
    found = differences({}, {f"f{number:03}": "x" * 1_000 for number in range(MOST_FIELDS + 7)})
    assert (len(found.fields), found.left_out) == (MOST_FIELDS, 7)
    assert len(found.fields[0].after) == LONGEST_VALUE
    (long,) = differences({}, {"list": list(range(1_000))}).fields
    assert isinstance(long.after, str)
    assert len(long.after) == LONGEST_VALUE


def test_a_difference_knows_the_field_of_the_alert_that_it_lies_in() -> None:
    assert [each.top for each in differences({"a": {"b": 1}, "c": [1]}, {"a": {"b": 2}, "c": [2]}).fields] == ["a", "c"]


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=4), st.dictionaries(st.text(max_size=3), JSON, max_size=4))
def test_two_documents_have_differences_exactly_if_their_fields_differ(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    found = differences(one, other)
    assert bool(found.fields) == bool(changed_fields(one, other))
    assert json.loads(json.dumps([each.after for each in found.fields])) == [each.after for each in found.fields]


def test_a_document_as_deep_as_can_be_read_is_compared() -> None:
    deep: dict[str, Any] = {"end": 1}
    for _ in range(400):
        deep = {"inner": deep}
    (found,) = differences({}, {"a": deep}).fields
    assert found.field == "a"
    deeper = json.loads(json.dumps(deep).replace("1", "2"))
    (found,) = differences({"a": deep}, {"a": deeper}).fields
    assert found.field.startswith("a.inner.inner")


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("came", "known", "older"),
    [
        ((BEFORE, NOON), (BEFORE, LATER), True),
        ((BEFORE, LATER), (BEFORE, NOON), False),
        ((BEFORE, NOON), (BEFORE, NOON), False),
        ((BEFORE, NOON), (after(comments=[THEIRS]), NOON), True),
        ((after(comments=[THEIRS]), NOON), (BEFORE, NOON), False),
        ((after(comments=[OURS]), NOON), (after(comments=[THEIRS]), NOON), False),
        ((after(evidence=[]), NOON), (after(evidence=[{"a": 1}]), NOON), True),
        ((after(evidence=[{"a": 1}]), NOON), (after(comments=[THEIRS]), NOON), False),
        ((BEFORE, None), (after(comments=[THEIRS]), NOON), False),
        ((BEFORE, NOON), (after(comments=[THEIRS]), None), False),
    ],
)
def test_the_older_version_is_known_by_its_time_and_then_by_holding_less(came: Any, known: Any, older: bool) -> None:
    assert is_older(*came, *known) is older


@given(JSON, JSON)
def test_of_two_versions_at_most_one_is_the_older(one: Any, other: Any) -> None:
    first, second = {"comments": one, "evidence": other}, {"comments": other, "evidence": one}
    assert not (is_older(first, NOON, second, NOON) and is_older(second, NOON, first, NOON))
