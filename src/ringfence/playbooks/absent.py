"""What an expression looks for where nothing is: `steps.ask.vip` of a step whose output has no `vip`. Pure.

JMESPath gives null there, as it does for a field that is there and null, so that a mistyped path goes unnoticed. Where an
expression says itself what counts instead (`||`, `not_null`, `!`), its author knows, and nothing is found.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from ringfence.playbooks.expressions import ExpressionError, compile_expression, compile_template
from ringfence.playbooks.model import Json

if TYPE_CHECKING:
    from jmespath.visitor import _TreeNode

_KNOWING: Final = frozenset({"or_expression", "not_expression"})
_LEFT_ONLY: Final = frozenset(
    {"subexpression", "pipe", "index_expression", "projection", "value_projection", "flatten"}
)
_OUTSIDE: Final = ("steps", "trigger")
"""The names of the run document whose content nobody can know before the run."""

_NAMED: Final = 8
_PLAIN: Final = re.compile(r"\w{1,40}")


def in_inputs(values: Mapping[str, Json], raw: tuple[str, ...], document: Mapping[str, Json]) -> list[str]:
    """Say in a sentence each what the inputs of a step look for in vain; those named in `raw` are expressions themselves."""
    found: dict[str, None] = {}
    for name, value in values.items():
        for text in _expressions(value, whole=name in raw):
            found.update(dict.fromkeys(in_expression(text, document)))
    return list(found)


def in_expression(text: str, document: Mapping[str, Json]) -> list[str]:
    """Say in a sentence each what an expression over the run document looks for in vain."""
    return [said for chain in _chains(text) if (said := _missing(chain, document))]


def _expressions(value: Json, *, whole: bool) -> Iterator[str]:
    if isinstance(value, str):
        if whole:
            yield value
        elif "${" in value:
            yield from (each.text for each in compile_template(value).expressions)
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _expressions(each, whole=whole)


def _missing(chain: tuple[str, ...], document: Mapping[str, Json]) -> str:
    at: Json = dict(document)
    for index, name in enumerate(chain):
        if not isinstance(at, dict):
            return ""
        if name not in at:
            if index < 2:
                return ""
            there = [key for key in at if _PLAIN.fullmatch(key)]
            more = f" and {len(at) - _NAMED} more" if len(at) > _NAMED else ""
            has = f"{', '.join(there[:_NAMED])}{more}" if there else "other keys" if at else "nothing"
            return f"There is no {'.'.join(chain[: index + 1])}, so it counts as null; {'.'.join(chain[:index])} has {has}."
        at = at[name]
    return ""


@lru_cache(maxsize=4_096)
def _chains(text: str) -> tuple[tuple[str, ...], ...]:
    """Give the fields one behind the other, from the top of the run document, that an expression follows."""
    try:
        tree = compile_expression(text).tree
    except ExpressionError:
        return ()
    return tuple(dict.fromkeys(chain for chain in _walk(tree) if len(chain) > 2 and chain[0] in _OUTSIDE))


def _walk(node: "_TreeNode") -> Iterator[tuple[str, ...]]:
    kind, children = node["type"], node.get("children", [])
    if kind in _KNOWING or (kind == "function_expression" and node["value"] == "not_null"):
        return
    if kind == "field":
        yield (node["value"],)
    elif kind == "subexpression":
        lead, whole = _lead(node)
        yield lead
        if not whole and not lead:
            yield from _walk(children[0])
    elif kind in _LEFT_ONLY or kind == "filter_projection":
        yield from _walk(children[0])
    elif kind == "comparator" and any(each["type"] == "literal" and each["value"] is None for each in children):
        return
    elif kind not in ("slice", "expref", "literal"):
        for child in children:
            yield from _walk(child)


def _lead(node: "_TreeNode") -> tuple[tuple[str, ...], bool]:
    """Give the fields with which an expression begins, and whether there is nothing else in it."""
    if node["type"] == "field":
        return (node["value"],), True
    if node["type"] not in ("subexpression", "index_expression"):
        return (), False
    lead: tuple[str, ...] = ()
    for child in node["children"]:
        names, whole = _lead(child)
        lead += names
        if not whole:
            return lead, False
    return lead, node["type"] == "subexpression"
