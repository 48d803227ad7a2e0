"""Column types that mean the same on SQLite and PostgreSQL."""

import json
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator


class Moment(TypeDecorator[datetime]):
    """A moment in UTC; a naive datetime is refused, since nobody can say what it means."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"A moment needs a time zone: {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class JsonText(TypeDecorator[Any]):
    """JSON kept as ASCII text: what PostgreSQL's own type refuses (NUL, lone surrogates) comes back as it went in."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, separators=(",", ":"))

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


def not_by(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return a column's value in a form for whose sake no index is chosen, where SQLite would choose one that leads astray."""
    return sa.func.coalesce(column, sa.null())


def joined(*columns: sa.ColumnElement[str] | sa.ColumnElement[str | None]) -> sa.ColumnElement[str]:
    """Return the texts of some columns as one, with a line for each; written without parameters, so that an index may hold it."""
    found: sa.ColumnElement[str] = sa.literal_column("''")
    for column in columns:
        found = found + sa.func.coalesce(column, sa.literal_column("''")) + sa.literal_column("'\n'")
    return found


def holds(text: str, *columns: sa.ColumnElement[str] | sa.ColumnElement[str | None]) -> sa.ColumnElement[bool]:
    """Return the condition that one of the columns has `text` in it, whatever its case; all are looked at in one go."""
    return joined(*columns).icontains(text, autoescape=True)


def storable(text: str) -> str:
    """Return `text` without the characters that a database cannot hold as text (NUL, lone surrogates)."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
