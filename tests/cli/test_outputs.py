from typing import Any

import pytest

from ringfence.cli.outputs import show_output


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ({"id": "1", "none": None, "list": [1], "flag": True}, "id    1\nflag  true\nlist  [1]\n"),
        (["a", 2], "a\n2\n"),
        ("text", "text\n"),
        (0, "0\n"),
        (False, "false\n"),
        ([{"id": "1", "status": "New", "other": {}}], "id  status\n1   New\n"),
        ({"items": [{"zzz": 1, "aaa": None}], "more": False}, "zzz\n1\n"),
        ({"columns": ["A", "B"], "rows": [{"A": 1}], "found": 1, "more": False}, "A  B\n1  -\n"),
    ],
)
def test_an_output_is_shown_in_the_form_that_suits_it(
    output: Any, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show_output(output)
    assert capsys.readouterr().out == said


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (None, "It gives nothing."),
        ({}, "It gives nothing."),
        ({"items": [], "more": False}, "There are none."),
        ({"columns": [], "rows": [], "found": 0, "more": False}, "There are none."),
        ({"columns": ["A"], "rows": [{"A": 1}], "found": 9, "more": True}, "the first 1 of 9"),
    ],
)
def test_what_is_not_shown_is_said(output: Any, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    show_output(output)
    assert said in capsys.readouterr().err


def test_a_long_text_is_cut_and_control_characters_are_made_visible(capsys: pytest.CaptureFixture[str]) -> None:
    show_output({"id": "x" * 1_000 + "\x1b[31m", "name": "\x1b[31m"})
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "…" in said
