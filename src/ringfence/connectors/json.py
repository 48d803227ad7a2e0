"""Read, write, put together and sort out JSON."""

import json
from collections.abc import Callable
from typing import Annotated, Final, TypeAlias

from pydantic import Field

from ringfence.actions import (
    ActionError,
    Connector,
    Context,
    DataExpression,
    Effect,
    ExpressionError,
    Json,
    Release,
    as_text,
    evaluate,
)

connector = Connector(
    "json",
    title="JSON",
    version="1.0.0",
    description="Read, write, put together and sort out JSON, without asking anybody outside.",
    category="Core",
    releases=(Release("1.0.0", "2026-11-22", "First release: read, write, merge and compare JSON."),),
)

_DEEPEST: Final = 50
Object: TypeAlias = dict[str, Json]
By = Annotated[
    DataExpression | None, Field(description="JMESPath over each item, without ${ }; the whole item if left out.")
]


@connector.action(effect=Effect.PURE)
async def parse(
    context: Context,
    text: Annotated[str, Field(description="A text that holds JSON.", json_schema_extra={"format": "multi-line"})],
) -> Json:
    """Read a text as JSON; later steps see the value itself.

    Example:
        details:
          action: json.parse
          with: {text: "${trigger.alert.description}"}
    """
    try:
        found: Json = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        place = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise _cannot(f"The text is not JSON{place}.", "not-json", "Look at the step's input.") from None
    return found


@connector.action(effect=Effect.PURE, name="format")
async def format_(
    context: Context,
    value: Annotated[Json, Field(description="What is written; as a rule ${…}.")] = None,
    pretty: Annotated[bool, Field(description="With line ends and indents, for people.")] = False,
    sort: Annotated[bool, Field(description="With names in order, so that equal values give equal texts.")] = False,
) -> Json:
    """Write a value as a text of JSON.

    Example:
        evidence:
          action: json.format
          with: {value: "${trigger.alert.evidence}", pretty: true}
    """
    separators = None if pretty else (",", ":")
    return json.dumps(value, ensure_ascii=False, indent=2 if pretty else None, sort_keys=sort, separators=separators)


@connector.action(effect=Effect.PURE)
async def merge(
    context: Context,
    objects: Annotated[
        list[Object | None], Field(description="What is put together; of the same name the last counts.")
    ],
    deep: Annotated[
        bool, Field(description="Also put together objects inside, and lists one after the other.")
    ] = False,
) -> Json:
    """Put objects together into one.

    Example:
        known:
          action: json.merge
          with: {objects: [{source: playbook}, "${trigger.alert.relatedUser}"]}
    """
    found: Object = {}
    for each in objects:
        if each is not None:
            found = _merged(found, each, 0) if deep else found | each
    return found


@connector.action(effect=Effect.PURE)
async def pick(
    context: Context,
    value: Annotated[Object | list[Object], Field(description="An object, or a list of objects.")],
    names: Annotated[list[str], Field(description="Which of their fields are kept.", min_length=1)],
) -> Json:
    """Keep some fields of an object, or of each object of a list.

    Example:
        facts:
          action: json.pick
          with: {value: "${trigger.alert}", names: [title, severity, computerDnsName]}
    """
    return _each(value, lambda one: {name: one[name] for name in names if name in one})


@connector.action(effect=Effect.PURE)
async def omit(
    context: Context,
    value: Annotated[Object | list[Object], Field(description="An object, or a list of objects.")],
    names: Annotated[list[str], Field(description="Which of their fields are left out.", min_length=1)],
    empty: Annotated[
        bool, Field(description="Also leave out fields with null, an empty text, list or object.")
    ] = False,
) -> Json:
    """Leave some fields of an object, or of each object of a list, out.

    Example:
        lean:
          action: json.omit
          with: {value: "${trigger.alert}", names: [evidence], empty: true}
    """
    unwanted = frozenset(names)

    def kept(name: str, field: Json) -> bool:
        return name not in unwanted and not (empty and (field is None or field in ("", [], {})))

    return _each(value, lambda one: {name: field for name, field in one.items() if kept(name, field)})


@connector.action(effect=Effect.PURE)
async def unique(
    context: Context,
    items: Annotated[list[Json], Field(description="A list; as a rule ${…}.")],
    by: By = None,
) -> Json:
    """Leave doubles in a list out; of those that are alike the first stays.

    Example:
        hosts:
          action: json.unique
          with: {items: "${trigger.alerts}", by: machineId}
    """
    found: dict[str, Json] = {}
    for each in items:
        found.setdefault(_text(_value(by, each)), each)
    return list(found.values())


@connector.action(effect=Effect.PURE)
async def sort(
    context: Context,
    items: Annotated[list[Json], Field(description="A list; as a rule ${…}.")],
    by: By = None,
    descending: Annotated[bool, Field(description="The greatest first.")] = False,
) -> Json:
    """Put a list in order: numbers by size, then texts by letters, then the rest; null comes last.

    Example:
        newest_first:
          action: json.sort
          with: {items: "${trigger.alerts}", by: alertCreationTime, descending: true}
    """
    keyed = [(_value(by, each), each) for each in items]
    known = sorted(
        (each for each in keyed if each[0] is not None), key=lambda each: _order(each[0]), reverse=descending
    )
    return [each for _, each in known] + [each for value, each in keyed if value is None]


@connector.action(effect=Effect.PURE)
async def group(
    context: Context,
    items: Annotated[list[Json], Field(description="A list; as a rule ${…}.")],
    by: Annotated[DataExpression, Field(description="JMESPath over each item, without ${ }.")],
) -> Json:
    """Put the items of a list into groups of the same value; the output is a list of `key`, `items` and `count`.

    Example:
        by_host:
          action: json.group
          with: {items: "${trigger.alerts}", by: computerDnsName}
    """
    keys: dict[str, Json] = {}
    groups: dict[str, list[Json]] = {}
    for each in items:
        key = _value(by, each)
        name = _text(key)
        keys.setdefault(name, key)
        groups.setdefault(name, []).append(each)
    return [{"key": keys[name], "items": some, "count": len(some)} for name, some in groups.items()]


def _each(value: Object | list[Object], change: Callable[[Object], Object]) -> Json:
    return [change(one) for one in value] if isinstance(value, list) else change(value)


def _merged(one: Object, other: Object, depth: int) -> Object:
    if depth > _DEEPEST:
        raise _cannot("The objects are nested too deeply.", "too-deep", "Put together the parts that matter.")
    found = dict(one)
    for name, value in other.items():
        before = found.get(name)
        if isinstance(before, dict) and isinstance(value, dict):
            found[name] = _merged(before, value, depth + 1)
        elif isinstance(before, list) and isinstance(value, list):
            found[name] = before + value
        else:
            found[name] = value
    return found


def _value(by: str | None, item: Json) -> Json:
    if by is None:
        return item
    try:
        return evaluate(by, item)
    except ExpressionError as error:
        raise _cannot(error.message, "expression-failed", "Correct the expression, or look at the items.") from None


def _text(value: Json) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _order(value: Json) -> tuple[int, float, str]:
    if isinstance(value, int | float):
        return 0, value, ""
    return (1, 0, value.casefold()) if isinstance(value, str) else (2, 0, as_text(value))


def _cannot(message: str, code: str, advice: str) -> ActionError:
    return ActionError(message, code=code, permanent=True, advice=advice)


def _refuse(constant: str) -> Json:
    raise ValueError(f"{constant} is not JSON.")
