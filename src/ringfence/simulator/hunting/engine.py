"""Run a query over a tenant."""

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ringfence.simulator import timestamps
from ringfence.simulator.hunting import functions, syntax
from ringfence.simulator.hunting.columns import ColumnType, Row, Value
from ringfence.simulator.hunting.parser import parse
from ringfence.simulator.hunting.syntax import (
    Comparison,
    Condition,
    Constant,
    Invocation,
    Joined,
    Negation,
    Operand,
    SemanticError,
)
from ringfence.simulator.hunting.tables import TABLES
from ringfence.simulator.hunting.timespan import Window
from ringfence.simulator.record import Document, compact
from ringfence.simulator.tenant import Tenant

Test = Callable[[Row], bool]
Schema = dict[str, ColumnType]

_KINDS: dict[str, str] = {"DateTime": "DateTime", "String": "String", "Int64": "Number", "SByte": "Truth"}
_NAMES = {"DateTime": "datetime", "String": "string", "Number": "long", "Truth": "bool"}
_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "=~": operator.eq,
    "!~": operator.ne,
    "contains": operator.contains,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "has": lambda text, term: re.search(rf"(?<![a-z0-9]){re.escape(term)}(?![a-z0-9])", text) is not None,
}


class TooLarge(Exception):
    """The result is larger than the service gives out."""


@dataclass(frozen=True)
class Limits:
    """What one reply may hold: rows beyond it are cut, bytes beyond it refuse the query (fact book)."""

    rows: int = 100_000
    size: int = 50_000_000


@dataclass(frozen=True)
class Result:
    """What a query found: columns with their types, rows as they are sent, and their size in bytes."""

    schema: Schema
    rows: list[Document]
    size: int


def run(tenant: Tenant, text: str, now: float, window: Window, limits: Limits | None = None) -> Result:
    """Run a query over the rows of a window. Raises QueryError, TooLarge."""
    allowed = limits or Limits()
    query = parse(text, now)
    table = TABLES.get(query.table)
    if table is None:
        raise SemanticError(f"Failed to resolve table or column expression named '{query.table}'")
    schema: Schema = dict(table.columns)
    rows: Iterable[Row] = (row for row in table.rows(tenant) if _within(row["Timestamp"], window))
    for step in query.steps:
        schema, rows = _apply(step, schema, rows)
    found: list[Document] = []
    size = 0
    for row in rows:
        if len(found) == allowed.rows:
            break
        sent = {name: _sent(row[name], kind) for name, kind in schema.items()}
        size += len(compact(sent))
        if size > allowed.size:
            raise TooLarge
        found.append(sent)
    return Result(schema, found, size)


def _within(moment: Value, window: Window) -> bool:
    return isinstance(moment, int) and window.first <= moment <= window.last


def _sent(value: Value, kind: ColumnType) -> Value:
    return timestamps.write(value) if kind == "DateTime" and isinstance(value, int) else value


def _apply(step: syntax.Step, schema: Schema, rows: Iterable[Row]) -> tuple[Schema, Iterable[Row]]:
    if isinstance(step, syntax.Where):
        test = _condition(step.condition, schema)
        return schema, (row for row in rows if test(row))
    if isinstance(step, syntax.Take):
        return schema, (row for row, _ in zip(rows, range(step.count), strict=False))
    if isinstance(step, syntax.Sort):
        return schema, _sorted(step, schema, rows)
    if isinstance(step, syntax.Summarize):
        return _summarized(step, schema, rows)
    kept = _renamed(step.columns, schema, "project")
    pairs = step.columns
    return kept, ({new: row[old] for new, old in pairs} for row in rows)


def _renamed(columns: tuple[tuple[str, str], ...], schema: Schema, operator_: str) -> Schema:
    kept: Schema = {}
    for new, old in columns:
        kind = _kind(old, schema, operator_)
        if new in kept:
            raise SemanticError(f"A column named '{new}' already exists", operator_)
        kept[new] = kind
    return kept


