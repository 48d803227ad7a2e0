import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import Invalid
from ringfence.services import pace
from ringfence.services.pace import HOURLY_CALLS, QUICK, REST, SHARE, Pace

ALLOWED = int(HOURLY_CALLS * SHARE)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 300.0),
        ("0.5", 30.0),
        ("30 s", 30.0),
        ("90s", 90.0),
        (" 5 Min ", 300.0),
        ("1 hour", 3600.0),
        ("2 d", 172800.0),
    ],
)
def test_an_interval_is_minutes_unless_it_says_otherwise(text: str, seconds: float) -> None:
    assert pace.interval(text) == seconds


def test_adaptive_is_no_number_of_seconds() -> None:
    assert pace.interval("Adaptive") is None


@pytest.mark.parametrize("text", ["", "soon", "5 parsecs", "-1", "0", "0.5 s", "8 d", "1e3", "nan", "\uff15 min"])
def test_what_is_no_interval_is_refused_with_what_is(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        pace.interval(text)
    assert "adaptive" in caught.value.advice


def test_it_is_quick_while_alerts_come_and_slow_when_none_do() -> None:
    assert pace.pause(spent=0, allowed=ALLOWED, quiet=0) == QUICK
    assert pace.pause(spent=0, allowed=ALLOWED, quiet=86_400) == REST
    assert QUICK < pace.pause(spent=0, allowed=ALLOWED, quiet=300) < REST


@given(st.integers(0, ALLOWED + 5), st.integers(1, ALLOWED), st.floats(0, 1e6))
def test_the_less_is_left_the_longer_it_waits(spent: int, allowed: int, quiet: float) -> None:
    now, later = (pace.pause(spent=each, allowed=allowed, quiet=quiet) for each in (spent, spent + 1))
    assert QUICK <= now <= later


def test_what_was_spent_leaves_the_hour() -> None:
    kept = Pace(allowed=10)
    for second in range(10):
        kept.polled(second, 1, news=True)
    assert kept.next(10.0) == 3600.0 - 10.0
    assert kept.next(3_700.0) < 3600.0


def test_before_a_restart_polling_at_rest_is_assumed() -> None:
    kept = Pace()
    kept.assume(10_000.0)
    fresh = Pace()
    fresh.polled(10_000.0, 400, news=False)
    assert kept.next(10_000.0) == fresh.next(10_000.0) == REST


def test_those_who_share_a_tenant_share_its_budget() -> None:
    alone, one_of_nine = Pace(), Pace(sharing=9)
    for each in (alone, one_of_nine):
        each.polled(0.0, 90, news=True)
    assert alone.next(0.0) == QUICK
    assert one_of_nine.next(0.0) > REST


def simulated(arrivals: list[float], end: float) -> tuple[float, int]:
    """Poll alerts that come at these times; return their mean wait and the most calls of any hour."""
    kept, now = Pace(), 0.0
    waits, calls, waiting = [], [], list(arrivals)
    while now < end:
        seen = [at for at in waiting if at <= now]
        waiting = waiting[len(seen) :]
        waits += [now - at for at in seen]
        calls.append(now)
        kept.polled(now, 1, news=bool(seen))
        now += kept.next(now)
    most = max(sum(1 for at in calls if begin <= at < begin + 3600.0) for begin in calls[::50])
    return sum(waits) / len(waits), most


@pytest.mark.parametrize("kind", ["isolated", "steady", "storms"])
def test_alerts_are_seen_within_five_seconds_for_sixty_percent_of_the_budget(kind: str) -> None:
    chance, end = random.Random(7), 6 * 3600.0
    if kind == "isolated":
        arrivals = [chance.uniform(0, end) for _ in range(40)]
    elif kind == "steady":
        arrivals = [chance.uniform(0, end) for _ in range(4_000)]
    else:
        arrivals = [begin + chance.uniform(0, 900) for begin in (3_600.0, 9_000.0, 14_400.0) for _ in range(300)]
    mean, most = simulated(sorted(arrivals), end)
    assert mean <= 5.0
    assert most <= ALLOWED
