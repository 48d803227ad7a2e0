"""Build OData filter texts from values, so that no value can break out of its quotes.

both(ge("lastUpdateTime", since), one_of("severity", ["High", "Medium"]))
"""

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from ringfence.defender.errors import InvalidArgument

Value = str | int | float | bool | datetime | None

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:/[A-Za-z_][A-Za-z0-9_]*)*")


def quote(text: str) -> str:
    """Write a text as an OData string: single quotes, inner ones doubled."""
    if any(not character.isprintable() for character in text):
        raise InvalidArgument("A filter value holds a control character.", advice="Remove it from the value.")
    return "'" + text.replace("'", "''") + "'"


def moment(value: datetime) -> str:
    """Write an aware datetime as the service does: UTC, Z, as many digits as needed."""
    if value.tzinfo is None:
        raise InvalidArgument("A filter time has no time zone.", advice="Pass an aware datetime.")
    utc = value.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="microseconds" if utc.microsecond else "seconds") + "Z"


def literal(value: Value) -> str:
    """Write a value as an OData literal: texts quoted, times and numbers bare."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            if not math.isfinite(value):
                raise InvalidArgument(f"{value} is not a number that can be compared.", advice="Pass a finite number.")
            return format(Decimal(str(value)), "f")
        case datetime():
            return moment(value)
        case str():
            return quote(value)


def _compare(name: str, operator: str, value: Value) -> str:
    if not _NAME.fullmatch(name):
        raise InvalidArgument(f"{name!r} is not a property name.", advice="Use letters, digits and underscores.")
    return f"{name} {operator} {literal(value)}"


def eq(name: str, value: Value) -> str:
    """Equal."""
    return _compare(name, "eq", value)


def ne(name: str, value: Value) -> str:
    """Not equal."""
    return _compare(name, "ne", value)


def gt(name: str, value: Value) -> str:
    """Greater, later."""
    return _compare(name, "gt", value)


def ge(name: str, value: Value) -> str:
    """Greater or equal, not before."""
    return _compare(name, "ge", value)


def lt(name: str, value: Value) -> str:
    """Less, earlier."""
    return _compare(name, "lt", value)


def le(name: str, value: Value) -> str:
    """Less or equal, not after."""
    return _compare(name, "le", value)


def startswith(name: str, text: str) -> str:
    """Begin with a text."""
    if not _NAME.fullmatch(name):
        raise InvalidArgument(f"{name!r} is not a property name.", advice="Use letters, digits and underscores.")
    return f"startswith({name},{quote(text)})"


def one_of(name: str, values: Iterable[Value]) -> str:
    """Equal to one of the values, written with `or` because the service documents no `in`."""
    parts = [eq(name, value) for value in values]
    if not parts:
        raise InvalidArgument(
            f"No value was given for {name}.", advice="Pass at least one value, or leave the filter out."
        )
    return parts[0] if len(parts) == 1 else "(" + " or ".join(parts) + ")"


def either(*conditions: str) -> str:
    """Join conditions with `or`, in parentheses; empty ones are left out."""
    kept = [condition for condition in conditions if condition]
    return kept[0] if len(kept) == 1 else "(" + " or ".join(kept) + ")" if kept else ""


def both(*conditions: str) -> str:
    """Join conditions with `and`; empty ones are left out, and no condition at all gives an empty text."""
    return " and ".join(condition for condition in conditions if condition)
