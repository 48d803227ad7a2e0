"""Turn the text of a $filter into a test over records: parsed by odata-query, interpreted here."""

import functools
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from odata_query import ast
from odata_query.grammar import ODataLexer, ODataParser

from ringfence.simulator import timestamps
from ringfence.simulator.record import Record

Kind = Literal["text", "time", "number", "truth", "texts", "nothing"]
Predicate = Callable[[Record], bool]
Read = Callable[[Record], Any]

_LONGEST = 20_000
_DEEPEST = 60
_QUOTED = re.compile(r"('(?:[^']|'')*')")
_DATE_WITH_ZONE = re.compile(r"(?<![\w-])(\d{4}-\d\d-\d\d)Z(?!\w)", re.IGNORECASE)
_ONE_ITEM = re.compile(r"'(?:[^']|'')*'|\bin\s*\(\s*('(?:[^']|'')*'|[^'(),]+?)\s*\)")
_ORDERINGS: dict[type, Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": operator.contains,
}
_TEXT_CHANGES: dict[str, Callable[[str], str]] = {"tolower": str.lower, "toupper": str.upper, "trim": str.strip}


class FilterError(ValueError):
    """A $filter cannot be applied; the message says why."""


@dataclass(frozen=True)
class Schema:
    """The filterable properties of an entity: canonical name and kind, by lower-case name."""

    entity: str
    properties: tuple[tuple[str, Kind], ...]
    namespace: str = "microsoft.windowsDefenderATP.api"

    def find(self, name: str) -> tuple[str, Kind]:
        """Return canonical name and kind of a property. Raises FilterError."""
        for canonical, kind in self.properties:
            if canonical.lower() == name.lower():
                return canonical, kind
        raise FilterError(
            f"Could not find a property named '{name}' that can be filtered on type '{self.namespace}.{self.entity}'."
        )


@dataclass(frozen=True)
class _Operand:
    kind: Kind
    read: Read
    value: Any = None
    constant: bool = False


@functools.lru_cache(maxsize=256)
def compile_filter(text: str, schema: Schema) -> Predicate:
    """Compile a $filter. Raises FilterError, whatever the text."""
    if len(text) > _LONGEST:
        raise FilterError(f"The filter has {len(text)} characters; at most {_LONGEST} are taken.")
    normal = "".join(
        piece if place % 2 else _DATE_WITH_ZONE.sub(r"\1T00:00:00Z", piece)
        for place, piece in enumerate(_QUOTED.split(text.strip()))
    )
    normal = _ONE_ITEM.sub(
        lambda found: f"in ({found[1]},)" if found[1] else found[0], normal
    )  # the parser wants a comma
    try:
        tree = ODataParser().parse(ODataLexer().tokenize(normal))
    except Exception as problem:  # the parser lets IndexError, KeyError and others out on hostile text
        raise FilterError(f"Syntax error in the filter: {problem}.") from problem
    if tree is None:
        raise FilterError("The filter is empty.")
    return _predicate(tree, schema, {}, 0)


