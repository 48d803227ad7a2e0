import io
import sys

import pytest
from rich.text import Text

from ringfence.cli.terminal import Column, facts, heading, hint, say, styled, table

COLUMNS = [Column("id"), Column("state"), Column("title", flexible=True), Column("by", optional=True)]
ID = "01a20126-380a-7006-a2ce-e10541860b43"
ROWS: list[list[str | Text]] = [
    [ID, styled("contained"), "A file renamed many documents " * 5, "playbook Contain ransomware 1.0"]
]


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def _terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> _Screen:
    made = _Screen()
    monkeypatch.setattr(sys, "stdout", made)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(columns))
    return made


def test_where_the_output_goes_elsewhere_nothing_is_cut_or_coloured(capsys: pytest.CaptureFixture[str]) -> None:
    table(COLUMNS, ROWS)
    head, line = capsys.readouterr().out.splitlines()
    assert head.split() == ["id", "state", "title", "by"]
    assert line.startswith(f"{ID}  contained  A file renamed")
    assert line.endswith("playbook Contain ransomware 1.0")
    assert "…" not in line
    assert "\x1b" not in line


def test_a_narrow_terminal_leaves_out_and_cuts_but_never_an_id(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = _terminal(monkeypatch, 80)
    table(COLUMNS, ROWS)
    shown = Text.from_ansi(screen.getvalue()).plain.splitlines()
    assert all(len(line) <= 80 for line in shown)
    assert any(ID in line and "contained" in line and "…" in line for line in shown)
    assert not any("playbook" in line for line in shown)


def test_a_wide_terminal_shows_everything_in_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = _terminal(monkeypatch, 260)
    table(COLUMNS, ROWS)
    assert "\x1b[32mcontained" in screen.getvalue()
    assert "playbook Contain ransomware 1.0" in screen.getvalue()
    assert "…" not in screen.getvalue()


def test_text_from_outside_is_no_markup_and_commands_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = _terminal(monkeypatch, 200)
    hostile = "[bold]x[/bold] :skull: \x1b[2J [link=http://contoso.com]y[/link]"
    shown = "[bold]x[/bold] :skull: \\x1b[2J [link=http://contoso.com]y[/link]"
    table([Column("title")], [[hostile]])
    facts([("title", hostile)])
    say(hostile)
    heading(hostile)
    plain = Text.from_ansi(screen.getvalue()).plain
    assert plain.count(shown) == 4
    assert "\x1b[2J" not in screen.getvalue()
    hint(hostile)
    assert shown in capsys.readouterr().err


def test_facts_that_are_empty_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    facts([("host", "wks-014"), ("joined", ""), ("state", styled("contained"))])
    assert capsys.readouterr().out == "host   wks-014\nstate  contained\n"


def test_a_word_that_is_not_ours_has_no_colour() -> None:
    assert styled("[red]\x07") == Text("[red]\\x07")


def test_a_terminal_that_is_too_narrow_for_both_keeps_a_readable_title_and_drops_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = _terminal(monkeypatch, 115)
    table(COLUMNS, ROWS)
    assert "playbook" not in screen.getvalue()
    assert "A file renamed many documents A file renamed" in screen.getvalue()
