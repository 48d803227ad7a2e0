from datetime import UTC, datetime

import pytest

from ringfence.errors import Misconfigured
from ringfence.ingestion.history import start

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 day ago", datetime(2026, 5, 31, 12, tzinfo=UTC)),
        (" 12 hours ago ", datetime(2026, 6, 1, tzinfo=UTC)),
        ("now", NOW),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
    ],
)
def test_words_become_a_moment(text: str, expected: datetime) -> None:
    assert start(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "banana", "vor 1 Tag", "in 2 days", "2027-01-01", "march", "7"])
def test_what_is_no_moment_in_the_past_is_refused_with_examples(text: str) -> None:
    with pytest.raises(Misconfigured, match="1 day ago"):
        start(text, NOW)
