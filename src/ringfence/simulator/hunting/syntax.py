"""The words of the query language, and what a parsed query is made of."""

import re
from dataclasses import dataclass
from typing import Literal

SYNTAX_TEXT = "A recognition error occurred.. Fix syntax errors in your query."
LONGEST = 20_000
"""Characters of a query that are looked at: a longer one is refused."""


class QueryError(Exception):
    """A query is refused; the message is the service's (fact book, errors)."""


class QuerySyntaxError(QueryError):
    """A query cannot be read; the service does not say where."""

    def __init__(self) -> None:
        super().__init__(SYNTAX_TEXT)


class SemanticError(QueryError):
    """A query asks for what is not there; `operator` is the one at fault, if it is one."""

    def __init__(self, text: str, operator: str | None = None) -> None:
        place = f"'{operator}' operator: " if operator else ""
        super().__init__(f"{place}{text}. Fix semantic errors in your query.")


TokenKind = Literal["name", "text", "number", "span", "date", "sign", "end"]


@dataclass(frozen=True)
class Token:
    """A word: signs keep their text, spans are seconds, a date is what stands in datetime(...)."""

    kind: TokenKind
    text: str
    value: str | int | float | None = None


@dataclass(frozen=True)
class Column:
    """A column by its name."""

    name: str


@dataclass(frozen=True)
class Constant:
    """A value that stands in the query: a moment is in ticks."""

    kind: Literal["String", "Number", "DateTime", "Truth"]
    value: str | int | float | bool


@dataclass(frozen=True)
class Invocation:
    """A function of operands, for instance strcat."""

    function: str
    arguments: tuple["Operand", ...]


Operand = Column | Constant | Invocation


@dataclass(frozen=True)
class Comparison:
    """`left sign right`; an `in` has several on its right."""

    left: Operand
    sign: str
    right: tuple[Operand, ...]


@dataclass(frozen=True)
class Negation:
    """`not(...)`."""

    inner: "Condition"


@dataclass(frozen=True)
class Joined:
    """Conditions joined by and, or by or."""

    every: bool
    parts: tuple["Condition", ...]


Condition = Comparison | Negation | Joined | Column | Constant | Invocation


@dataclass(frozen=True)
class Where:
    """Keep the rows that fit."""

    condition: Condition


@dataclass(frozen=True)
class Project:
    """Keep columns: (new name, column)."""

    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Take:
    """Keep so many rows."""

    count: int


@dataclass(frozen=True)
class Summarize:
    """Count the rows of each group, under these names; so do `distinct`, of which no count is kept, and `count`."""

    counts: tuple[str, ...]
    by: tuple[tuple[str, str], ...]
    operator: str = "summarize"


@dataclass(frozen=True)
class Sort:
    """Order by (column, descending)."""

    keys: tuple[tuple[str, bool], ...]
    operator: str = "sort"


Step = Where | Project | Take | Summarize | Sort


@dataclass(frozen=True)
class Query:
    """A table and what is done with it, in order."""

    table: str
    steps: tuple[Step, ...]


_SECONDS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_WORD = re.compile(
    r"""(?P<blank>(?:\s+|//[^\n]*)+)
    |(?P<verbatim>@"(?:[^"\n]|"")*"|@'(?:[^'\n]|'')*')
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<span>\d{1,9}(?:\.\d{1,9})?(?:ms|[dhms])(?!\w))
    |(?P<number>\d{1,18}(?:\.\d{1,18})?(?!\w))
    |(?P<date>datetime\s*\(\s*(?:'[^'\n]*'|"[^"\n]*"|[0-9TZ:.+\s-]*)\s*\))
    |(?P<name>[A-Za-z_]\w*)
    |(?P<sign>\.\.|==|!=|=~|!~|<=|>=|[<>=|(),;!~:.+-])""",
    re.VERBOSE | re.ASCII,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def words(text: str) -> list[Token]:
    """Split a query into its words, the last of which is the end. Raises QuerySyntaxError."""
    if len(text) > LONGEST:
        raise QuerySyntaxError
    found: list[Token] = []
    place = 0
    while place < len(text):
        match = _WORD.match(text, place)
        if match is None:
            raise QuerySyntaxError
        place = match.end()
        if match.lastgroup != "blank":
            found.append(_token(str(match.lastgroup), match.group()))
    found.append(Token("end", ""))
    return found


def _token(kind: str, text: str) -> Token:
    if kind == "verbatim":
        return Token("text", text, text[2:-1].replace(text[1] * 2, text[1]))
    if kind == "text":
        return Token("text", text, re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text[1:-1]))
    if kind == "span":
        number = text.rstrip("dhms")
        return Token("span", text, float(number) * _SECONDS[text[len(number) :]])
    if kind == "number":
        return Token("number", text, float(text) if "." in text else int(text))
    if kind == "date":
        inner = text.partition("(")[2].removesuffix(")").strip().strip("'\"").strip()
        return Token("date", text, inner.replace(" ", "T", 1))
    return Token("name" if kind == "name" else "sign", text)
