"""Read steps that were copied somewhere, and make them fit where they are put in. Pure."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from ringfence.errors import Invalid
from ringfence.playbooks import yamltree
from ringfence.playbooks.difference import renamed
from ringfence.playbooks.graph import Follow
from ringfence.playbooks.model import Json
from ringfence.playbooks.yamltree import Unreadable

MOST: Final = 500


def pasted(
    text: str, taken: Iterable[str], free_name: Callable[[str, Iterable[str]], str]
) -> tuple[dict[str, dict[str, Json]], tuple[str, ...]]:
    """Return the steps in a text and their names: whole playbooks, `steps:` or steps alone, under names that are free.

    References among them follow their new names; what they came after elsewhere is left out. Invalid if there are none.
    """
    held = list(taken)
    found = _steps(text)
    renames: dict[str, str] = {}
    for old in found:
        renames[old] = free_name(old, [*held, *renames.values()])
    steps: dict[str, dict[str, Json]] = {}
    for old, step in found.items():
        new: dict[str, Any] = renamed(_wired(step), renames)
        entries = [each for each in new.get("after", ()) if Follow.parse(each).step in renames.values()]
        new.pop("after", None)
        if new.get("on_error") not in renames.values():
            new.pop("on_error", None)
        first: dict[str, Json] = {"after": entries[0] if len(entries) == 1 else [*entries]} if entries else {}
        steps[renames[old]] = first | new
    return steps, tuple(steps)


def _wired(step: dict[str, Json]) -> dict[str, Json]:
    """Give a step whose `after` is a list of texts, and what it hands its errors to a text or nothing."""
    after, error = step.get("after"), step.get("on_error")
    entries = after if isinstance(after, list) else [after]
    rest = {key: value for key, value in step.items() if key not in ("after", "on_error")}
    wired: dict[str, Json] = {"after": [each for each in entries if isinstance(each, str)]}
    return wired | rest | ({"on_error": error} if isinstance(error, str) else {})


def _steps(text: str) -> dict[str, dict[str, Json]]:
    try:
        value = yamltree.parse(text).to_json()
    except Unreadable as error:
        raise _none(f"What is on the clipboard cannot be read: {error.message}") from None
    if isinstance(value, dict) and isinstance(value.get("steps"), dict):
        value = value["steps"]
    if not isinstance(value, dict) or not value:
        raise _none("There are no steps on the clipboard.")
    steps = {
        name: step for name, step in value.items() if isinstance(step, dict) and isinstance(step.get("action"), str)
    }
    if len(steps) != len(value):
        raise _none("What is on the clipboard are no steps.")
    if len(steps) > MOST:
        raise _none(f"There are more than {MOST} steps on the clipboard.")
    return steps


def _none(message: str) -> Invalid:
    return Invalid(message, advice="Copy steps on a canvas, or YAML that begins with `steps:`.")
