from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ringfence.ingestion.completeness import GRACE, Before, Delays, Reading, delays, problem

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def a_reading(**values: Any) -> Reading:
    usual = Reading(NOW, NOW - 48 * HOUR, NOW - 3 * MINUTE, NOW - 2 * MINUTE, NOW - MINUTE, GRACE, known=5, missed=0)
    return replace(usual, **values)


BEFORE = Before(NOW - HOUR - 3 * MINUTE, NOW - HOUR - 2 * MINUTE)


def test_a_cursor_that_follows_the_tenant_is_sound() -> None:
    assert problem(a_reading(), BEFORE) == ""
    assert problem(a_reading(), None) == ""
    assert problem(a_reading(newest=None, watermark=None), None) == ""


def test_an_alert_that_microsoft_showed_late_is_no_fault_of_the_service() -> None:
    assert problem(a_reading(missed=2, known=0), BEFORE) == ""
    assert problem(a_reading(missed=4, known=4), BEFORE) == ""


def test_a_watermark_in_the_future_would_pass_over_what_comes() -> None:
    said = problem(a_reading(watermark=NOW + 2 * MINUTE), None)
    assert "in the future" in said
    assert "2026-06-01 12:02:00" in said
    # Clocks differ by seconds.
    assert problem(a_reading(watermark=NOW + timedelta(seconds=30)), None) == ""


@pytest.mark.parametrize("polled_at", [None, NOW - HOUR])
def test_a_cursor_stands_where_nobody_polls_although_there_are_alerts(polled_at: datetime | None) -> None:
    said = problem(a_reading(watermark=NOW - HOUR, newest=NOW - 30 * MINUTE, polled_at=polled_at), None)
    assert said.startswith("The cursor stands")
    assert "2026-06-01 11:30:00" in said


def test_a_cursor_stands_that_polls_do_not_move_over_what_has_long_been_there() -> None:
    stuck = a_reading(watermark=NOW - 2 * HOUR, newest=NOW - MINUTE)
    assert problem(stuck, Before(NOW - 2 * HOUR, NOW - HOUR)).startswith("The cursor stands")
    # What surfaced since the last sweep is the next poll's.
    assert problem(a_reading(watermark=NOW - 2 * HOUR, newest=NOW - HOUR), Before(NOW - 2 * HOUR, NOW - 2 * HOUR)) == ""
    assert problem(a_reading(watermark=None, newest=NOW - HOUR), Before(None, None)) == ""


def test_a_quiet_tenant_has_a_cursor_that_may_stand() -> None:
    quiet = a_reading(watermark=NOW - 40 * HOUR, newest=NOW - 40 * HOUR)
    assert problem(quiet, Before(NOW - 40 * HOUR, NOW - 40 * HOUR)) == ""


def test_a_watermark_that_moved_back_is_told_with_both_times() -> None:
    said = problem(a_reading(watermark=NOW - 2 * MINUTE), Before(NOW - MINUTE, NOW - HOUR))
    assert said == "The watermark moved back, from 2026-06-01 11:59:00 UTC to 2026-06-01 11:58:00 UTC."


@pytest.mark.parametrize("newest", [None, NOW - 5 * HOUR])
def test_alerts_that_are_gone_are_told(newest: datetime | None) -> None:
    said = problem(a_reading(newest=newest), Before(NOW - 4 * HOUR, NOW - 2 * HOUR))
    assert "another tenant" in said


def test_what_has_left_the_span_that_is_read_is_not_gone() -> None:
    assert problem(a_reading(newest=None), Before(NOW - 50 * HOUR, NOW - 49 * HOUR)) == ""


def test_a_cursor_jumped_that_passed_over_more_than_it_took_in() -> None:
    said = problem(a_reading(missed=4, known=1), BEFORE)
    assert said.startswith("The cursor jumped")
    assert "polls took in 1 and passed over 4" in said


def test_delays_are_percentiles_of_what_was_there() -> None:
    assert delays([]) is None
    assert delays([-3.0]) == Delays(1, 0.0, 0.0, 0.0, 0.0)
    assert delays(float(each) for each in reversed(range(1, 201))) == Delays(200, 100.0, 180.0, 198.0, 200.0)
    assert delays([5.0, 1.0]) == Delays(2, 1.0, 5.0, 5.0, 5.0)
