import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.simulator import timestamps
from ringfence.simulator.hunting.timespan import TimespanError, Window, window

NOW = timestamps.read_seconds("2026-03-31T12:00:00Z")


def _window(first: str, last: str) -> Window:
    return Window(timestamps.read(first), timestamps.read(last))


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        (None, "2026-03-01T12:00:00Z", "2026-03-31T12:00:00Z"),
        ("P30D", "2026-03-01T12:00:00Z", "2026-03-31T12:00:00Z"),
        ("P90D", "2026-03-01T12:00:00Z", "2026-03-31T12:00:00Z"),
        ("PT12H", "2026-03-31T00:00:00Z", "2026-03-31T12:00:00Z"),
        ("P1DT0.5S", "2026-03-30T11:59:59.5Z", "2026-03-31T12:00:00Z"),
        ("2026-03-10/2026-03-11", "2026-03-10T00:00:00Z", "2026-03-11T00:00:00Z"),
        ("2026-03-10T06:00:00Z/PT1H", "2026-03-10T06:00:00Z", "2026-03-10T07:00:00Z"),
        ("P1D/2026-03-10", "2026-03-09T00:00:00Z", "2026-03-10T00:00:00Z"),
    ],
)
def test_a_timespan_is_a_duration_or_an_interval(text: str | None, first: str, last: str) -> None:
    assert window(text, NOW) == _window(first, last)


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "30 days", "P-1D", "2026-03-10/", "/", "2026-03-10/x", "2026-13-01/P1D"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(TimespanError):
        window(text, NOW)


@given(st.text(max_size=40))
def test_any_text_is_a_window_or_refused(text: str) -> None:
    with contextlib.suppress(TimespanError):
        window(text, NOW)
