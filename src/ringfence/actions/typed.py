"""The parameters of a type of trigger service as fields of a form, and what was typed into them as values. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ringfence.actions.polling import ServiceType
from ringfence.playbooks.model import Json

_FALSE: Final = frozenset({"", "false", "no", "off", "0"})
_KINDS: Final = {"integer": "number", "number": "number", "boolean": "checkbox", "array": "lines", "object": "json"}


@dataclass(frozen=True, slots=True)
class Line:
    """One field: `kind` is text, number, checkbox, select, lines (one value a line) or json; `value` is as it is typed."""

    name: str
    label: str
    hint: str
    kind: str
    value: str
    required: bool
    choices: tuple[str, ...] = ()


def lines(declared: ServiceType, typed: Mapping[str, str] | None) -> list[Line]:
    """Return the fields with what was typed into them; None, where nothing was yet, shows what is left out as its default."""
    schema = declared.schema()
    found = []
    for name, parameter in declared.parameters.items():
        part = _part(schema, name)
        default = _text(part["default"]) if part.get("default") is not None else ""
        value = default if typed is None else typed.get(name, "")
        label = name.replace("_", " ").capitalize()
        choices = tuple(str(each) for each in part.get("enum", ()))
        found.append(Line(name, label, parameter.description, _kind(part), value, parameter.required, choices))
    return found


def values(declared: ServiceType, typed: Mapping[str, str]) -> dict[str, Json]:
    """Return what a whole form says as values; a field that is empty is left out, and one that is unmarked is false."""
    found: dict[str, Json] = {}
    for line in lines(declared, typed):
        if line.kind in ("checkbox", "lines") or line.value.strip():
            found[line.name] = value(declared, line.name, line.value)
    return found


def value(declared: ServiceType, name: str, text: str) -> Json:
    """Return what was typed for one parameter as its value; text that is no value of its kind stays text."""
    if name not in declared.parameters:
        return text
    part, text = _part(declared.schema(), name), text.strip()
    match _kind(part):
        case "checkbox":
            return text.casefold() not in _FALSE
        case "lines":
            return [_scalar(part.get("items", {}), each.strip()) for each in text.splitlines() if each.strip()]
        case "json":
            return _read(text)
        case _:
            return _scalar(part, text)


def typed_of(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters that a service has as they are typed."""
    return {name: _text(value) for name, value in parameters.items() if value is not None}


def _part(schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the schema of one parameter; of one that may be null, the schema of what else it may be."""
    part: dict[str, Any] = dict(schema["properties"][name])
    for each in part.get("anyOf", ()):
        if each.get("type") != "null":
            part = {**each, "default": part.get("default")}
            break
    if "$ref" in part:
        part = {**schema["$defs"][str(part["$ref"]).rpartition("/")[2]], "default": part.get("default")}
    return part


def _kind(part: Mapping[str, Any]) -> str:
    if "enum" in part:
        return "select"
    kind = _KINDS.get(str(part.get("type")), "text")
    if kind == "lines" and part.get("items", {}).get("type") not in ("string", "integer", "number"):
        return "json"
    return kind


def _scalar(part: Mapping[str, Any], text: str) -> Json:
    if part.get("type") in ("integer", "number"):
        found = _read(text)
        return found if isinstance(found, int | float) else text
    return text


def _read(text: str) -> Json:
    try:
        found: Json = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return found


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else ""
    if isinstance(value, list) and all(isinstance(each, str | int | float) for each in value):
        return "\n".join(str(each) for each in value)
    return value if isinstance(value, str) else json.dumps(value)
