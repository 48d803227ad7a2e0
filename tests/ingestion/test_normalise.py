from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.ingestion.normalise import LONGEST_ID, LONGEST_TEXT, NotAnAlert, moment, normalise

DOCUMENT: dict[str, Any] = {
    "id": "da637472900382838869_1364969609",
    "incidentId": 1126093,
    "assignedTo": None,
    "severity": "Low",
    "status": "New",
    "category": "Execution",
    "title": "Low-reputation arbitrary code executed by signed executable",
    "alertCreationTime": "2021-01-26T20:33:57.7220239Z",
    "firstEventTime": "2021-01-26T20:31:32.9562661Z",
    "lastEventTime": "2021-01-26T20:31:33.0577322Z",
    "lastUpdateTime": "2021-01-26T20:33:59.2Z",
    "machineId": "111e6dd8c833c8a052ea231ec1b19adaf497b625",
    "computerDnsName": "host-1.contoso.com",
}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def test_an_alert_as_microsoft_documents_it_is_read() -> None:
    values = normalise(DOCUMENT)
    assert values.alert_id == DOCUMENT["id"]
    assert (values.severity, values.status, values.category) == ("Low", "New", "Execution")
    assert (values.incident_id, values.assigned_to) == ("1126093", None)
    assert (values.machine_id, values.machine_name) == (DOCUMENT["machineId"], "host-1.contoso.com")
    assert values.event_at == datetime(2021, 1, 26, 20, 31, 32, 956266, UTC)
    assert values.created_at == datetime(2021, 1, 26, 20, 33, 57, 722023, UTC)
    assert values.updated_at == datetime(2021, 1, 26, 20, 33, 59, 200000, UTC)


def test_an_alert_with_nothing_but_an_id_is_an_alert() -> None:
    values = normalise({"id": "da1_1"})
    assert (values.title, values.severity, values.status, values.category) == ("", "UnSpecified", "Unknown", "")
    assert (values.machine_id, values.incident_id, values.event_at, values.updated_at) == (None, None, None, None)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (None, "is null"),
        ("text", "is a text"),
        ([DOCUMENT], "is a list"),
        (True, "is true or false"),
        ({}, "has no id"),
        ({"id": None}, "has no id"),
        ({"id": 7}, "is a number instead of a text"),
        ({"id": {"a": 1}}, "is an object instead of a text"),
        ({"id": "  "}, "is empty"),
        ({"id": "a" * (LONGEST_ID + 1)}, "201 characters"),
        ({"id": "da1\x00_1"}, "characters that no id has"),
        ({"id": "da1\ud800_1"}, "characters that no id has"),
    ],
)
def test_what_has_no_identity_is_refused_with_the_reason(document: object, said: str) -> None:
    with pytest.raises(NotAnAlert, match=said):
        normalise(document)


@given(st.sampled_from(sorted(set(DOCUMENT) - {"id"})), ANYTHING)
def test_no_odd_value_costs_more_than_its_own_field(name: str, value: Any) -> None:
    values = normalise(DOCUMENT | {name: value})
    untouched = normalise({key: kept for key, kept in DOCUMENT.items() if key != name})
    same = [field for field in values.__slots__ if getattr(values, field) == getattr(untouched, field)]
    assert len(values.__slots__) - len(same) <= 1


def test_a_long_text_is_cut_and_a_long_reference_is_left_out_since_cut_it_would_name_another() -> None:
    values = normalise(DOCUMENT | {"title": "a" * 5000, "machineId": "b" * 201, "incidentId": "c" * 201})
    assert len(values.title) == LONGEST_TEXT
    assert (values.machine_id, values.incident_id) == (None, None)


@pytest.mark.parametrize("incident", [True, 1.5, 2**65, ""])
def test_an_incident_is_a_number_or_a_text(incident: object) -> None:
    assert normalise(DOCUMENT | {"incidentId": incident}).incident_id is None


@pytest.mark.parametrize("digits", range(8))
def test_times_have_0_to_7_digits_and_are_never_rounded_up(digits: int) -> None:
    fraction = f".{'9' * digits}" if digits else ""
    read = moment(f"2026-01-31T10:00:00{fraction}Z")
    assert read is not None
    assert read.second == 0
    assert read.microsecond == int(("9" * digits)[:6].ljust(6, "0") or "0")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31T10:00:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31T10:00:00+02:00", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59.9999999Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("2026-02-30T10:00:00Z", None),
        ("2026-01-31T25:00:00Z", None),
        ("2026-01-31", None),
        ("yesterday", None),
        ("٢٠٢٦-01-31T10:00:00Z", None),
        ("", None),
        (1769853600, None),
        (None, None),
    ],
)
def test_what_is_no_time_is_none(text: object, expected: datetime | None) -> None:
    assert moment(text) == expected