def _kind(name: str, schema: Schema, operator_: str) -> ColumnType:
    kind = schema.get(name)
    if kind is None:
        what = "table or column" if operator_ == "where" else "scalar"
        raise SemanticError(f"Failed to resolve {what} expression named '{name}'", operator_)
    return kind


def _sorted(step: syntax.Sort, schema: Schema, rows: Iterable[Row]) -> Iterable[Row]:
    for name, _ in step.keys:
        _kind(name, schema, step.operator)

    def ordered() -> Iterable[Row]:
        found = list(rows)
        for name, descending in reversed(step.keys):
            found.sort(key=lambda row: _sort_key(row[name]), reverse=descending)
        return found

    return ordered()


def _sort_key(value: Value) -> tuple[bool, int, str]:
    return (value is not None, value if isinstance(value, int) else 0, value if isinstance(value, str) else "")


def _summarized(step: syntax.Summarize, schema: Schema, rows: Iterable[Row]) -> tuple[Schema, Iterable[Row]]:
    grouped = _renamed(step.by, schema, step.operator)
    result: Schema = dict(grouped)
    for name in step.counts:
        if name in result:
            raise SemanticError(f"A column named '{name}' already exists", step.operator)
        result[name] = "Int64"
    groups: dict[tuple[Value, ...], int] = {}
    for row in rows:
        key = tuple(row[old] for _, old in step.by)
        groups[key] = groups.get(key, 0) + 1
    if not step.by and not groups:
        groups[()] = 0
    names = [new for new, _ in step.by]
    return result, (
        dict(zip(names, key, strict=True)) | dict.fromkeys(step.counts, count) for key, count in groups.items()
    )


def _condition(condition: Condition, schema: Schema) -> Test:
    if isinstance(condition, Joined):
        tests = [_condition(part, schema) for part in condition.parts]
        if condition.every:
            return lambda row: all(test(row) for test in tests)
        return lambda row: any(test(row) for test in tests)
    if isinstance(condition, Negation):
        inner = _condition(condition.inner, schema)
        return lambda row: not inner(row)
    if isinstance(condition, Comparison):
        return _comparison(condition, schema)
    kind, read = _operand(condition, schema)
    if kind != "Truth":
        raise SemanticError("Filter expression must be boolean", "where")
    return lambda row: bool(read(row))


def _operand(operand: Operand, schema: Schema) -> tuple[str, Callable[[Row], Any]]:
    if isinstance(operand, Constant):
        value = operand.value
        return operand.kind, lambda row: value
    if isinstance(operand, Invocation):
        return functions.bind(operand.function, [_operand(argument, schema) for argument in operand.arguments])
    name = operand.name
    return _KINDS[_kind(name, schema, "where")], lambda row: row[name]


def _comparison(comparison: Comparison, schema: Schema) -> Test:
    left_kind, left = _operand(comparison.left, schema)
    rights = [_operand(item, schema) for item in comparison.right]
    sign = comparison.sign
    for kind, _ in rights:
        if kind != left_kind and {kind, left_kind} != {"Number", "Truth"}:
            raise SemanticError(
                f"Cannot compare values of types {_NAMES[left_kind]} and {_NAMES[kind]}. Try adding explicit casts",
                "where",
            )
    readers = [read for _, read in rights]
    right = readers[0]
    if sign == "in":
        return lambda row: left(row) in [read(row) for read in readers]
    if sign == "==":
        return lambda row: bool(left(row) == right(row))
    if sign == "!=":
        return lambda row: bool(left(row) != right(row))
    if sign in _ORDERINGS and left_kind not in ("String", "Truth"):
        compare = _ORDERINGS[sign]
        return lambda row: _both(left(row), right(row)) and compare(left(row), right(row))
    if left_kind != "String" or sign in _ORDERINGS:
        raise SemanticError(f"Operator '{sign}' cannot be applied to values of type {_NAMES[left_kind]}", "where")
    if sign == "in~":
        return lambda row: left(row).lower() in [read(row).lower() for read in readers]
    test = _TEXT_TESTS[sign]
    return lambda row: test(left(row).lower(), right(row).lower())


def _both(left: object, right: object) -> bool:
    return left is not None and right is not None
