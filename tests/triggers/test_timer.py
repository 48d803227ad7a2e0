from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.playbooks.triggers import TimerTrigger
from ringfence.triggers.timer import LATE, LONGEST_LOOK_BACK, document, due, moments

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def timer(**values: Any) -> TimerTrigger:
    return TimerTrigger.model_validate({"type": "timer"} | values)


def local(trigger: TimerTrigger, after: datetime, many: int) -> list[str]:
    zone = ZoneInfo(trigger.time_zone)
    return [each.astimezone(zone).strftime("%d %H:%M%z") for each in islice(moments(trigger, after), many)]


def berlin(cron: str) -> TimerTrigger:
    return timer(cron=cron, time_zone="Europe/Berlin")


# In Berlin, 2026-03-29 02:00 +0100 is followed by 03:00 +0200, and 2026-10-25 03:00 +0200 by 02:00 +0100.
SPRING = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 24, 12, 0, tzinfo=UTC)


def test_a_fixed_time_that_is_skipped_comes_right_after_the_gap() -> None:
    assert local(berlin("30 2 * * *"), SPRING, 2) == ["29 03:00+0200", "30 02:30+0200"]


def test_a_fixed_time_in_the_doubled_hour_comes_once() -> None:
    assert local(berlin("30 2 * * *"), AUTUMN, 2) == ["25 02:30+0200", "26 02:30+0100"]


def test_every_half_hour_goes_on_by_real_time_through_both_changes() -> None:
    spring = local(berlin("*/30 * * * *"), datetime(2026, 3, 29, 0, 15, tzinfo=UTC), 3)
    assert spring == ["29 01:30+0100", "29 03:00+0200", "29 03:30+0200"]
    autumn = local(berlin("*/30 * * * *"), datetime(2026, 10, 24, 23, 45, tzinfo=UTC), 6)
    assert autumn == [
        "25 02:00+0200",
        "25 02:30+0200",
        "25 02:00+0100",
        "25 02:30+0100",
        "25 03:00+0100",
        "25 03:30+0100",
    ]


def test_a_zone_that_moves_by_half_an_hour_is_followed_too() -> None:
    # Lord Howe puts its clock from 02:00 back to 01:30.
    howe = timer(cron="45 1 * * *", time_zone="Australia/Lord_Howe")
    assert local(howe, datetime(2026, 4, 4, 0, 0, tzinfo=UTC), 2) == ["05 01:45+1100", "06 01:45+1030"]


def test_an_interval_is_counted_in_real_time_and_from_a_fixed_point() -> None:
    trigger = timer(every="15 min", time_zone="Europe/Berlin")
    assert local(trigger, datetime(2026, 3, 29, 0, 40, tzinfo=UTC), 3) == [
        "29 01:45+0100",
        "29 03:00+0200",
        "29 03:15+0200",
    ]
    assert list(islice(moments(timer(every="1 h"), NOON), 1)) == [NOON + timedelta(hours=1)]


ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca")
CRONS = ("* * * * *", "*/15 * * * *", "30 2 * * *", "0 */2 * * *", "59 23 * * SUN", "15,45 1-3 * * *", "0 0 1 * *")


@given(
    zone=st.sampled_from(ZONES),
    cron=st.sampled_from(CRONS),
    minutes=st.integers(0, 3 * 365 * 1440),
    cut=st.integers(0, 29),
)
def test_moments_rise_and_do_not_depend_on_where_one_begins_to_count(
    zone: str, cron: str, minutes: int, cut: int
) -> None:
    trigger, after = timer(cron=cron, time_zone=zone), datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    found = list(islice(moments(trigger, after), 30))
    assert found == sorted(set(found))
    assert found[0] > after
    assert list(islice(moments(trigger, found[cut]), 29 - cut)) == found[cut + 1 :]


def test_moments_in_time_are_all_started() -> None:
    started, passed, upcoming = due(timer(every="1 min"), NOON - LATE, NOON)
    assert (started, passed, upcoming) == ([NOON], 0, NOON + LATE)
    assert due(timer(every="1 h"), NOON, NOON + timedelta(minutes=59)) == ([], 0, NOON + timedelta(hours=1))


@pytest.mark.parametrize("catch_up", ["last", "none"])
def test_missed_moments_are_caught_up_as_the_trigger_says(catch_up: str) -> None:
    trigger, later = timer(every="1 h", catch_up=catch_up), NOON + timedelta(hours=5, minutes=30)
    started, passed, upcoming = due(trigger, NOON, later)
    assert upcoming == NOON + timedelta(hours=6)
    if catch_up == "last":
        assert (started, passed) == ([NOON + timedelta(hours=5)], 4)
    else:
        assert (started, passed) == ([], 5)


def test_one_that_is_in_time_stands_for_those_before_it() -> None:
    started, passed, _ = due(timer(every="1 h"), NOON, NOON + timedelta(hours=3, seconds=30))
    assert (started, passed) == ([NOON + timedelta(hours=3)], 2)


def test_nobody_looks_back_further_than_a_week() -> None:
    started, passed, _ = due(timer(every="1 d"), NOON - timedelta(days=400), NOON)
    assert len(started) + passed == LONGEST_LOOK_BACK.days
    assert started == [NOON.replace(hour=0)]


def test_a_run_sees_its_moment_in_both_times() -> None:
    seen = document(berlin("0 13 * * *"), NOON, 2)
    assert seen == {
        "type": "timer",
        "at": "2026-01-31T12:00:00.000Z",
        "local_time": "2026-01-31T13:00:00+01:00",
        "time_zone": "Europe/Berlin",
        "missed": 2,
    }
