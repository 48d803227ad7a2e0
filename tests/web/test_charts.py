"""A chart fits its box, says each day in words, and is none where there is nothing to draw."""

from datetime import date, timedelta

from ringfence.containment.times import Day, Spread
from ringfence.web.charts import spreads


def test_bars_reach_from_the_ground_to_what_95_of_100_stayed_below() -> None:
    minute = timedelta(minutes=1)
    days = [
        Day(date(2026, 11, 1), Spread(3, minute, 4 * minute)),
        Day(date(2026, 11, 2), Spread(0)),
        Day(date(2026, 11, 3), Spread(1, timedelta(0), timedelta(0))),
    ]
    chart = spreads(days)
    assert chart is not None
    tall, none, thin = chart.bars
    assert (tall.y, tall.height, tall.middle) == (0, chart.height, chart.height * 3 / 4)
    assert none.height == 0
    # What took no time at all can still be seen.
    assert 0 < thin.height < 5
    assert tall.title == "01 Nov: 3 hosts, median 1 min, 95 % within 4 min"
    assert chart.top == "4 min"


def test_where_nothing_was_contained_there_is_no_chart() -> None:
    assert spreads([Day(date(2026, 11, 1), Spread(0))]) is None
