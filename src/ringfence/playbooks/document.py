"""Playbook text ⇄ model, with the place of everything.

`read` never raises: whatever the text, it gives a Document with a playbook, or with the problems that prevent one.
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeAlias, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ringfence.playbooks import keys, yamltree
from ringfence.playbooks.editing import written
from ringfence.playbooks.interface import ValueType
from ringfence.playbooks.model import DefenderAlertTrigger, Playbook
from ringfence.playbooks.problems import Problem, Severity
from ringfence.playbooks.triggers import (
    ChangeTrigger,
    ErrorTrigger,
    MailboxTrigger,
    ManualTrigger,
    ServiceTrigger,
    TimerTrigger,
    WebhookTrigger,
)
from ringfence.playbooks.yamltree import Node, Place, Unreadable

Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A text that was read: its playbook, unless a problem prevented one, and where everything stands."""

    text: str
    playbook: Playbook | None
    problems: tuple[Problem, ...]
    root: Node | None = None

    def place(self, path: Path, *, of_key: bool = False) -> Place:
        """Give the place of the value at a path (or of its key); where there is none, of the nearest thing above."""
        node, place = self.root, self.root.place if self.root else Place()
        for index, key in enumerate(path):
            if node is None or key not in node.items:
                break
            last = index == len(path) - 1
            place = node.keys.get(str(key), node.items[key].place) if of_key and last else node.items[key].place
            node = node.items[key]
        return place

    def problem(
        self,
        code: str,
        severity: Severity,
        message: str,
        *,
        advice: str = "",
        path: Path = (),
        of_key: bool = False,
        offset: int = 0,
    ) -> Problem:
        """Make a problem about what stands at a path; `offset` moves on by characters inside a one-line text."""
        place = self.place(path, of_key=of_key)
        column = place.column + self._shift(path, offset)
        in_step = len(path) > 1 and path[0] == "steps"
        field = ".".join(str(part) for part in (path[2:] if in_step else path)) or None
        return Problem(code, severity, message, advice, place.line, column, str(path[1]) if in_step else None, field)

    def _shift(self, path: Path, offset: int) -> int:
        """Count characters only where the source shows the value as it is: plain, or quoted without escapes."""
        node = self.root
        for key in path:
            node = node.items.get(key) if node else None
        if node is None or not isinstance(node.value, str) or not offset:
            return 0
        line = self.text.splitlines()[node.place.line - 1][node.place.column - 1 :]
        quote = 1 if line[:1] in ("'", '"') else 0
        return offset + quote if line[quote:].startswith(node.value) else 0


def read(text: str, root: Node | None = None) -> Document:
    """Read a playbook document, whatever the text, whose tree `root` may be there already."""
    try:
        root = root or yamltree.parse(text)
    except Unreadable as error:
        found = Problem(error.code, Severity.ERROR, error.message, error.advice, error.place.line, error.place.column)
        return Document(text, None, (found,))
    blank = Document(text, None, (), root)
    if root.kind != "mapping":
        found = blank.problem("not-a-playbook", Severity.ERROR, "This is not a playbook.", advice=_START)
        return Document(text, None, (found,), root)
    try:
        return Document(text, Playbook.model_validate(root.to_json()), (), root)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=True)
        problems = [_explain(blank, detail) for detail in details]
        kind = root.items.get("kind")
        # The model looks at how its parts fit together only where each of them is right.
        if "trigger" not in root.items and (kind is None or kind.value != "component"):
            problems = [each for each in problems if each.field != "trigger"] + [_left_out(blank, ("trigger",))]
        return Document(text, None, tuple(sorted(problems, key=lambda problem: problem.order)), root)


_START = "A playbook is a mapping that starts with `ringfence: 1`, `name:`, `trigger:` and `steps:`."


