import json
from datetime import UTC, datetime
from typing import Any

from ringfence.alerts.echo import Write
from ringfence.alerts.judging import judge, read_difference
from ringfence.alerts.transitions import Change
from ringfence.alerts.versions import NO_DIFFERENCES, Standing

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
BEFORE: dict[str, Any] = {"id": "da1_1", "status": "New", "severity": "Low", "comments": []}


def test_the_first_version_is_news_and_differs_from_nothing() -> None:
    found = judge(None, BEFORE)
    assert (found.standing, found.changes, found.differences) == (Standing.NEWS, (Change.CREATED,), NO_DIFFERENCES)
    assert found.stored() is None


def test_a_late_version_did_nothing_and_shows_what_no_longer_stands() -> None:
    found = judge(BEFORE | {"status": "Resolved"}, BEFORE, late=True)
    assert (found.standing, found.changes) == (Standing.LATE, ())
    assert [(each.field, each.before, each.after) for each in found.differences.fields] == [
        ("status", "Resolved", "New")
    ]


def test_what_we_wrote_did_nothing_and_is_named() -> None:
    found = judge(BEFORE, BEFORE | {"status": "Resolved"}, writes=[Write("status", "Resolved", NOON)])
    assert (found.standing, found.changes, found.ours) == (Standing.OWN, (), ("status",))
    assert len(found.spent) == 1


def test_what_others_did_beside_us_is_all_that_happened() -> None:
    after = BEFORE | {"status": "Resolved", "severity": "High"}
    found = judge(BEFORE, after, writes=[Write("status", "Resolved", NOON)])
    assert (found.standing, found.changes) == (Standing.MIXED, (Change.SEVERITY_RAISED, Change.UPDATED))
    assert [each.field for each in found.differences.fields] == ["status", "severity"]


def test_a_difference_comes_back_from_its_row() -> None:
    found = judge(BEFORE, BEFORE | {"status": "Resolved"}, writes=[Write("status", "Resolved", NOON)])
    stored = json.loads(json.dumps(found.stored()))
    assert read_difference(stored) == (found.differences, ("status",))
    assert read_difference(None) == (NO_DIFFERENCES, ())
