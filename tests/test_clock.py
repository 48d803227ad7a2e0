"""Time and identity come from one place."""

import re
from datetime import UTC, datetime

from ringfence import clock


def test_a_replaced_clock_is_the_time_until_it_is_given_back() -> None:
    clock.replace(lambda: 1_700_000_000.25)
    assert clock.now() == datetime(2023, 11, 14, 22, 13, 20, 250_000, tzinfo=UTC)
    assert clock.timestamp() == 1_700_000_000.25
    clock.replace(None)
    assert clock.now().year > 2023


def test_ids_are_version_seven_and_sort_in_the_order_of_their_making() -> None:
    ids = [clock.new_id() for _ in range(10_000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
    form = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    assert all(form.fullmatch(each) for each in ids)


def test_ids_go_on_rising_when_the_clock_goes_back() -> None:
    clock.replace(lambda: 2_000_000_000.0)
    later = clock.new_id()
    clock.replace(lambda: 1_900_000_000.0)
    assert clock.new_id() > later


def test_a_moment_is_written_with_milliseconds_and_a_z() -> None:
    assert clock.iso(datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)) == "2026-01-02T03:04:05.678Z"
