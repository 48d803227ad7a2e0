"""The condition `where` of a trigger. Pure."""

from collections.abc import Mapping
from typing import Any

from ringfence.playbooks.expressions import ExpressionError, holds
from ringfence.triggers.base import FieldMatch


def where(expression: str, seen: Mapping[str, Any], noun: str) -> FieldMatch:
    """Say whether a trigger's `where` is true over its document; one that cannot be evaluated is not."""
    try:
        true = holds(expression, dict(seen))
    except ExpressionError as error:
        return FieldMatch("where", False, error.message)
    return FieldMatch("where", true, f"The condition `where` is {'true' if true else 'not true'} for this {noun}.")
