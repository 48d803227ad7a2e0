"""What is granted, to whom, and what is left of it."""

import pytest

from ringfence import clock
from ringfence.defender import OPERATIONS, Api, Ledger, Limits, Priority, windows_left
from ringfence.defender.ledger import Demand, close, spend
from ringfence.defender.limits import share, windows

NOW = 1_800_000_000.0
HUNT = OPERATIONS["run_advanced_query"]
READ = OPERATIONS["get_alert"]


def test_the_shares_of_the_purposes_are_nested_in_their_order_and_the_first_may_use_all() -> None:
    shares = [share(100, each) for each in Priority]
    assert shares == [100, 90, 80, 75, 70]
    assert shares == sorted(shares, reverse=True)


def test_a_call_must_fit_into_its_share_of_the_common_windows_and_into_all_of_its_own() -> None:
    found = {window.name: window.calls for window in windows(Limits(), HUNT, Priority.ENRICH)}
    assert (found["mde/60"], found["mde/3600"]) == (70, 1050)
    assert found["run_advanced_query/60"] == HUNT.per_minute
    assert [window.calls for window in windows(Limits(times=2), READ, Priority.RELEASE)] == [200, 3000]


def test_what_is_left_counts_down_for_each_purpose_and_ends_at_nothing() -> None:
    clock.replace(lambda: NOW)
    ledger = Ledger()
    for _ in range(95):
        demand = Demand(windows=windows(Limits(), READ, Priority.RELEASE), ways=("mde",))
        ledger, until = spend(ledger, demand, NOW)
        assert until == 0.0
    minute, hour = windows_left(Api.MDE, ledger)
    assert (minute.operation, minute.calls, minute.spent, minute.seconds) == (None, 100, 95, 60)
    assert minute.left == {**dict.fromkeys(Priority, 0), Priority.RELEASE: 5}
    assert hour.left[Priority.ENRICH] == 955


@pytest.mark.parametrize("way", ["mde", "run_advanced_query"])
def test_a_closed_way_is_told_with_the_window_that_it_closes(way: str) -> None:
    clock.replace(lambda: NOW)
    found = {each.window: each for each in windows_left(Api.MDE, close(Ledger(), way, NOW, 30.0))}
    assert found["mde/60"].closed_until == (NOW + 30 if way == "mde" else 0.0)
    assert ("run_advanced_query/60" in found) is (way != "mde")
    if way != "mde":
        assert found["run_advanced_query/60"].operation == "run_advanced_query"
        assert found["run_advanced_query/60"].closed_until == NOW + 30
