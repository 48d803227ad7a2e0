import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest

from ringfence.cli.documents import form, put
from ringfence.playbooks.problems import Severity


@dataclass(frozen=True)
class _Record:
    at: datetime
    took: timedelta
    day: date
    kind: Severity
    roles: tuple[str, ...]
    secret: str = field(repr=False, default="s3cret")


RECORD = _Record(
    datetime(2026, 3, 1, 12, tzinfo=UTC), timedelta(seconds=1.5), date(2026, 4, 1), Severity.ERROR, ("a", "b")
)


def test_a_record_is_its_fields_without_those_that_are_never_shown() -> None:
    assert form([RECORD, {1: None}]) == [
        {"at": "2026-03-01T12:00:00.000Z", "took": 1.5, "day": "2026-04-01", "kind": "error", "roles": ["a", "b"]},
        {"1": None},
    ]


def test_a_document_is_ascii_and_says_the_same_when_it_is_read_back(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "\x1b[31m\x7f\u202e\ud800 ü"
    put({"title": hostile})
    printed = capsys.readouterr().out
    assert printed.replace("\n", "").isascii()
    assert printed.replace("\n", "").isprintable()
    assert json.loads(printed) == {"title": hostile}
