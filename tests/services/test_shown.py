from datetime import timedelta

import pytest

from alert_samples import NOON
from ringfence.services.shown import Shown, show
from service_samples import a_service


def shown(**values: object) -> Shown:
    return show(a_service(**values), interval=60.0, history_words="1 day ago", now=NOON)


def test_where_a_service_has_no_words_the_installations_count() -> None:
    found = shown()
    assert (found.interval, found.interval_seconds) == ("1 min", 60.0)
    assert (found.history, found.history_start) == ("1 day ago", NOON - timedelta(days=1))


@pytest.mark.parametrize(
    ("words", "text"),
    [("5", "5 min"), ("90 s", "90 s"), ("0.5", "30 s"), ("120 min", "2 h"), ("48 h", "2 d"), ("1.5 s", "1.5 s")],
)
def test_an_interval_is_shown_in_its_largest_whole_unit(words: str, text: str) -> None:
    assert shown(interval=words).interval == text


def test_an_adaptive_pace_has_no_seconds() -> None:
    assert (shown(interval="adaptive").interval, shown(interval="adaptive").interval_seconds) == ("adaptive", None)


def test_words_that_mean_nothing_today_are_shown_without_a_date() -> None:
    assert shown(history="2999-01-01").history_start is None


def test_a_service_whose_pool_nobody_serves_says_so() -> None:
    lonely = a_service(pool="europe")
    for served, alone in ((None, False), (frozenset({"europe"}), False), (frozenset({"default"}), True)):
        found = show(lonely, interval=60.0, history_words="1 day ago", now=NOON, served=served)
        assert ("No living worker serves the pool europe" in found.unserved) is alone
