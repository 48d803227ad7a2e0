"""What differs between two versions of a playbook, by what it means: comments, order and quotes make no difference. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from ringfence.playbooks.model import Json, Playbook, Step

_WIRING: Final = ("after", "join", "on_error")
_LONGEST: Final = 120


class Kind(StrEnum):
    """What kind of thing differs.

    added, removed, renamed: a step. changed: a field of a step. rewired: what a step comes after or hands its errors to.
    trigger: a field of what starts the playbook. setting: anything else of the playbook. layout: positions in the designer.
    """

    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    CHANGED = "changed"
    REWIRED = "rewired"
    TRIGGER = "trigger"
    SETTING = "setting"
    LAYOUT = "layout"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference; `before` or `after` is None where the field was not there, `step` the name that the step has now."""

    kind: Kind
    step: str | None
    field: str | None
    before: Json
    after: Json

    @property
    def sentence(self) -> str:
        """Say it in one sentence."""
        match self.kind:
            case Kind.ADDED:
                return f"Step {self.step} is new: {_short(self.after)}."
            case Kind.REMOVED:
                return f"Step {self.step} is gone: {_short(self.before)}."
            case Kind.RENAMED:
                return f"Step {self.before} is now called {self.step}."
            case Kind.LAYOUT:
                return "Positions in the designer have moved."
            case Kind.TRIGGER:
                return f"Trigger: {self._told()}"
            case Kind.SETTING:
                return f"Playbook: {self._told()}"
            case _:
                return f"Step {self.step}: {self._told()}"

    def _told(self) -> str:
        if self.before is None:
            return f"{self.field} is set to {_short(self.after)}."
        if self.after is None:
            return f"{self.field} is no longer {_short(self.before)}."
        return f"{self.field} was {_short(self.before)}, is {_short(self.after)}."

    def to_json(self) -> dict[str, Json]:
        """Give the difference as an object for the API and `--json`."""
        return {
            "kind": self.kind.value,
            "step": self.step,
            "field": self.field,
            "before": self.before,
            "after": self.after,
            "sentence": self.sentence,
        }


def compare(before: Playbook | None, after: Playbook) -> tuple[Change, ...]:
    """Give what differs, settings and trigger first, then steps in the order of the later version, removed ones last.

    Without a `before`, every step is new.
    """
    if before is None:
        return tuple(Change(Kind.ADDED, name, None, None, _about(step)) for name, step in after.steps.items())
    found = list(_settings(before, after))
    found.extend(_fields(Kind.TRIGGER, None, _plain(before.trigger), _plain(after.trigger)))
    renames = _renames(before, after)
    found.extend(Change(Kind.RENAMED, new, None, old, new) for old, new in renames.items())
    earlier = {renames.get(name, name): renamed(_plain(step), renames) for name, step in before.steps.items()}
    for name, step in after.steps.items():
        if name not in earlier:
            found.append(Change(Kind.ADDED, name, None, None, _about(step)))
            continue
        was, now = earlier[name], _plain(step)
        found.extend(_fields(Kind.CHANGED, name, _without(was, _WIRING), _without(now, _WIRING)))
        found.extend(_fields(Kind.REWIRED, name, _only(was, _WIRING), _only(now, _WIRING)))
    gone = [name for name in before.steps if renames.get(name, name) not in after.steps]
    found.extend(Change(Kind.REMOVED, name, None, _about(before.steps[name]), None) for name in gone)
    return tuple(found)


def _settings(before: Playbook, after: Playbook) -> Iterator[Change]:
    was, now = _plain(before), _plain(after)
    apart = ("steps", "trigger", "layout")
    yield from _fields(Kind.SETTING, None, _without(was, apart), _without(now, apart))
    if was.get("layout") != now.get("layout"):
        yield Change(Kind.LAYOUT, None, "layout", was.get("layout"), now.get("layout"))


def _renames(before: Playbook, after: Playbook) -> dict[str, str]:
    """Find the steps that only have another name: same content, when every mention of the old name reads as the new one."""
    gone = [name for name in before.steps if name not in after.steps]
    new = [name for name in after.steps if name not in before.steps]
    found: dict[str, str] = {}
    for old in gone:
        for name in new:
            was = _without(renamed(_plain(before.steps[old]), {old: name}), _WIRING)
            if name not in found.values() and was == _without(_plain(after.steps[name]), _WIRING):
                found[old] = name
                break
    return found


def renamed(step: Any, renames: Mapping[str, str]) -> Any:
    """Return a step in which every mention of a step has its new name: in `after`, in `on_error` and in expressions."""
    if not renames:
        return step
    names = "|".join(re.escape(name) for name in renames)
    mention = re.compile(rf"\bsteps\.({names})(?![A-Za-z0-9_])")

    def told(value: Any) -> Any:
        if isinstance(value, str):
            return mention.sub(lambda match: f"steps.{renames[match[1]]}", value)
        if isinstance(value, list):
            return [told(each) for each in value]
        if isinstance(value, dict):
            return {key: told(each) for key, each in value.items()}
        return value

    def wire(entry: str) -> str:
        name, dot, outcome = entry.partition(".")
        return f"{renames.get(name, name)}{dot}{outcome}"

    changed: dict[str, Any] = told(step)
    if "after" in changed:
        changed["after"] = [wire(each) for each in changed["after"]]
    if "on_error" in changed:
        changed["on_error"] = wire(changed["on_error"])
    return changed


def _fields(kind: Kind, step: str | None, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    was, now = dict(_leaves(before, "")), dict(_leaves(after, ""))
    for field in dict.fromkeys((*now, *was)):
        if was.get(field) != now.get(field):
            yield Change(kind, step, field, was.get(field), now.get(field))


def _leaves(value: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, dict) and item:
            yield from _leaves(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", item


def _plain(part: Any) -> dict[str, Any]:
    plain: dict[str, Any] = part.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return plain


def _without(fields: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


def _only(fields: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    # The order of what a step comes after means nothing.
    found = {name: value for name, value in fields.items() if name in names}
    return found | {"after": sorted(found["after"])} if "after" in found else found


def _about(step: Step) -> str:
    wiring = f", after {', '.join(step.after)}" if step.after else ""
    return f"{step.action}{wiring}"


def _short(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split()) or "empty"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
