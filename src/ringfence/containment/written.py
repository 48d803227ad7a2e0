"""A layer of policy as the YAML that people read and edit. Pure.

What a layer does not say can be shown as comments, so that whoever edits it sees all that there is to say.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ringfence.containment.layers import LOCKED
from ringfence.containment.policy import Policy
from ringfence.errors import Invalid
from ringfence.playbooks import yamltree
from ringfence.playbooks.yamltree import Unreadable

_BARE: Final = re.compile(r"[a-z_]+(\.[a-z_]+)?\Z|[0-9]{1,9} (?:ms|s|min|h|d)\Z")
_SPOKEN: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})


def read(text: str) -> dict[str, Any]:
    """Read a layer; Invalid, with line and column, where it is not YAML of fields and values. Nothing is an empty layer."""
    try:
        root = yamltree.parse(text)
    except Unreadable as error:
        if error.code == "empty-document":
            return {}
        place = f"line {error.place.line}, column {error.place.column}"
        raise Invalid(f"The policy cannot be read: {place}: {error.message}", advice=error.advice) from None
    found = root.to_json()
    if not isinstance(found, dict):
        raise Invalid("This is not a policy.", advice="Write `field: value`, a line for each.")
    # A part of which all is commented out is empty in YAML.
    return {name: {} if value is None and name in _parts() else value for name, value in found.items()}


def write(document: Mapping[str, Any], *, guide: bool = False) -> str:
    """Write a layer; with `guide`, also all that it does not say, as comments with the defaults."""
    lines: list[str] = []
    for name, field in Policy.model_fields.items():
        part = _parts().get(name)
        if part is None:
            lines += _field(name, field, document, "", guide)
            continue
        inner = document.get(name) or {}
        inside = [line for leaf, its in part.model_fields.items() for line in _field(leaf, its, inner, "  ", guide)]
        if inner:
            lines += [f"{name}:", *inside]
        elif guide:
            lines += [f"# {name}:", *inside]
    if LOCKED in document or guide:
        listed = document.get(LOCKED)
        if guide:
            lines.append("# Fields that layers below may not change.")
        lines += list(_entry(LOCKED, list(listed), "")) if listed is not None else [f"# {LOCKED}: []"]
    return "".join(f"{line}\n" for line in lines)


def shown(value: Any) -> str:
    """Return a value of a policy in one line, for people."""
    match value:
        case None:
            return "no limit"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(str, value)) or "none"
    return str(value)


def _parts() -> dict[str, type[BaseModel]]:
    found: dict[str, type[BaseModel]] = {}
    for name, field in Policy.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found[name] = field.annotation
    return found


def _field(name: str, field: FieldInfo, document: Mapping[str, Any], indent: str, guide: bool) -> Iterator[str]:
    said = name in document
    if not said and not guide:
        return
    if guide:
        yield f"{indent}# {field.description}"
    value = document[name] if said else _plain(field.get_default(call_default_factory=True))
    lines = list(_entry(name, value, indent))
    yield from lines if said else (f"{indent}# {line.removeprefix(indent)}" for line in lines)


def _entry(name: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, list | tuple) and value:
        yield f"{indent}{name}:"
        yield from (f"{indent}  - {_scalar(each)}" for each in value)
    else:
        yield f"{indent}{name}: {'[]' if isinstance(value, list | tuple) else _scalar(value)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _BARE.match(value) and value not in _SPOKEN:
        return value
    return json.dumps(value, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)
