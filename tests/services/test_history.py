import re
from datetime import UTC, datetime

import pytest

from ringfence.errors import Invalid
from ringfence.services.history import start

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 day ago", datetime(2026, 5, 31, 12, tzinfo=UTC)),
        ("30 days ago", datetime(2026, 5, 2, 12, tzinfo=UTC)),
        (" 12  hours ago ", datetime(2026, 6, 1, tzinfo=UTC)),
        ("now", NOW),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T10:00:00Z", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31 10:00+02:00", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("yesterday", datetime(2026, 5, 31, 12, tzinfo=UTC)),
        ("3 weeks and 2 days ago", datetime(2026, 5, 9, 12, tzinfo=UTC)),
        ("31 January 2026", datetime(2026, 1, 31, tzinfo=UTC)),
        ("31/01/2026", datetime(2026, 1, 31, tzinfo=UTC)),
    ],
)
def test_words_become_a_moment(text: str, expected: datetime) -> None:
    assert start(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "banana", "vor 1 Tag", "march", "7", "2026-02-30", "x" * 200])
def test_what_is_no_time_is_refused_with_examples(text: str) -> None:
    with pytest.raises(Invalid, match="is not a time") as caught:
        start(text, NOW)
    assert "1 day ago" in caught.value.advice


@pytest.mark.parametrize("text", ["in 2 days", "2027-01-01", "tomorrow"])
def test_the_future_is_refused_and_shown_as_a_date(text: str) -> None:
    with pytest.raises(Invalid, match=r"is in the future \(20"):
        start(text, NOW)


def test_a_date_that_two_countries_read_differently_is_refused() -> None:
    with pytest.raises(Invalid, match="not a clear one"):
        start("02/03/2026", NOW)


@pytest.mark.parametrize("text", ["999999 weeks ago", "0001-01-01T00:00:00+14:00"])
def test_what_lies_before_all_calendars_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        start(text, NOW)


@pytest.mark.parametrize("text", ["90 seconds ago", "5 minutes ago", "1 hour ago", "2 days ago", "3 weeks ago"])
def test_the_common_forms_mean_what_they_mean_to_the_library(text: str) -> None:
    import dateparser

    settings = {"RELATIVE_BASE": NOW, "TIMEZONE": "UTC", "RETURN_AS_TIMEZONE_AWARE": True}
    assert start(text, NOW) == dateparser.parse(text, languages=["en"], settings=settings)
    assert re.fullmatch(r"\d+ \w+ ago", text)
