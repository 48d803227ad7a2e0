"""From several policies to the one that counts: the provider's, the organization's, the device group's. Pure.

Each layer is a document with the fields of `policy.Policy` that it wants to say something about. Lists of what is protected
add up, so that a lower layer never unprotects; the kill switch of any layer counts; of everything else the nearest layer
wins, unless a layer above has named the field in `locked`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from pydantic import BaseModel

from ringfence.containment.policy import Policy
from ringfence.errors import Invalid

LOCKED: Final = "locked"
DEFAULT: Final = "default"
"""The origin of what no layer says."""

_ADDED: Final = frozenset({"protected_tags", "protected_names", "protected_groups", "vpn_tags"})


@dataclass(frozen=True, slots=True)
class Layer:
    """One policy document and whose it is, as people call it: `provider`, `organization contoso`, `device group Servers`."""

    name: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the policy that counts: the field (`approvals.count`), its value, and the layers that it comes from."""

    field: str
    value: Any
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One field in which two documents differ; None where one of them says nothing about it."""

    field: str
    before: Any
    after: Any

    @property
    def added(self) -> tuple[Any, ...]:
        """What a list has that it did not have."""
        return _less(self.after, self.before)

    @property
    def removed(self) -> tuple[Any, ...]:
        """What a list had that it has no more."""
        return _less(self.before, self.after)


@dataclass(frozen=True, slots=True)
class Effective:
    """The policy that counts, line by line, and the sentences about what a lower layer said in vain."""

    policy: Policy
    lines: tuple[Line, ...]
    overruled: tuple[str, ...]


def check(document: Mapping[str, Any]) -> None:
    """Raise Invalid, with each problem, unless the document can be a layer."""
    locked = document.get(LOCKED, [])
    known = fields()
    problems: list[str] = []
    if not isinstance(locked, list | tuple) or not all(isinstance(each, str) for each in locked):
        problems.append(f"{LOCKED}: it must be a list of fields")
    else:
        problems += [f"{LOCKED}: there is no field {each[:60]!r}" for each in locked if each not in known]
    try:
        Policy.read(_without_locks(document))
    except Invalid as error:
        problems += error.problems
    if problems:
        raise Invalid("The policy cannot be read.", advice="Correct the fields named.", problems=tuple(problems))


@cache
def fields() -> tuple[str, ...]:
    """Name all fields of a policy; those of a part are written `approvals.count`."""
    return tuple(_flat(_defaults(Policy)))


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Return the fields in which two documents of one layer differ, in the order of the policy's fields."""
    was, now = _flat(before), _flat(after)
    return tuple(
        Difference(name, was.get(name), now.get(name))
        for name in (*fields(), LOCKED)
        if (name in was or name in now) and (name in was, was.get(name)) != (name in now, now.get(name))
    )


def effective(layers: Sequence[Layer]) -> Effective:
    """Lay the layers over each other, the most general first; Invalid if one cannot be read."""
    values = _flat(_defaults(Policy))
    origins: dict[str, tuple[str, ...]] = dict.fromkeys(values, (DEFAULT,))
    locks: dict[str, str] = {}
    overruled: list[str] = []
    for layer in layers:
        check(layer.document)
        for name, value in _flat(_without_locks(layer.document)).items():
            if name in _ADDED:
                if origins[name] == (DEFAULT,):
                    # What we protect by default stays protected only until somebody has said what to protect.
                    values[name], origins[name] = (), ()
                values[name] = tuple(dict.fromkeys((*values[name], *value)))
                origins[name] += (layer.name,)
            elif name == "frozen":
                if value:
                    origins[name] = (*(origins[name] if values[name] else ()), layer.name)
                values[name] = bool(values[name] or value)
            elif name in locks and value != values[name]:
                overruled.append(f"{layer.name} sets {name}, which {locks[name]} has locked.")
            elif name not in locks:
                values[name], origins[name] = value, (layer.name,)
        for name in layer.document.get(LOCKED, ()):
            locks.setdefault(name, layer.name)
    policy = Policy.read(_nested(values))
    read = _flat(policy.model_dump(mode="json"))
    lines = tuple(Line(name, read[name], origins[name]) for name in values)
    return Effective(policy, lines, tuple(overruled))


def _less(these: Any, those: Any) -> tuple[Any, ...]:
    if not isinstance(these, list | tuple):
        return ()
    return tuple(each for each in these if not isinstance(those, list | tuple) or each not in those)


def _without_locks(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != LOCKED}


def _defaults(model: type[BaseModel]) -> dict[str, Any]:
    return model().model_dump(mode="json")


def _flat(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for name, value in values.items():
        part, _, leaf = name.rpartition(".")
        place = document.setdefault(part, {}) if part else document
        place[leaf] = value
    return document
