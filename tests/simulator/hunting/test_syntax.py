import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.simulator.hunting.syntax import LONGEST, QuerySyntaxError, SemanticError, words


def _values(text: str) -> list[object]:
    return [word.value if word.value is not None else word.text for word in words(text)]


def test_words_of_every_kind() -> None:
    assert _values("AlertInfo | where A =~ 'x' // why\n and B >= 1.5") == [
        "AlertInfo", "|", "where", "A", "=~", "x", "and", "B", ">=", 1.5, "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"'a\'b\\c\n'", "a'b\\c\n"),
        ('@"C:\\Windows"', "C:\\Windows"),
        ('@"a""b"', 'a"b'),
        ("'// no comment'", "// no comment"),
        ("2h", 7_200.0),
        ("1.5d", 129_600.0),
        ("30ms", 0.03),
    ],
)
def test_texts_and_spans_mean_what_they_say(text: str, value: object) -> None:
    assert _values(text) == [value, ""]


@pytest.mark.parametrize("text", ["'open", '"two\nlines"', "7days", "§", "x" * (LONGEST + 1), "12ab"])
def test_what_is_no_word_is_a_syntax_error(text: str) -> None:
    with pytest.raises(QuerySyntaxError, match=r"A recognition error occurred\.\. Fix syntax errors in your query\."):
        words(text)


def test_a_semantic_error_names_the_operator() -> None:
    assert str(SemanticError("No such thing", "where")) == (
        "'where' operator: No such thing. Fix semantic errors in your query."
    )


@given(st.text(max_size=200))
def test_any_text_is_words_or_a_syntax_error(text: str) -> None:
    with contextlib.suppress(QuerySyntaxError):
        assert words(text)[-1].kind == "end"
