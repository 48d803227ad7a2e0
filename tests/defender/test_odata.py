import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.defender import InvalidArgument, odata


def test_quotes_are_doubled() -> None:
    assert odata.eq("title", "O'Brien' or 1 eq 1") == "title eq 'O''Brien'' or 1 eq 1'"


@given(st.text())
def test_no_text_breaks_out_of_its_quotes(text: str) -> None:
    try:
        built = odata.eq("title", text)
    except InvalidArgument:
        assert not text.isprintable()
        return
    found = re.fullmatch(r"title eq '((?:[^']|'')*)'", built)
    assert found is not None
    assert found[1].replace("''", "'") == text


def test_times_are_written_in_utc_with_a_z_and_no_quotes() -> None:
    east = timezone(timedelta(hours=2))
    assert (
        odata.ge("lastUpdateTime", datetime(2026, 1, 2, 5, 4, 5, tzinfo=east))
        == "lastUpdateTime ge 2026-01-02T03:04:05Z"
    )
    assert odata.moment(datetime(2026, 1, 2, 3, 4, 5, 1200, tzinfo=UTC)) == "2026-01-02T03:04:05.001200Z"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="time zone"):
        odata.moment(datetime(2026, 1, 2))  # noqa: DTZ001


@pytest.mark.parametrize(("number", "text"), [(7.5, "7.5"), (7.0, "7.0"), (1e-7, "0.0000001"), (-2.25, "-2.25")])
def test_numbers_are_written_without_an_exponent(number: float, text: str) -> None:
    assert odata.ge("cvssV3", number) == f"cvssV3 ge {text}"


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_cannot_be_compared_is_refused(number: float) -> None:
    with pytest.raises(InvalidArgument, match="not a number that can be compared"):
        odata.ge("cvssV3", number)


def test_other_literals_are_bare() -> None:
    assert odata.eq("incidentId", 7) == "incidentId eq 7"
    assert odata.ne("isExcluded", True) == "isExcluded ne true"
    assert odata.eq("assignedTo", None) == "assignedTo eq null"


def test_comparisons_are_written_by_their_names() -> None:
    assert [compare("n", 1) for compare in (odata.gt, odata.lt, odata.le)] == ["n gt 1", "n lt 1", "n le 1"]
    assert odata.startswith("computerDnsName", "desk'") == "startswith(computerDnsName,'desk''')"


@pytest.mark.parametrize("name", ["", "a b", "a eq 1 or b", "a'", "$filter"])
def test_what_is_not_a_property_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match="not a property name"):
        odata.eq(name, 1)
    with pytest.raises(InvalidArgument, match="not a property name"):
        odata.startswith(name, "x")


def test_membership_is_written_with_or_in_parentheses() -> None:
    assert odata.one_of("severity", ["High", "Low"]) == "(severity eq 'High' or severity eq 'Low')"
    assert odata.one_of("severity", ["High"]) == "severity eq 'High'"
    with pytest.raises(InvalidArgument, match="at least one"):
        odata.one_of("severity", [])


def test_conditions_are_joined_and_empty_ones_left_out() -> None:
    assert odata.both("a eq 1", "", "b eq 2") == "a eq 1 and b eq 2"
    assert odata.both("a eq 1", odata.either("b eq 2", "c eq 3")) == "a eq 1 and (b eq 2 or c eq 3)"
    assert odata.both() == odata.either() == ""
    assert odata.either("", "b eq 2") == "b eq 2"
