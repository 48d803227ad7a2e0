"""The part of JSON Schema (2020-12) that our schemas use, so that a test can ask whether a document fits."""

import re
from collections.abc import Iterator
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_REMARKS = {"$schema", "$id", "$defs", "title", "description", "default", "examples", "format", "contentMediaType"}


def misfits(whole: dict[str, Any], value: object) -> list[str]:
    """Return the places that do not fit, as paths with a word on why; none means that the document fits."""
    return list(_look(whole, whole, value, ""))


def _look(whole: dict[str, Any], schema: Any, value: Any, path: str) -> Iterator[str]:
    if schema is True or schema is False:
        yield from () if schema else (f"{path}: nothing fits",)
        return
    for word, told in schema.items():
        yield from (f"{path}: {said}" for said in _ONE[word](told, value)) if word in _ONE else ()
        assert word in _ONE or word in _MANY or word in _REMARKS, f"{word} is not known here"
    if "$ref" in schema:
        yield from _look(whole, whole["$defs"][schema["$ref"].removeprefix("#/$defs/")], value, path)
    for part in schema.get("allOf", ()):
        yield from _look(whole, part, value, path)
    for word in ("anyOf", "oneOf"):
        if word in schema:
            fitting = [part for part in schema[word] if not list(_look(whole, part, value, path))]
            if not fitting or (word == "oneOf" and len(fitting) > 1):
                yield f"{path}: {len(fitting)} of {word}"
    if "if" in schema:
        holds = not list(_look(whole, schema["if"], value, path))
        yield from _look(whole, schema.get("then" if holds else "else", True), value, path)
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _look(whole, schema.get("propertyNames", True), key, f"{path}/{key}")
            inner = schema.get("properties", {}).get(key, schema.get("additionalProperties", True))
            yield from _look(whole, inner, item, f"{path}/{key}")
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _look(whole, schema.get("items", True), item, f"{path}/{index}")


def _typed(told: str, value: object) -> Iterator[str]:
    if not isinstance(value, _TYPES[told]) or (isinstance(value, bool) and told in ("number", "integer")):
        yield f"no {told}"


_MANY = {
    *("$ref", "allOf", "anyOf", "oneOf", "if", "then", "else"),
    *("properties", "additionalProperties", "propertyNames", "items"),
}
_ONE: dict[str, Any] = {
    "type": _typed,
    "const": lambda told, value: () if value == told else ("not the one",),
    "enum": lambda told, value: () if value in told else ("not one of them",),
    "pattern": lambda told, value: (
        () if not isinstance(value, str) or re.search(told, value, re.ASCII) else ("no match",)
    ),
    "required": lambda told, value: (
        f"{key} is missing" for key in told if isinstance(value, dict) and key not in value
    ),
    "minLength": lambda told, value: ("too short",) if isinstance(value, str) and len(value) < told else (),
    "maxLength": lambda told, value: ("too long",) if isinstance(value, str) and len(value) > told else (),
    "minItems": lambda told, value: ("too few",) if isinstance(value, list) and len(value) < told else (),
    "maxItems": lambda told, value: ("too many",) if isinstance(value, list) and len(value) > told else (),
    "minimum": lambda told, value: ("too small",) if isinstance(value, int | float) and value < told else (),
    "exclusiveMinimum": lambda told, value: ("too small",) if isinstance(value, int | float) and value <= told else (),
    "exclusiveMaximum": lambda told, value: ("too large",) if isinstance(value, int | float) and value >= told else (),
    "maximum": lambda told, value: ("too large",) if isinstance(value, int | float) and value > told else (),
}
