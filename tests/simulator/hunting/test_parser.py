import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.simulator import timestamps
from ringfence.simulator.hunting.parser import parse
from ringfence.simulator.hunting.syntax import (
    Column,
    Comparison,
    Condition,
    Constant,
    Invocation,
    Joined,
    Negation,
    Project,
    Query,
    QuerySyntaxError,
    Sort,
    Summarize,
    Take,
    Where,
)

NOW = 1_772_366_400.0
TEXT = """AlertInfo DeviceInfo | where project take summarize count ( ) by order top 5 'x' "y" == != =~ and or not
Severity Timestamp ago 7d datetime 2026-03-01 , = > <= in ! ~ - asc desc true // ; has contains
between ( .. strcat tostring distinct"""
WORDS = st.sampled_from(TEXT.split())


def test_a_query_of_every_operator() -> None:
    text = """
    AlertInfo // the alerts
    | where Severity == 'High' and not(Title has "x" or Category in ('a', 'b'))
    | project Timestamp, Name = Title
    | summarize count(), Total = count() by Name
    | order by count_, Name asc
    | top 3 by Total desc
    | limit 2;
    """
    high = Comparison(Column("Severity"), "==", (Constant("String", "High"),))
    other = Joined(
        False,
        (
            Comparison(Column("Title"), "has", (Constant("String", "x"),)),
            Comparison(Column("Category"), "in", (Constant("String", "a"), Constant("String", "b"))),
        ),
    )
    assert parse(text, NOW) == Query(
        "AlertInfo",
        (
            Where(Joined(True, (high, Negation(other)))),
            Project((("Timestamp", "Timestamp"), ("Name", "Title"))),
            Summarize(("count_", "Total"), (("Name", "Name"),)),
            Sort((("count_", True), ("Name", False)), "order"),
            Sort((("Total", True),), "top"),
            Take(3),
            Take(2),
        ),
    )


@pytest.mark.parametrize(("negated", "wrap"), [("", lambda inside: inside), ("!", Negation)])
def test_between_is_two_comparisons(negated: str, wrap: Callable[[Joined], Condition]) -> None:
    low, high = (Comparison(Column("A"), sign, (Constant("Number", bound),)) for sign, bound in ((">=", 1), ("<=", 5)))
    for text in ("1 .. 5", "1..5"):
        assert parse(f"T | where A {negated}between ({text})", NOW).steps == (Where(wrap(Joined(True, (low, high)))),)


def test_distinct_and_count_are_groups() -> None:
    assert parse("T | distinct A, B | count", NOW).steps == (
        Summarize((), (("A", "A"), ("B", "B")), "distinct"),
        Summarize(("Count",), (), "count"),
    )


def test_functions_stand_where_columns_do() -> None:
    key = Invocation("strcat", (Column("A"), Constant("String", ":"), Invocation("tostring", (Column("B"),))))
    (step,) = parse("T | where strcat(A, ':', tostring(B)) in ('x')", NOW).steps
    assert step == Where(Comparison(key, "in", (Constant("String", "x"),)))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("ago(1d)", "2026-02-28T12:00:00Z"),
        ("now()", "2026-03-01T12:00:00Z"),
        ("now(-1h)", "2026-03-01T11:00:00Z"),
        ("datetime(2026-02-01)", "2026-02-01T00:00:00Z"),
        ("datetime('2026-02-01T10:00:00.5Z')", "2026-02-01T10:00:00.5Z"),
        ("datetime(2026-02-01T10:00:00Z)", "2026-02-01T10:00:00Z"),
        ("datetime( 2026-02-01 10:00 )", "2026-02-01T10:00:00Z"),
    ],
)
def test_moments(text: str, moment: str) -> None:
    (step,) = parse(f"T | where Timestamp > {text}", NOW).steps
    assert step == Where(Comparison(Column("Timestamp"), ">", (Constant("DateTime", timestamps.read(moment)),)))


@pytest.mark.parametrize("sign", ["has", "contains", "startswith", "endswith", "in"])
def test_tests_can_be_negated(sign: str) -> None:
    right = "('x')" if sign == "in" else "'x'"
    expected = Where(Negation(Comparison(Column("A"), sign, (Constant("String", "x"),))))
    assert parse(f"T | where A !{sign} {right}", NOW).steps == (expected,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "|",
        "T |",
        "T | where",
        "T | where A ==",
        "T | where A == 'x' and",
        "T | where not A == 1",
        "T | where (A == 1",
        "T | where A ! == 1",
        "T | where Timestamp > ago(7)",
        "T | where Timestamp > datetime(soon)",
        "T | project",
        "T | project A B",
        "T | take",
        "T | take 1.5",
        "T | take -1",
        "T | summarize sum(A)",
        "T | summarize count(",
        "T | summarize count(), by A",
        "T | sort A",
        "T | top 5",
        "T | extend A = 1",
        "T | join U on A",
        "let x = 1; T",
        "union T, U",
        "T; U",
        "T | where " + "(" * 100 + "true" + ")" * 100,
        "by | take 1",
        "T | where A between (1, 2)",
        "T | where A between 1 .. 2",
        "T | where A between (1 .. 2",
        "T | distinct",
        "T | distinct A,",
        "T | where strcat() == 'x'",
        "T | where strcat(A == 'x'",
        "T | where cot(A) == 1",
        "T | where " + "tostring(" * 100 + "A" + ")" * 100 + " == 'x'",
    ],
)
def test_anything_else_is_a_syntax_error(text: str) -> None:
    with pytest.raises(QuerySyntaxError):
        parse(text, NOW)


@given(st.lists(WORDS, max_size=30))
def test_any_row_of_words_is_a_query_or_a_syntax_error(row: list[str]) -> None:
    with contextlib.suppress(QuerySyntaxError):
        assert parse(" ".join(row), NOW).table
