"""The functions of the query language that are served, and the kinds of values that they take."""

from collections.abc import Callable, Sequence
from typing import Any

from ringfence.simulator import timestamps
from ringfence.simulator.hunting.columns import Row
from ringfence.simulator.hunting.syntax import SemanticError

Operand = tuple[str, Callable[[Row], Any]]
"""The kind of a value, and how it is read from a row."""

_TEXTS: dict[str, Callable[[str], str | bool]] = {
    "tostring": str,
    "tolower": str.lower,
    "toupper": str.upper,
    "isempty": lambda text: not text,
    "isnotempty": bool,
}
_MOST_PARTS = 64


def bind(function: str, arguments: Sequence[Operand]) -> Operand:
    """Return a function of operands as one operand. Raises SemanticError for operands that it does not take."""
    readers = [_written(function, kind, read) for kind, read in arguments]
    if function == "strcat":
        if len(readers) > _MOST_PARTS:
            raise SemanticError(f"{function}(): function expects from 1 to {_MOST_PARTS} argument(s)", "where")
        return "String", lambda row: "".join(read(row) for read in readers)
    if len(readers) != 1:
        raise SemanticError(f"{function}(): function expects 1 argument(s)", "where")
    (only,), apply = readers, _TEXTS[function]
    return "Truth" if function.startswith("is") else "String", lambda row: apply(only(row))


def _written(function: str, kind: str, read: Callable[[Row], Any]) -> Callable[[Row], str]:
    if kind == "DateTime":
        return lambda row: "" if (value := read(row)) is None else timestamps.write(value)
    if kind == "Number":
        return lambda row: "" if (value := read(row)) is None else str(value)
    if kind != "String":
        # How the service writes a truth as a text is not known.
        raise SemanticError(f"{function}(): argument cannot be of type bool", "where")
    return read
