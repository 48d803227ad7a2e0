"""Cells that come from attackers are text in every spreadsheet, and come back as they were."""

import csv
import io
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from ringfence.spreadsheet import line, plain, safe


@given(st.one_of(st.text(), st.text(st.sampled_from("'=+-@ \ta"), max_size=6)))
def test_no_cell_begins_like_a_formula_and_each_comes_back(cell: str) -> None:
    written = safe(cell)
    assert not written.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert plain(written) == cell


def test_numbers_moments_and_what_is_missing_are_written_for_machines() -> None:
    written = line(["=cmd|'/C calc'!A0", None, -3, 2.5, True, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), 'a "b", c'])
    assert written.endswith("\r\n")
    (cells,) = csv.reader(io.StringIO(written))
    assert cells == ["'=cmd|'/C calc'!A0", "", "-3", "2.5", "yes", "2026-01-02T03:04:05.000Z", 'a "b", c']
