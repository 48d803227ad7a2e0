from datetime import UTC, datetime

import pytest

from hostile import HOSTILE
from ringfence.errors import Invalid
from ringfence.incidents import model
from ringfence.incidents.model import Resolution, Task

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_the_worst_severity_is_defender_s_highest_and_odd_words_count_least() -> None:
    assert model.worst(["Low", "High", "Medium"]) == "High"
    assert model.worst(["Terrible", "Informational"]) == "Informational"
    assert model.worst([]) == "UnSpecified"


def test_words_are_read_however_they_are_written() -> None:
    assert model.severity(" HIGH ") == "High"
    assert model.resolution("False-Positive") is Resolution.FALSE_POSITIVE
    for bad in ("merged", "", "won"):
        with pytest.raises(Invalid, match="There is no resolution"):
            model.resolution(bad)


def test_a_number_is_read_with_or_without_its_sign() -> None:
    assert [model.number_of(text) for text in ("12", "#12", " #3 ")] == [12, 12, 3]
    for bad in ("", "#", "-1", "1.5", "٣", "1" * 10, "0", *HOSTILE):
        with pytest.raises(Invalid, match="not the number of an incident"):
            model.number_of(bad)


def test_a_line_is_one_line_and_prose_may_be_several() -> None:
    assert model.line(" a\n b\x00 ", "The title", 10) == "a b\ufffd"
    assert model.prose(" a\n b ", "The note", 10) == "a\n b"
    for read in (model.line, model.prose):
        with pytest.raises(Invalid, match="must not be empty"):
            read(" \n ", "The note", 10)
        with pytest.raises(Invalid, match="11 characters"):
            read("x" * 11, "The note", 10)


def test_a_task_is_late_when_its_time_has_passed_and_it_is_not_done() -> None:
    task = Task(1, "Call", None, NOON, NOON, "megan", None, None)
    assert not task.late(NOON)
    assert task.late(NOON.replace(hour=13))
    assert not Task(1, "Call", None, NOON, NOON, "megan", NOON, "megan").late(NOON.replace(hour=13))
    assert not Task(1, "Call", None, None, NOON, "megan", None, None).late(NOON)
