import pytest
from rich.text import Text

from ringfence.cli.arrivals import arrivals, row, rows
from ringfence.cli.terminal import Column
from ringfence.listeners.starting import Outcome


def _plain(found: list[list[object]]) -> list[list[str]]:
    return [[each.plain if isinstance(each, Text) else str(each) for each in line] for line in found]


def test_each_playbook_has_a_row_and_where_none_listened_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    began = Outcome("p-1", "Isolate it", "1.0", "r-1", "")
    held = Outcome("p-2", "Look", "1.0", None, "It is paused.")
    assert _plain(rows(["now"], (began, held), nobody="Nobody.")) == [
        ["now", "Isolate it", "started", "r-1", ""],
        ["now", "Look", "not started", "-", "It is paused."],
    ]
    assert _plain(rows(["now"], (), nobody="Nobody.")) == [["now", "-", "not started", "-", "Nobody."]]
    arrivals([Column("came")], [], lambda each: [])
    assert "Nothing came yet." in capsys.readouterr().err
    arrivals([Column("came")], ["x"], lambda each: [row([each], "Look", started=True)])
    assert capsys.readouterr().out.split()[:5] == ["came", "playbook", "outcome", "run", "why"]
