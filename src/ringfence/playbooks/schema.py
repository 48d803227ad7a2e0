"""The JSON Schema (2020-12) of the language, for editors: from the model of a document and from the actions that exist.

It is generous where a value may be looked up: wherever an action takes something that is no text, a text with `${…}` is
taken too. What a schema cannot say, such as which steps exist, is left to the checks.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from pydantic import TypeAdapter

from ringfence.playbooks.mocks import Case, Mock
from ringfence.playbooks.model import ERROR, NAME, ActionInfo, Effect, Playbook

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
IDENTIFIER: Final = "urn:ringfence:playbook:1"

_TEMPLATE: Final[dict[str, Any]] = {
    "type": "string",
    "pattern": "\\$\\{",
    "description": "A text with ${JMESPath} over the run document, looked up when the step runs.",
}
_LOOKED_UP: Final = {"$ref": "#/$defs/template"}
_EFFECTS: Final[Mapping[Effect, str]] = {
    Effect.PURE: "only computes or waits",
    Effect.READ: "reads",
    Effect.WRITE: "changes a record",
    Effect.CONTAIN: "cuts a host off or lets it go, through the policy",
}


class DescribedAction(ActionInfo, Protocol):
    """What the schema asks of an action beside what the checks do."""

    @property
    def summary(self) -> str: ...
    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema of the inputs."""


def language(actions: Iterable[DescribedAction]) -> dict[str, Any]:
    """Give the schema of a document whose steps may use these actions."""
    whole = Playbook.model_json_schema(by_alias=True)
    defs: dict[str, Any] = {name: _tidy(part) for name, part in whole.pop("$defs").items()}
    whole = _tidy(whole)
    for holder, key, kind in ((whole, "tests", tuple[Case, ...]), (defs["Step"], "mock", Mock)):
        made = TypeAdapter(kind).json_schema()
        defs |= {name: _tidy(part) for name, part in made.pop("$defs", {}).items()}
        holder["properties"][key] = {"description": holder["properties"][key]["description"], **_tidy(made)}
    defs["template"] = dict(_TEMPLATE)
    offered: list[dict[str, Any]] = []
    cases: list[dict[str, Any]] = []
    for action in actions:
        name = f"with.{action.id}"
        inputs = action.schema()
        for inner, part in inputs.pop("$defs", {}).items():
            defs[f"{name}.{inner}"] = _open(_renamed(_tidy(part), name))
        defs[name] = _inputs(action, _renamed(_tidy(inputs), name))
        offered.append({"const": action.id, "description": _about(action)})
        then: dict[str, Any] = {"properties": {"with": {"$ref": f"#/$defs/{name}"}}}
        if any(parameter.required for parameter in action.parameters.values()):
            then["required"] = ["with"]
        cases.append({"if": {"properties": {"action": {"const": action.id}}, "required": ["action"]}, "then": then})
    step = defs["Step"]
    step["properties"]["action"] = {"description": step["properties"]["action"]["description"], "anyOf": offered}
    step["allOf"] = cases
    for key in ("steps", "inputs", "outputs"):
        whole["properties"][key]["propertyNames"] = {"pattern": NAME}
    defs["ManualTrigger"]["properties"]["inputs"]["propertyNames"] = {"pattern": NAME}
    component = {"properties": {"kind": {"const": "component"}}, "required": ["kind"]}
    del whole["properties"]["trigger"]["default"]
    return {
        "$schema": DIALECT,
        "$id": IDENTIFIER,
        **whole,
        "title": "Ringfence playbook",
        "description": "A playbook, component or workflow of Ringfence.",
        "if": component,
        "then": {"properties": {"trigger": False}},
        "else": {"properties": {"inputs": False, "outputs": False}, "required": ["trigger"]},
        "$defs": dict(sorted(defs.items())),
    }


def _about(action: DescribedAction) -> str:
    said = [action.summary, f"It {_EFFECTS[action.effect]}."]
    said.append(f"Outcomes: {', '.join((*action.outcomes, ERROR))}.")
    if action.permissions:
        said.append(f"Permissions: {', '.join(action.permissions)}.")
    return " ".join(said)


def _inputs(action: DescribedAction, schema: dict[str, Any]) -> dict[str, Any]:
    """Let each parameter be looked up, and let those that may be left out be null."""
    properties: dict[str, Any] = {}
    for name, part in schema.get("properties", {}).items():
        parameter = action.parameters[name]
        fits = part if parameter.kind.is_expression else _wrapped(_open(part))
        if not parameter.required:
            fits = _also(fits, {"type": "null"})
        properties[name] = fits
    return {**schema, "description": _about(action), "properties": properties}


def _open(schema: Any) -> Any:
    """Let what stands inside lists and objects be looked up."""
    if not isinstance(schema, dict):
        return schema
    found = dict(schema)
    for key in ("items", "additionalProperties"):
        if isinstance(found.get(key), dict):
            found[key] = _wrapped(_open(found[key]))
    if "properties" in found:
        found["properties"] = {name: _wrapped(_open(part)) for name, part in found["properties"].items()}
    for key in ("anyOf", "oneOf", "allOf"):
        if key in found:
            found[key] = [_open(part) for part in found[key]]
    return found


def _wrapped(schema: dict[str, Any]) -> dict[str, Any]:
    """Let a text with an expression stand for a value, unless any text may anyway."""
    return schema if _takes_any_text(schema) else _also(schema, _LOOKED_UP)


_CONSTRAINTS: Final = frozenset({"enum", "const", "pattern", "maxLength", "$ref", "anyOf", "oneOf", "allOf"})


def _takes_any_text(schema: dict[str, Any]) -> bool:
    if "anyOf" in schema:
        return any(_takes_any_text(part) for part in schema["anyOf"])
    return schema.get("type", "string") == "string" and not _CONSTRAINTS & schema.keys()


_OUTSIDE: Final = ("description", "default", "examples")


def _also(schema: dict[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Let another form stand beside those of a schema, whose remarks for people stay in front."""
    if schema.keys() <= {"anyOf", *_OUTSIDE}:
        ways = schema.get("anyOf")
        if ways is None:
            return schema
        return schema if other in ways else {**schema, "anyOf": [*ways, dict(other)]}
    outside = {key: value for key, value in schema.items() if key in _OUTSIDE}
    inside = {key: value for key, value in schema.items() if key not in _OUTSIDE}
    return {**outside, "anyOf": [inside, dict(other)]}


def _renamed(schema: Any, prefix: str) -> Any:
    """Point references at the definitions of one action."""
    if isinstance(schema, dict):
        return {
            key: value.replace("#/$defs/", f"#/$defs/{prefix}.") if key == "$ref" else _renamed(value, prefix)
            for key, value in schema.items()
        }
    return [_renamed(each, prefix) for each in schema] if isinstance(schema, list) else schema


def _tidy(schema: Any) -> Any:
    """Leave out what is no part of the dialect or says nothing: made-up titles, defaults of null, discriminators."""
    if isinstance(schema, list):
        return [_tidy(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties":
            found[key] = {name: _tidy(part) for name, part in value.items()}
        elif key == "default":
            if value is not None:
                found[key] = value["text"] if isinstance(value, dict) and value.keys() == {"seconds", "text"} else value
        # What the dialect calls a duration is P1D; ours has a pattern.
        elif key not in ("discriminator", "title") and (key, value) != ("format", "duration"):
            found[key] = _tidy(value)
    return found
