import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.simulator import timestamps


@given(st.integers(min_value=0, max_value=timestamps.to_ticks(4_000_000_000)))
def test_what_is_written_is_read_back(ticks: int) -> None:
    assert timestamps.read(timestamps.write(ticks)) == ticks


@pytest.mark.parametrize(
    ("text", "ticks"),
    [
        ("1970-01-01T00:00:01Z", 10_000_000),
        ("1970-01-01T00:00:00.5Z", 5_000_000),
        ("1970-01-01T00:00:00.12345678Z", 1_234_567),
        ("1970-01-01T00:01Z", 600_000_000),
        ("1970-01-02", 864_000_000_000),
        ("1970-01-01T02:00:00+02:00", 0),
        ("1969-12-31T22:00:00-02:00", 0),
    ],
)
def test_the_forms_that_clients_write_are_read(text: str, ticks: int) -> None:
    assert timestamps.read(text) == ticks


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-31T00:00:00Z", "2026-01-01T25:00:00Z", "2026-01-01 00:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        timestamps.read(text)


def test_trailing_zeros_are_cut() -> None:
    assert timestamps.write(15_000_000) == "1970-01-01T00:00:01.5Z"
    assert timestamps.write(10_000_000) == "1970-01-01T00:00:01Z"


@given(st.floats(min_value=0, max_value=4_000_000_000))
def test_database_steps_lie_on_a_three_hundredth_at_or_after_the_moment(seconds: float) -> None:
    ticks = timestamps.database_step(seconds)
    assert -1_000 <= ticks - seconds * timestamps.TICKS <= 34_500
    assert (ticks * 300) % timestamps.TICKS in {0, 100, timestamps.TICKS - 100}


def test_dotnet_ticks_have_the_recorded_length() -> None:
    assert timestamps.dotnet_ticks(timestamps.read_seconds("2020-07-21T13:00:28Z")) == 637_309_332_280_000_000
