import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.cli.visible import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("wks-014 ist isoliert, 隔離済み", "wks-014 ist isoliert, 隔離済み"),
        ("\x1b[2J\x1b]0;owned\x07", "\\x1b[2J\\x1b]0;owned\\x07"),
        ("one\ntwo\rthree", "one\\ntwo\\rthree"),
        ("invoice\u202egpj.exe", "invoice\\u202egpj.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\ud800", "\\ud800"),
        ("c1 \x9b", "c1 \\x9b"),
    ],
)
def test_what_cannot_be_seen_is_shown_as_its_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text())
def test_whatever_the_text_it_is_printable_afterwards(text: str) -> None:
    assert visible(text).isprintable()