def _predicate(node: ast._Node, schema: Schema, variables: dict[str, Read], depth: int) -> Predicate:
    if depth > _DEEPEST:
        raise FilterError(f"The filter is nested deeper than {_DEEPEST} levels.")
    below = depth + 1
    if isinstance(node, ast.BoolOp):
        parts = [_predicate(part, schema, variables, below) for part in _chain(node)]
        if isinstance(node.op, ast.And):
            return lambda record: all(part(record) for part in parts)
        return lambda record: any(part(record) for part in parts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        inner = _predicate(node.operand, schema, variables, below)
        return lambda record: not inner(record)
    if isinstance(node, ast.Compare):
        return _comparison(node, schema, variables, below)
    if isinstance(node, ast.Call):
        return _text_test(node, schema, variables, below)
    if isinstance(node, ast.CollectionLambda):
        return _collection(node, schema, variables, below)
    if isinstance(node, ast.Boolean):
        truth = node.val.lower() == "true"
        return lambda record: truth
    raise FilterError(f"The filter does not end in true or false: {type(node).__name__} cannot stand alone.")


def _chain(node: ast.BoolOp) -> list[ast._Node]:
    """Flatten a and b and c, so that long chains do not count as deep ones."""
    parts: list[ast._Node] = []
    current: ast._Node = node
    while isinstance(current, ast.BoolOp) and type(current.op) is type(node.op):
        parts.append(current.right)
        current = current.left
    return [current, *reversed(parts)]


def _comparison(node: ast.Compare, schema: Schema, variables: dict[str, Read], depth: int) -> Predicate:
    left = _operand(node.left, schema, variables, depth)
    if isinstance(node.comparator, ast.In):
        if not isinstance(node.right, ast.List):
            raise FilterError("'in' needs a list in parentheses on its right.")
        items = [_operand(item, schema, variables, depth) for item in node.right.val]
        for item in items:
            _same_kind(left, item)
        values = [item.value for item in items]
        return lambda record: left.read(record) in values
    right = _operand(node.right, schema, variables, depth)
    _same_kind(left, right)
    if isinstance(node.comparator, ast.Eq | ast.NotEq):
        equal = isinstance(node.comparator, ast.Eq)
        if right.constant:
            wanted, read = right.value, left.read
            return (lambda record: read(record) == wanted) if equal else (lambda record: read(record) != wanted)
        return lambda record: (left.read(record) == right.read(record)) is equal
    compare = _ORDERINGS[type(node.comparator)]
    if "nothing" in (left.kind, right.kind) or "truth" in (left.kind, right.kind) or "texts" in (left.kind, right.kind):
        raise FilterError(f"A {left.kind} and a {right.kind} have no order.")
    if left.kind == "time" and not left.constant and right.constant:
        moment, read = right.value, left.read
        return lambda record: compare(read(record), moment)

    def ordered(record: Record) -> bool:
        first, second = left.read(record), right.read(record)
        return type(first) is type(second) and first is not None and compare(first, second)

    return ordered


def _same_kind(left: _Operand, right: _Operand) -> None:
    if left.kind != right.kind and "nothing" not in (left.kind, right.kind):
        raise FilterError(
            f"A binary operator with incompatible types was detected. Found operand types '{left.kind}' and '{right.kind}'."
        )


def _operand(node: ast._Node, schema: Schema, variables: dict[str, Read], depth: int) -> _Operand:
    if isinstance(node, ast.Identifier):
        if not node.namespace and node.name in variables:
            return _Operand("text", variables[node.name])
        if node.namespace:
            raise FilterError(f"Could not find a property named '{_full_name(node)}'.")
        name, kind = schema.find(node.name)
        if kind == "time":
            return _Operand(kind, lambda record: record.ticks[name])
        return _Operand(kind, lambda record: record.document.get(name))
    if isinstance(node, ast.Call) and node.func.name in _TEXT_CHANGES and len(node.args) == 1 and depth <= _DEEPEST:
        inner = _operand(node.args[0], schema, variables, depth + 1)
        change = _TEXT_CHANGES[node.func.name]
        if inner.kind != "text":
            raise FilterError(f"{node.func.name} takes a text.")
        return _Operand("text", lambda record: change(inner.read(record) or ""))
    if isinstance(node, ast.Null):
        return _constant("nothing", None)
    if isinstance(node, ast.String | ast.GUID):
        return _constant("text", node.val)
    if isinstance(node, ast.Boolean):
        return _constant("truth", node.val.lower() == "true")
    try:
        if isinstance(node, ast.DateTime | ast.Date):
            return _constant("time", timestamps.read(node.val))
        if isinstance(node, ast.Integer):
            return _constant("number", int(node.val))
        if isinstance(node, ast.Float):
            return _constant("number", float(node.val))
    except (ValueError, OverflowError) as problem:
        raise FilterError(str(problem)) from problem
    raise FilterError(f"{type(node).__name__} is not supported at this place of a filter.")


def _full_name(name: ast.Identifier) -> str:
    return ".".join((*name.namespace, name.name))


def _constant(kind: Kind, value: Any) -> _Operand:
    return _Operand(kind, lambda record: value, value, True)


def _text_test(node: ast.Call, schema: Schema, variables: dict[str, Read], depth: int) -> Predicate:
    test = _TEXT_TESTS.get(node.func.name)
    if test is None or node.func.namespace or len(node.args) != 2:
        raise FilterError(f"The function {_full_name(node.func)} is not supported here.")
    text, part = (_operand(arg, schema, variables, depth) for arg in node.args)
    if text.kind != "text" or part.kind != "text":
        raise FilterError(f"{node.func.name} takes two texts.")

    def tested(record: Record) -> bool:
        whole, piece = text.read(record), part.read(record)
        return isinstance(whole, str) and isinstance(piece, str) and test(whole, piece)

    return tested


def _collection(node: ast.CollectionLambda, schema: Schema, variables: dict[str, Read], depth: int) -> Predicate:
    if not isinstance(node.owner, ast.Identifier):
        raise FilterError("any and all work on a property of the entity itself.")
    name, kind = schema.find(node.owner.name)
    if kind != "texts":
        raise FilterError(f"'{name}' is not a collection.")
    if node.lambda_ is None:
        return lambda record: bool(record.document.get(name))
    current: list[str] = [""]
    inner_variables = {**variables, node.lambda_.identifier.name: lambda record: current[0]}
    inner = _predicate(node.lambda_.expression, schema, inner_variables, depth)
    every = isinstance(node.operator, ast.All)

    def tested(record: Record) -> bool:
        for item in record.document.get(name) or ():
            current[0] = item
            if inner(record) is not every:
                return not every
        return every

    return tested
