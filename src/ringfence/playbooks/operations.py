"""What a person does to a playbook on the designer's canvas, as changes of its text that keep comments and order. Pure."""

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from ringfence.errors import Invalid
from ringfence.playbooks.graph import Follow
from ringfence.playbooks.model import NAME
from ringfence.playbooks.pasting import pasted
from ringfence.playbooks.renaming import renaming
from ringfence.playbooks.splicing import Splicer

MOST: Final = 1_000
"""The most operations, and the most names in one of them, that are carried out at once."""

_Name: TypeAlias = Annotated[str, StringConstraints(pattern=NAME)]
_Entry: TypeAlias = Annotated[str, StringConstraints(max_length=200)]
_Key: TypeAlias = Annotated[str, StringConstraints(max_length=200)] | Annotated[int, Field(ge=0, le=100_000)]
_Spot: TypeAlias = tuple[
    Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)],
    Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)],
]


class _Operation(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Add(_Operation):
    """Add a step; without a `name` it gets one from its action.

    `after` are entries of its `after`. With `before`, a step that came after the same comes after the new one instead: after
    its outcome `through`, or whatever it ends in.
    """

    op: Literal["add"]
    action: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    name: _Name | None = None
    after: tuple[_Entry, ...] = Field((), max_length=50)
    before: _Name | None = None
    through: _Name | None = None
    with_: dict[str, JsonValue] = Field(default_factory=dict, alias="with")
    at: _Spot | None = None


class Remove(_Operation):
    """Remove steps; what came after one of them comes after what that came after."""

    op: Literal["remove"]
    steps: tuple[_Entry, ...] = Field(min_length=1, max_length=MOST)


class Rename(_Operation):
    """Give a step another name, everywhere."""

    op: Literal["rename"]
    step: _Entry
    name: _Name


class Put(_Operation):
    """Set a field; null removes it."""

    op: Literal["set"]
    path: tuple[_Key, ...] = Field(min_length=1, max_length=12)
    value: JsonValue = None


class Connect(_Operation):
    """Let a step come after another: `source` is an entry of `after`, such as `ask.approved`."""

    op: Literal["connect"]
    source: _Entry
    target: _Entry


class Disconnect(_Operation):
    """Let a step no longer come after another."""

    op: Literal["disconnect"]
    source: _Entry
    target: _Entry


class Move(_Operation):
    """Put steps, and the trigger, at positions on the canvas; null lets the trigger find its own."""

    op: Literal["move"]
    steps: dict[_Entry, _Spot] = Field(default_factory=dict, max_length=MOST)
    trigger: _Spot | None = None


class Tidy(_Operation):
    """Forget all positions, so that everything finds its own."""

    op: Literal["tidy"]


class Paste(_Operation):
    """Put in steps that were copied, of this playbook or another: YAML with `steps:`. The first ones come after `after`."""

    op: Literal["paste"]
    text: str = Field(max_length=262_144)
    after: _Entry | None = None
    at: _Spot | None = None


Operation: TypeAlias = Annotated[
    Add | Remove | Rename | Put | Connect | Disconnect | Move | Tidy | Paste, Field(discriminator="op")
]


def apply(text: str, operations: Sequence[Operation]) -> tuple[str, tuple[str, ...]]:
    """Carry operations out, one after the other; return the text and the names of the steps that are new or renamed.

    Invalid, with what to do, where one does not fit; nothing is changed then.
    """
    splicer, named = applied(text, operations)
    return splicer.text, named


def applied(text: str, operations: Sequence[Operation]) -> tuple[Splicer, tuple[str, ...]]:
    """Carry operations out as `apply` does; return the text with what is known of its tree."""
    splicer, named = Splicer(text), list[str]()
    for operation in operations:
        named.extend(_apply(splicer, operation))
    return splicer, tuple(named)


def _apply(splicer: Splicer, operation: Operation) -> Iterable[str]:
    match operation:
        case Add():
            return (_add(splicer, operation),)
        case Remove():
            _remove(splicer, operation.steps)
        case Rename():
            _known(splicer, operation.step)
            if operation.name != operation.step:
                renaming(splicer, operation.step, operation.name)
            return (operation.name,)
        case Put():
            _put(splicer, operation)
        case Connect():
            _known(splicer, Follow.parse(operation.source).step)
            _connect(splicer, operation.source, operation.target)
        case Disconnect():
            _disconnect(splicer, operation.source, operation.target)
        case Move():
            _move(splicer, operation)
        case Tidy():
            if splicer.node(("layout",)) is not None:
                splicer.remove(("layout",))
        case Paste():
            return _paste(splicer, operation)
    return ()


def _known(splicer: Splicer, step: str) -> None:
    if splicer.node(("steps", step)) is None:
        raise Invalid(f"There is no step {step[:60]!r}.", advice="It may have been removed or renamed meanwhile.")


def _names(splicer: Splicer) -> list[str]:
    steps = splicer.node(("steps",))
    return [] if steps is None else [str(each) for each in steps.items]


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """Return a step's name that nobody has: the wanted one, or with a number."""
    base = re.sub(r"\W+", "_", wanted, flags=re.ASCII).strip("_")[:56] or "step"
    base = f"_{base}" if base[0].isdigit() else base
    held, number = set(taken), 1
    name = base
    while name in held:
        number += 1
        name = f"{base}_{number}"
    return name


def _add(splicer: Splicer, asked: Add) -> str:
    names = _names(splicer)
    if asked.name is not None and asked.name in names:
        raise Invalid(f"There is a step {asked.name!r} already.", advice="Choose another name.")
    name = asked.name or free_name(asked.action.rpartition(".")[2], names)
    step: dict[str, JsonValue] = {}
    if asked.after:
        step["after"] = asked.after[0] if len(asked.after) == 1 else list(asked.after)
    step["action"] = asked.action
    if asked.with_:
        step["with"] = asked.with_
    beside = [each for each in (Follow.parse(entry).step for entry in asked.after) if each in names]
    splicer.insert(("steps", name), step, after=max(beside, key=names.index) if beside else None)
    if asked.before is not None:
        _known(splicer, asked.before)
        entries = [each for each in _after(splicer, asked.before) if each not in asked.after]
        _set_after(splicer, asked.before, [*entries, f"{name}.{asked.through}" if asked.through else name])
    if asked.at is not None:
        _move(splicer, Move(op="move", steps={name: asked.at}))
    return name


def _remove(splicer: Splicer, steps: Sequence[str]) -> None:
    gone = set(steps)
    for name in gone:
        _known(splicer, name)
    before = {name: _after(splicer, name) for name in _names(splicer)}
    if gone == set(before):
        splicer.set(("steps",), {})
    else:
        _cut(splicer, gone, before)
    placed = splicer.node(("layout", "steps"))
    if placed is not None and gone & set(placed.keys):
        _move(splicer, Move(op="move"))


def _cut(splicer: Splicer, gone: set[str], before: dict[str, list[str]]) -> None:
    """Remove steps, not all; as one change of the text where it is in block style."""
    later = [name for name in before if name not in gone]
    for name in later:
        error = splicer.node(("steps", name, "on_error"))
        if error is not None and error.value in gone:
            splicer.remove(("steps", name, "on_error"))
    touched = [name for name in later if any(Follow.parse(entry).step in gone for entry in before[name])]
    healed = {name: list(_healed(before, before[name], gone, frozenset())) for name in touched}
    changes = [splicer.removal(("steps", name)) for name in gone]
    changes += [
        splicer.setting(("steps", name, "after"), _short(entries)) for name, entries in healed.items() if entries
    ]
    known = [change for change in changes if change is not None]
    if len(known) == len(changes):
        splicer.splice(known)
    else:
        for name in gone:
            splicer.remove(("steps", name))
    for name, entries in healed.items():
        if _after(splicer, name) != entries:
            _set_after(splicer, name, entries)


def _short(entries: list[str]) -> JsonValue:
    return entries[0] if len(entries) == 1 else list(entries)


def _healed(
    before: dict[str, list[str]], entries: Iterable[str], gone: set[str], seen: frozenset[str]
) -> dict[str, None]:
    found: dict[str, None] = {}
    for entry in entries:
        step = Follow.parse(entry).step
        if step not in gone:
            found[entry] = None
        elif step not in seen:
            found |= _healed(before, before.get(step, ()), gone, seen | {step})
    return found


def _put(splicer: Splicer, asked: Put) -> None:
    if asked.value is None:
        if splicer.node(asked.path) is not None:
            splicer.remove(asked.path)
        return
    if asked.path[0] == "steps" and len(asked.path) > 1:
        _known(splicer, str(asked.path[1]))
    splicer.set(asked.path, asked.value)


def _after(splicer: Splicer, step: str) -> list[str]:
    node = splicer.node(("steps", step, "after"))
    value = None if node is None else node.to_json()
    entries = value if isinstance(value, list) else [value]
    return [each for each in entries if isinstance(each, str)]


def _set_after(splicer: Splicer, step: str, entries: list[str]) -> None:
    path = ("steps", step, "after")
    if entries:
        splicer.set(path, _short(entries))
    elif splicer.node(path) is not None:
        splicer.remove(path)


def _connect(splicer: Splicer, source: str, target: str) -> None:
    _known(splicer, target)
    came = Follow.parse(source)
    if came.step == target:
        raise Invalid("A step cannot come after itself.", advice="Connect it to another one.")
    entries = _after(splicer, target)
    if source in entries:
        return
    others = {Follow.parse(each).outcome for each in entries if Follow.parse(each).step == came.step}
    _set_after(splicer, target, [*entries, source])
    # Of two outcomes of one step only one can come.
    if others - {came.outcome} and splicer.node(("steps", target, "join")) is None:
        splicer.set(("steps", target, "join"), "any")


def _disconnect(splicer: Splicer, source: str, target: str) -> None:
    _known(splicer, target)
    came = Follow.parse(source)
    entries = _after(splicer, target)
    if source in entries:
        _set_after(splicer, target, [each for each in entries if each != source])
        return
    handles = splicer.node(("steps", came.step, "on_error"))
    if came.outcome == "error" and handles is not None and handles.value == target:
        splicer.remove(("steps", came.step, "on_error"))


def _move(splicer: Splicer, asked: Move) -> None:
    node = splicer.node(("layout",))
    standing = node.to_json() if node is not None else {}
    layout: dict[str, JsonValue] = dict(standing) if isinstance(standing, dict) else {}
    steps = layout.get("steps")
    known = set(_names(splicer))
    placed = {name: spot for name, spot in steps.items() if name in known} if isinstance(steps, dict) else {}
    placed |= {name: [round(x), round(y)] for name, (x, y) in asked.steps.items() if name in known}
    if asked.trigger is not None:
        layout["trigger"] = [round(asked.trigger[0]), round(asked.trigger[1])]
    layout["steps"] = placed
    splicer.set(("layout",), layout, flat=True)


def _paste(splicer: Splicer, asked: Paste) -> tuple[str, ...]:
    steps, names = pasted(asked.text, _names(splicer), free_name)
    if asked.after is not None:
        _known(splicer, Follow.parse(asked.after).step)
    first: dict[str, JsonValue] = {} if asked.after is None else {"after": asked.after}
    splicer.insert_all(("steps",), {name: step if "after" in step else first | step for name, step in steps.items()})
    return names
