from datetime import UTC, datetime, timedelta

import pytest

from ringfence import clock
from ringfence.cli.moments import age, exact, length, time_of_day

NOON = datetime(2026, 3, 1, 12, 0, 0, 45_000, UTC)


@pytest.fixture(autouse=True)
def _noon() -> None:
    clock.replace(NOON.timestamp)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "now"),
        (1, "1 s ago"),
        (59.9, "59 s ago"),
        (60, "1 min ago"),
        (3_599, "59 min ago"),
        (7_300, "2 h ago"),
        (200_000, "2 d ago"),
        (-0.3, "now"),
        (-7_200, "in 2 h"),
    ],
)
def test_an_age_has_one_unit(seconds: float, said: str) -> None:
    assert age(NOON - timedelta(seconds=seconds)) == said


def test_an_exact_moment_is_in_utc_with_its_age() -> None:
    assert exact(NOON - timedelta(minutes=3)) == "2026-03-01 11:57:00 UTC (3 min ago)"
    assert time_of_day(NOON) == "12:00:00.045"


def test_what_did_not_happen_is_a_dash() -> None:
    assert (age(None), exact(None), length(None)) == ("-", "-", "-")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-1, "0 ms"),
        (0.04, "40 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min"),
        (200, "3 min 20 s"),
        (3_600, "1 h"),
        (3_660, "1 h 1 min"),
        (187_200, "2 d 4 h"),
    ],
)
def test_a_length_has_two_units_at_most(seconds: float, said: str) -> None:
    assert length(timedelta(seconds=seconds)) == said
