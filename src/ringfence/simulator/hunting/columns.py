"""What a table that can be hunted in is made of, and how values of documents become cells."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ringfence.simulator import ids
from ringfence.simulator.record import Document
from ringfence.simulator.tenant import Tenant

ColumnType = Literal["DateTime", "String", "Int64", "SByte"]
Value = str | int | None
Row = dict[str, Value]
"""A row by its columns: moments are ticks, lists are JSON texts, a text is never null."""


@dataclass(frozen=True)
class Table:
    """A table: its columns in order, and what fills it."""

    name: str
    columns: tuple[tuple[str, ColumnType], ...]
    rows: Callable[[Tenant], Iterator[Row]]


def columns(text: str, **types: ColumnType) -> tuple[tuple[str, ColumnType], ...]:
    """Return columns by their names; those without a type hold texts, but for Timestamp and ReportId."""
    known: dict[str, ColumnType] = {"Timestamp": "DateTime", "ReportId": "Int64", **types}
    return tuple((name, known.get(name, "String")) for name in text.split())


def text(value: Any) -> str:
    """Return a value as a cell that holds a text."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def number(value: Any) -> int | None:
    """Return a value as a cell that holds a number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def items(value: Any) -> list[Document]:
    """Return the documents of a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def report_id(*parts: object) -> int:
    """Return the number under which a machine reported a row."""
    return ids.number(1, 2**31 - 1, "report", *parts)
