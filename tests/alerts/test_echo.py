from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.alerts.echo import Split, Write, split
from ringfence.alerts.transitions import Change, transitions
from ringfence.alerts.versions import MARKER, Standing

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
OURS = {"comment": f"Contained and confirmed. {MARKER}0192]", "createdBy": "app", "createdTime": "2026-01-01T00:00:00Z"}
THEIRS = {"comment": "Looking at it.", "createdBy": "ada@contoso.com", "createdTime": "2026-01-01T00:00:00Z"}
BEFORE: dict[str, Any] = {
    "id": "da1_1",
    "status": "New",
    "severity": "Low",
    "assignedTo": None,
    "lastUpdateTime": "2026-01-01T00:00:00Z",
    "resolvedTime": None,
    "comments": [],
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
)


def after(**values: Any) -> dict[str, Any]:
    return BEFORE | {"lastUpdateTime": "2026-01-01T00:05:00Z"} | values


def wrote(field: str, value: Any, at: datetime = NOON) -> Write:
    return Write(field, value, at, key=f"run:step:0:{field}")


def asked(later: dict[str, Any], *writes: Write, before: dict[str, Any] = BEFORE) -> Split:
    return split(before, later, writes, updated_at=NOON + SECOND)


@pytest.mark.parametrize(
    ("before", "later"),
    [
        (BEFORE, after(comments=[OURS])),
        (after(comments=[THEIRS]), after(comments=[OURS, THEIRS])),
        (after(comments=[OURS]), after(comments=[OURS, OURS])),
        (BEFORE | {"comments": None}, after(comments=[OURS])),
    ],
)
def test_a_comment_with_our_marker_is_ours(before: dict[str, Any], later: dict[str, Any]) -> None:
    assert asked(later, before=before).standing is Standing.OWN


@pytest.mark.parametrize(
    "later",
    [
        after(),
        after(comments=[THEIRS]),
        after(comments="no list"),
        after(comments=[MARKER]),
        after(comments=[{"comment": None}]),
        after(status="Resolved"),
        BEFORE,
    ],
)
def test_what_we_did_not_write_is_news(later: dict[str, Any]) -> None:
    found = asked(later)
    assert (found.standing, found.ours) == (Standing.NEWS, ())
    assert found.before is BEFORE


@pytest.mark.parametrize("later", [after(comments=[OURS, THEIRS]), after(comments=[OURS], status="Resolved")])
def test_our_comment_beside_somebody_else_s_change_is_mixed(later: dict[str, Any]) -> None:
    found = asked(later)
    assert (found.standing, found.ours) == (Standing.MIXED, ("comments",))


def test_a_comment_of_theirs_that_vanishes_is_their_doing() -> None:
    assert asked(after(comments=[OURS]), before=after(comments=[THEIRS])).standing is Standing.MIXED


def test_a_comment_without_the_marker_is_ours_if_we_wrote_it() -> None:
    plain = THEIRS | {"comment": "Seen."}
    assert asked(after(comments=[plain]), wrote("comments", "Seen.")).standing is Standing.OWN
    assert asked(after(comments=[plain]), wrote("comments", "Other.")).standing is Standing.NEWS


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("status", "InProgress", "InProgress"),
        ("assignedTo", "Ada@contoso.com", "ada@contoso.com"),
        ("classification", "TruePositive", "TruePositive"),
        ("determination", "Malware", "Malware"),
    ],
)
def test_a_field_that_we_wrote_and_that_is_shown_back_is_ours(field: str, value: str, shown: str) -> None:
    found = asked(after(**{field: shown}), wrote(field, value))
    assert (found.standing, found.ours, len(found.spent)) == (Standing.OWN, (field,), 1)


def test_the_time_of_resolution_comes_with_our_resolution() -> None:
    later = after(status="Resolved", resolvedTime="2026-01-01T00:05:00Z")
    assert asked(later, wrote("status", "Resolved")).standing is Standing.OWN
    assert asked(later).standing is Standing.NEWS


def test_another_value_than_ours_is_theirs() -> None:
    found = asked(after(status="Resolved"), wrote("status", "InProgress"))
    assert (found.standing, found.spent) == (Standing.NEWS, ())


def test_what_others_did_beside_ours_is_told_without_ours() -> None:
    found = asked(after(status="Resolved", severity="High"), wrote("status", "Resolved"))
    assert (found.standing, found.ours) == (Standing.MIXED, ("status",))
    assert transitions(found.before, after(status="Resolved", severity="High")) == (
        Change.SEVERITY_RAISED,
        Change.UPDATED,
    )


def test_only_the_last_of_our_writes_to_a_field_is_looked_for() -> None:
    writes = (wrote("status", "Resolved", NOON - SECOND), wrote("status", "InProgress", NOON))
    assert asked(after(status="Resolved"), *writes).standing is Standing.NEWS
    assert asked(after(status="InProgress"), *reversed(writes)).standing is Standing.OWN


def test_a_write_of_what_was_there_already_moves_the_time_and_is_ours() -> None:
    assert asked(after(), wrote("status", "New")).standing is Standing.OWN
    assert asked(after(severity="High"), wrote("status", "New")).standing is Standing.NEWS


def test_a_write_that_a_much_later_version_does_not_show_was_overruled() -> None:
    write = wrote("status", "InProgress")
    early = split(BEFORE, after(status="Resolved"), [write], updated_at=NOON)
    late = split(BEFORE, after(status="Resolved"), [write], updated_at=NOON + timedelta(minutes=5))
    assert (early.spent, late.spent) == ((), (write,))


@given(JSON, JSON)
def test_no_comments_are_too_odd_to_compare(one: Any, other: Any) -> None:
    assert split({"comments": one}, {"comments": other}).standing is Standing.NEWS


FIELDS = st.dictionaries(
    st.sampled_from(("status", "assignedTo", "classification", "severity")), st.sampled_from("abc")
)


@given(FIELDS, FIELDS, FIELDS)
def test_ours_and_theirs_together_are_the_whole_change(
    start: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]
) -> None:
    ours = {name: value for name, value in ours.items() if name != "severity"}
    later = start | ours | theirs
    written = [wrote(name, value) for name, value in ours.items()]
    found = split(start, later, written)
    moved = {name for name in later if start.get(name) != later[name]}
    mine = {name for name in moved if ours.get(name) == later[name]}
    assert set(found.ours) == mine
    left = {name for name in later if found.before.get(name) != later[name]}
    assert left == moved - mine
    if moved:
        expected = Standing.NEWS if not mine else Standing.OWN if not left else Standing.MIXED
        assert found.standing is expected