def _explain(document: Document, detail: ErrorDetails) -> Problem:
    path = _path(document, detail["loc"])
    name = str(detail["loc"][-1]) if detail["loc"] else "document"
    kind = detail["type"]
    if kind == "extra_forbidden":
        known = keys.known(Playbook, path[:-1], document.root)
        near = get_close_matches(name, known, 1)
        advice = f"Did you mean {near[0]!r}?" if near else f"Remove it; what may stand here: {', '.join(known)}."
        message = f"The key {name[:60]!r} is not known here."
        return document.problem("unknown-key", Severity.ERROR, message, advice=advice, path=path, of_key=True)
    if kind in ("missing", "union_tag_not_found"):
        return _left_out(document, path, "type" if kind == "union_tag_not_found" else name)
    if kind in ("left_out", "misplaced"):
        key = str(detail["ctx"]["key"])
        if kind == "misplaced":
            message = detail["msg"]
            return document.problem("misplaced-key", Severity.ERROR, message, path=(*path, key), of_key=True)
        return _left_out(document, (*path, key))
    if kind in ("literal_error", "union_tag_invalid"):
        allowed = _allowed(detail)
        given = detail.get("ctx", {}).get("tag", detail["input"])
        near = get_close_matches(str(given), allowed, 1)
        advice = f"Did you mean {near[0]}?" if near else ""
        message = f"{str(given)[:60]!r} is not one of: {', '.join(allowed)}."
        at = (*path, "type") if kind == "union_tag_invalid" else path
        return document.problem("wrong-value", Severity.ERROR, message, advice=advice, path=at)
    if kind == "value_error":
        message = str(detail["ctx"]["error"])
        return document.problem("wrong-value", Severity.ERROR, message, path=path, of_key="[key]" in detail["loc"])
    if kind == "duration":
        return document.problem("bad-duration", Severity.ERROR, detail["msg"], path=path)
    expected = _EXPECTED.get(kind)
    message = f"{name!r} should be {expected}." if expected else f"{name!r} is not right: {detail['msg']}."
    return document.problem("wrong-type", Severity.ERROR, message, advice=_QUOTE.get(kind, ""), path=path)


def _left_out(document: Document, path: Path, missing: str = "trigger") -> Problem:
    advice = _MISSING.get(missing, f"Add `{missing}:`.")
    if missing == "type" and path[0] in ("inputs", "outputs"):
        advice = f"Say what the value is: {', '.join(f'`{each}`' for each in get_args(ValueType))}."
    message = f"The key {missing!r} is missing."
    return document.problem("missing-key", Severity.ERROR, message, advice=advice, path=path)


_EXPECTED = {
    "string_type": "a text",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "tuple_type": "a list",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "string_too_short": "a text that is not empty",
    "string_too_long": "a text of at most 100 characters",
}
_QUOTE = {"string_type": "Put it in quotes if it is meant as text."}
_MISSING = {
    "ringfence": "Start the document with `ringfence: 1`.",
    "trigger": "Say what starts the playbook; `trigger: {type: manual}` for a person.",
    "action": "Say what the step does, e.g. `action: defender.get_machine`.",
    "type": "Say which trigger it is: `defender.alert`, `webhook`, `timer`, `mailbox`, `service`, `change`, `error` or `manual`.",
    "hook": "Name the webhook; `ringfence webhook add NAME` makes one.",
    "mailbox": "Name the mailbox; `ringfence mailbox add` connects one.",
    "service": "Name the trigger service; `ringfence service add` makes one.",
    "of": "Say whose changes: alert, incident, containment or account.",
}


def _path(document: Document, location: tuple[int | str, ...]) -> Path:
    """Turn a location in the model into a path in the text: marks of the model's own that have no text are left out."""
    path: list[str | int] = []
    node = document.root
    for index, part in enumerate(location):
        if part == "[key]" or (index == 1 and location[0] == "trigger" and part in _TRIGGERS):
            continue
        path.append(part)
        node = node.items.get(part) if node else None
    return tuple(path)


_TRIGGERS: dict[str, type[BaseModel]] = {
    "defender.alert": DefenderAlertTrigger,
    "webhook": WebhookTrigger,
    "timer": TimerTrigger,
    "mailbox": MailboxTrigger,
    "service": ServiceTrigger,
    "change": ChangeTrigger,
    "error": ErrorTrigger,
    "manual": ManualTrigger,
}


def _allowed(detail: ErrorDetails) -> list[str]:
    context = detail.get("ctx", {})
    return re.findall(r"'([^']+)'", str(context.get("expected", context.get("expected_tags", "")))) or [
        str(context.get("expected", ""))
    ]


_ORDER = ("ringfence", "kind", "name", "description", "log_level", "trigger", "inputs", "outputs")


def dump(playbook: Playbook) -> str:
    """Write a playbook as YAML; reading the text again gives an equal playbook."""
    content = playbook.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    content.pop("trigger", None)
    if playbook.kind != "component":
        content["trigger"] = playbook.trigger.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    ordered: dict[str, Any] = {key: content[key] for key in _ORDER if key in content}
    ordered |= content
    for step in ordered.get("steps", {}).values():
        if len(step.get("after", ())) == 1:
            step["after"] = step["after"][0]
    return written(ordered)
