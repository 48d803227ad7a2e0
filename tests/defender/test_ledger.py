"""The accounting of calls, by properties: no window is ever exceeded, whatever is asked when, and restarts change nothing."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.defender.ledger import LONGEST_CLOSED, Closed, Demand, Ledger, Window, close, opens, spend, spent

START = 1_800_000_000.0
SMALL = (Window("m", 60, 10), Window("h", 3600, 40))

steps = st.lists(st.floats(0, 400), min_size=1, max_size=150)


def ask(ledger: Ledger, now: float, windows: tuple[Window, ...] = SMALL, urgent: bool = False) -> tuple[Ledger, float]:
    return spend(ledger, Demand(windows, ("a",), urgent), now)


def most_within(times: list[float], seconds: float) -> int:
    """Return the most calls that lie within any stretch of that length."""
    return max((sum(start <= each < start + seconds for each in times) for start in times), default=0)


@given(steps)
def test_neither_window_is_ever_exceeded(gaps: list[float]) -> None:
    ledger, now, taken = Ledger(), START, []
    for gap in gaps:
        now += gap
        for _ in range(4):
            ledger, until = ask(ledger, now)
            if until == 0.0:
                taken.append(now)
    assert most_within(taken, 60) <= 10
    assert most_within(taken, 3600) <= 40


@given(steps)
def test_who_comes_back_when_told_gets_through(gaps: list[float]) -> None:
    ledger, now = Ledger(), START
    for gap in gaps:
        now += gap / 40
        ledger, until = ask(ledger, now)
        if until:
            assert now < until <= now + 3600 + 60
            now = until
            ledger, until = ask(ledger, now)
            assert until == 0.0


@given(steps, st.integers(0, 100))
def test_a_restart_at_any_moment_changes_nothing(gaps: list[float], place: int) -> None:
    through, restarted, now = Ledger(), Ledger(), START
    for index, gap in enumerate(gaps):
        now += gap / 10
        through, until = ask(through, now)
        if index == place:
            restarted = Ledger.load(restarted.dump())
        restarted, again = ask(restarted, now)
        assert until == again
    assert Ledger.load(through.dump()) == through


@given(steps)
def test_a_ledger_stays_small(gaps: list[float]) -> None:
    ledger, now = Ledger(), START
    for gap in gaps:
        now += gap
        ledger, _ = ask(ledger, now, (Window("m", 60, 10_000), Window("h", 3600, 10_000)))
    assert all(len(slots) <= 62 for slots in ledger.slots.values())
    assert len(ledger.dump()) < 4096


@given(st.lists(st.floats(-30, 60), min_size=1, max_size=100))
def test_a_clock_that_goes_back_a_little_gives_no_more_calls(gaps: list[float]) -> None:
    ledger, now, taken = Ledger(), START, []
    for gap in gaps:
        now += gap
        ledger, until = ask(ledger, now)
        if until == 0.0:
            taken.append(now)
    assert all(early[0] <= late[0] for slots in ledger.slots.values() for early, late in pairwise(slots))
    if all(gap >= 0 for gap in gaps):
        assert most_within(taken, 60) <= 10


def test_a_clock_that_was_far_ahead_does_not_block_for_ever() -> None:
    ledger = Ledger()
    for _ in range(10):
        ledger, _ = ask(ledger, START + 400 * 86_400)
    ledger, until = ask(ledger, START)
    assert until == 0.0
    assert spent(ledger, SMALL[0], START) == 1


def test_a_window_that_allows_nothing_says_when_to_ask_again() -> None:
    _, until = ask(Ledger(), START, (Window("m", 60, 0),))
    assert until == START + 60


@given(st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True)), st.integers(1, 20))
def test_no_429_closes_a_way_for_longer_than_an_hour(asked: float | None, times: int) -> None:
    ledger = Ledger()
    for index in range(times):
        ledger = close(ledger, "a", START + index, asked)
    assert opens(ledger, "a", START + times) <= START + times + LONGEST_CLOSED
    # Who lets go is tried after a minute all the same.
    assert ask(ledger, START + times - 1 + 60, urgent=True)[1] == 0.0


def test_a_usable_pause_is_kept_by_everybody() -> None:
    ledger = close(Ledger(), "a", START, 12.0)
    assert ask(ledger, START + 11)[1] == START + 12
    assert ask(ledger, START + 12)[1] == 0.0
    assert spend(ledger, Demand(SMALL, ("b",)), START)[1] == 0.0


def test_without_a_pause_each_next_one_is_longer_up_to_a_minute() -> None:
    ledger, now, pauses = Ledger(), START, []
    for _ in range(6):
        ledger = close(ledger, "a", now, None)
        pauses.append(ledger.closed["a"].until - now)
        now = ledger.closed["a"].until
    assert pauses == [5, 10, 20, 40, 60, 60]
    assert close(ledger, "a", now + 121, None).closed["a"].strikes == 1


def test_calls_that_were_refused_together_count_once() -> None:
    ledger = Ledger()
    for index in range(20):
        ledger = close(ledger, "a", START + index / 10, None)
    assert ledger.closed["a"].strikes == 1
    assert ledger.closed["a"].until == pytest.approx(START + 1.9 + 5)


def test_a_shorter_pause_does_not_undo_a_longer_one() -> None:
    ledger = close(close(Ledger(), "a", START, 100.0), "a", START + 1, 2.0)
    assert opens(ledger, "a", START + 1) == START + 100


def test_a_closing_that_was_written_far_ahead_is_not_believed() -> None:
    ledger = Ledger(closed={"a": Closed(START + 86_400, START + 90_000, 1)})
    assert opens(ledger, "a", START) == 0.0


@given(st.text() | st.sampled_from(["null", "[]", '{"v":2}', '{"v":1}', '{"v":1,"slots":[],"closed":{}}']))
@settings(max_examples=60)
def test_a_ledger_that_cannot_be_read_is_an_empty_one(text: str) -> None:
    assert Ledger.load(text) == Ledger()


def test_a_ledger_of_odd_numbers_is_an_empty_one() -> None:
    assert Ledger.load('{"v":1,"slots":{"m":[["x",1]]},"closed":{}}') == Ledger()
    assert Ledger.load('{"v":1,"slots":{"m":[[Infinity,1]]},"closed":{}}') == Ledger()
    assert math.isinf(close(Ledger(), "a", math.inf, 1.0).closed["a"].until)
