from datetime import UTC, datetime, timedelta

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from ringfence.playbooks.durations import Duration, until

_ADAPTER = TypeAdapter(Duration)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500 ms", 0.5),
        ("10 s", 10),
        ("30 min", 1800),
        ("24 h", 86400),
        ("2 d", 172800),
        ("10s", 10),
        ("1.5 h", 5400),
        ("1 minute", 60),
        ("3 days", 259200),
        ("0 s", 0),
    ],
)
def test_a_number_and_a_unit_are_a_duration(text: str, seconds: float) -> None:
    assert Duration.parse(text).seconds == seconds


@pytest.mark.parametrize(
    "text",
    ["", "10", "s", "-1 s", "1 month", "10  s", "10 s ", " 10 s", "10 s\n", "1e3 s", "٣ s", "1 S", "9" * 10 + " s"],
)
def test_anything_else_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(ValueError, match="30 min"):
        Duration.parse(text)


def test_a_number_without_a_unit_is_refused() -> None:
    with pytest.raises(ValidationError, match="needs a unit"):
        _ADAPTER.validate_python(30)


def test_braces_in_a_bad_duration_are_shown_as_they_are() -> None:
    with pytest.raises(ValidationError, match=r"\{0\} \{reason\}"):
        _ADAPTER.validate_python("{0} {reason}")


def test_a_duration_remembers_how_it_was_written_but_compares_by_length() -> None:
    day = Duration.parse("24 h")
    assert day == Duration.parse("1 d")
    assert hash(day) == hash(Duration.parse("1 d"))
    assert day != 86400
    assert str(day) == "24 h"
    assert day.timedelta.total_seconds() == 86400


def test_a_duration_is_written_as_its_text() -> None:
    class Holder(BaseModel):
        pause: Duration

    held = Holder.model_validate({"pause": "24 h"})
    assert held.model_dump(mode="json") == {"pause": "24 h"}
    assert Holder.model_validate(held.model_dump()) == held
    assert Holder.model_json_schema()["properties"]["pause"]["format"] == "duration"


def test_a_moment_to_come_is_a_length_of_time_or_a_moment_with_or_without_a_zone() -> None:
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert until(" 4 h ", noon) == noon + timedelta(hours=4)
    assert until("2026-06-02T09:30", noon) == datetime(2026, 6, 2, 9, 30, tzinfo=UTC)
    assert until("2026-06-02T09:30+02:00", noon) == datetime(2026, 6, 2, 7, 30, tzinfo=UTC)
    for bad in ("", "tomorrow", "4"):
        with pytest.raises(ValueError, match=r"\S"):
            until(bad, noon)
