"""Percentiles count what came to its end, each value one that occurred, and days without any are there."""

from datetime import timedelta

import pytest

from containment_rows import rows_in
from ringfence import clock
from ringfence.containment.model import State
from ringfence.containment.times import Spread, spread, times
from ringfence.storage import Database

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("lengths", "median", "most"),
    [([7], 7, 7), ([1, 9], 1, 9), ([3, 1, 2], 2, 3), (range(1, 21), 10, 19), (range(1, 101), 50, 95)],
)
def test_percentiles_are_values_that_occurred(lengths: list[int], median: int, most: int) -> None:
    assert spread(each * SECOND for each in lengths) == Spread(len(lengths), median * SECOND, most * SECOND)


def test_of_nothing_there_is_no_percentile() -> None:
    assert spread([]) == Spread(0)


def test_only_what_was_confirmed_counts_on_the_day_of_its_confirmation(database: Database) -> None:
    rows = rows_in(database)
    for seconds in (40, 90):
        rows.request("f" * 39 + str(seconds // 40))
        sent = rows.move(rows.claim()[0], State.APPROVED, State.SUBMITTING, State.PENDING, accepted_at=clock.now())
        rows.time += seconds
        rows.move(sent, State.CONTAINED, confirmed_at=clock.now())
    rows.request("b" * 40)
    rows.time += 86_400
    found = database.read_now(lambda tx: times(tx, rows.organization_id, days=3))
    assert found.contain == Spread(2, 40 * SECOND, 90 * SECOND)
    assert found.confirm == found.contain
    assert found.event == found.release == Spread(0)
    assert [day.contain.many for day in found.days] == [0, 2, 0]
    assert database.read_now(lambda tx: times(tx, rows.organization_id, days=1)).contain.many == 0
