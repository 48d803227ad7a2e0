from datetime import UTC, datetime, timedelta

import pytest

from ringfence.web import formatting

_NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (-4, "just now"),
        (30, "30 s ago"),
        (90, "1 min ago"),
        (7_199, "1 h ago"),
        (200_000, "2 d ago"),
        (-30, "in 30 s"),
        (-3_600, "in 1 h"),
        (-86_340, "in 23 h 59 min"),
    ],
)
def test_a_moment_is_said_from_now(seconds: int, words: str) -> None:
    assert formatting.relative(_NOW - timedelta(seconds=seconds), _NOW) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0 ms"),
        (0.34, "340 ms"),
        (4.24, "4.2 s"),
        (200, "3 min 20 s"),
        (3_600, "1 h"),
        (187_300, "2 d 4 h"),
    ],
)
def test_a_duration_has_two_parts_at_most(seconds: float, words: str) -> None:
    assert formatting.duration(timedelta(seconds=seconds)) == words


def test_exact_times_are_in_utc() -> None:
    moment = _NOW.astimezone(tz=None) + timedelta(milliseconds=45)
    assert formatting.exact(moment) == "2026-03-02 09:30:00 UTC"
    assert formatting.clock_time(moment) == "09:30:00.045"


def test_numbers_come_with_their_noun() -> None:
    assert formatting.count(1, "host") == "1 host"
    assert formatting.count(1204, "alert") == "1,204 alerts"
    assert formatting.count(2, "needs attention", "need attention") == "2 need attention"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1_000, "1.0 kB"),
        (1_449_000, "1.4 MB"),
        (999_960, "1.0 MB"),
        (268_435_456, "268.4 MB"),
        (3_000_000_000, "3.0 GB"),
        (5_000_000_000_000, "5.0 TB"),
    ],
)
def test_a_number_of_bytes_is_said_in_the_unit_that_fits(number: int, words: str) -> None:
    assert formatting.size(number) == words


def test_what_stands_between_backticks_is_code_and_all_of_it_is_text() -> None:
    assert (
        formatting.said("Make it: `ringfence http-account add`.") == "Make it: <code>ringfence http-account add</code>."
    )
    assert formatting.said("<b>`<i>` ` &") == "&lt;b&gt;<code>&lt;i&gt;</code> ` &amp;"


def test_moments_in_a_sentence_are_read_and_what_only_looks_like_one_is_left() -> None:
    told = str(formatting.said("Until 2026-11-22T22:06:17.589Z, <b> and `2026-01-31T12:00:00Z`."))
    assert (
        'Until <time datetime="2026-11-22T22:06:17.589Z" title="2026-11-22 22:06:17 UTC">2026-11-22 22:06 UTC</time>, &lt;b&gt;'
        in told
    )
    assert formatting.said("2026-13-99T99:00:00Z") == "2026-13-99T99:00:00Z"


def test_what_somebody_wrote_ends_with_a_mark() -> None:
    written = {"Pause": "Pause.", "Why? ": "Why? ", "Done.": "Done.", "": "", "Wait …": "Wait …"}
    assert {each: formatting.sentence(each) for each in written} == written
