"""What actions give, as shapes: the names of fields, and what kind of value each has.

    {"number": "number", "title": "text", "hosts": [{"name": "text"}], "owner": "any"}

Those of our own actions are recorded from their examples, which tests carry out against the simulator (`tools/action-outputs`
writes them anew); a package declares its own. A list has one entry that stands for all; `any` was null where it was looked at.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Final, TypeAlias

from ringfence.playbooks.model import Json

Shape: TypeAlias = Json
"""A kind, a list with one shape in it (or none), or a mapping of names to shapes."""

ANY: Final = "any"
_DEEPEST: Final = 6
_KINDS: Final = {str: "text", bool: "boolean", int: "number", float: "number"}


@cache
def recorded() -> dict[str, Shape]:
    """Return the shapes of our own actions by id; what the author of a step decides is not among them."""
    text = files("ringfence.actions").joinpath("outputs.json").read_text("utf-8")
    found: dict[str, Shape] = json.loads(text)
    return found


def shape_of(value: Json, depth: int = 0) -> Shape:
    """Return the shape of a value; below the sixth level it is `any`."""
    if value is None or depth > _DEEPEST:
        return ANY
    if isinstance(value, dict):
        return {name: shape_of(each, depth + 1) for name, each in value.items()}
    if isinstance(value, list):
        together: Shape = ANY
        for each in value:
            together = merged(together, shape_of(each, depth + 1))
        return [together] if value else []
    return _KINDS[type(value)]


def merged(one: Shape, other: Shape) -> Shape:
    """Return the shape that both have in common; fields that one of them has stay."""
    if one in (ANY, []) or one == other:
        return other
    if other in (ANY, []):
        return one
    if isinstance(one, dict) and isinstance(other, dict):
        return {name: merged(one.get(name, ANY), other.get(name, ANY)) for name in one | other}
    if isinstance(one, list) and isinstance(other, list):
        return [merged(one[0], other[0])]
    return ANY


def told(shape: Shape) -> str:
    """Write a shape for people, as indented YAML-like lines."""
    return "\n".join(_lines(shape, ""))


def names(shape: Shape) -> list[str]:
    """List the fields at the top of a shape, or of what its list holds."""
    top = shape[0] if isinstance(shape, list) and shape else shape
    return list(top) if isinstance(top, dict) else []


def _lines(shape: Shape, indent: str) -> list[str]:
    if isinstance(shape, list):
        if not shape:
            return [f"{indent}- any"]
        first, *rest = _lines(shape[0], f"{indent}  ")
        return [f"{indent}- {first.strip()}", *rest]
    if not isinstance(shape, dict):
        return [f"{indent}{shape}"]
    found: list[str] = []
    for name, each in shape.items():
        if isinstance(each, dict | list) and each:
            found += [f"{indent}{name}:", *_lines(each, f"{indent}  ")]
        else:
            found.append(f"{indent}{name}: {'list' if each == [] else 'object' if each == {} else each}")
    return found or [f"{indent}object"]
