"""Read a CACAO document, whatever the text: its playbook, or each fault with the JSON pointer of its place.

Size and depth are bounded, and nothing is built before they are known; what stands at a pointer is never trusted to exist.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ringfence.playbooks.cacao.rules import (
    Action,
    IfCondition,
    Parallel,
    Playbook,
    Step,
    SwitchCondition,
    WhileCondition,
)

MAX_BYTES: Final = 4_194_304
MAX_DEPTH: Final = 64
MOST_FAULTS: Final = 50
_LEFT_OUT = re.compile("[\x00\ud800-\udfff]")
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that makes a document no CACAO playbook; `pointer` is a JSON pointer (RFC 6901)."""

    pointer: str
    message: str

    def render(self) -> str:
        """Give it as one line."""
        return f"{self.pointer or '/'}: {self.message}"


class NotCacao(Exception):
    """A text is no CACAO 2.0 playbook; `faults` say why."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = tuple(faults[:MOST_FAULTS])


@dataclass(frozen=True, slots=True)
class Read:
    """A document that keeps the rules, as types and as it came."""

    playbook: Playbook
    raw: dict[str, Any]


class _Twice(dict[str, Any]):
    """An object in which a key stood twice."""

    key = ""


def pointer(*parts: str | int) -> str:
    """Write a JSON pointer; parts that are very long are cut."""
    return "".join("/" + str(part)[:120].replace("~", "~0").replace("/", "~1") for part in parts)


def read(text: str) -> Read:
    """Read a document; NotCacao with its faults."""
    raw = _load(text)
    if not isinstance(raw, dict):
        raise NotCacao([Fault("", "A CACAO playbook is a JSON object.")])
    faults = list(_unfit(raw))
    if faults:
        raise NotCacao(faults)
    try:
        playbook = Playbook.model_validate(raw)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise NotCacao([_fault(raw, each) for each in found[:MOST_FAULTS]]) from None
    faults = list(_loose_ends(playbook)) or list(_circle(playbook))
    if faults:
        raise NotCacao(faults)
    return Read(playbook, raw)


def ways(step: Step) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield each step that a step leads to, after the path of the property that names it."""
    for name in ("on_completion", "on_success", "on_failure"):
        if (target := getattr(step, name)) is not None:
            yield (name,), target
    yield from branches(step)


def branches(step: Step) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the first step of each branch that a step opens."""
    match step:
        case Parallel():
            for number, target in enumerate(step.next_steps):
                yield ("next_steps", number), target
        case IfCondition():
            yield ("on_true",), step.on_true
            if step.on_false is not None:
                yield ("on_false",), step.on_false
        case WhileCondition():
            yield ("on_true",), step.on_true
        case SwitchCondition():
            for value, target in step.cases.items():
                yield ("cases", value), target


def _load(text: str) -> Any:
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise NotCacao([Fault("", f"It is larger than {MAX_BYTES // 1_048_576} MiB.")])
    depth = deepest = 0
    for character in re.findall(r"[\[\]{}]", _STRINGS.sub("", text)):
        depth += 1 if character in "[{" else -1
        deepest = max(deepest, depth)
    if deepest > MAX_DEPTH:
        raise NotCacao([Fault("", f"It is nested more than {MAX_DEPTH} deep.")])
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refused)
    except json.JSONDecodeError as error:
        raise NotCacao([Fault("", f"It is not JSON: {error.msg} in line {error.lineno}.")]) from None
    except (ValueError, RecursionError):
        raise NotCacao([Fault("", "It is not JSON: a number in it cannot be kept.")]) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    seen: set[str] = set()
    twice = _Twice(made)
    twice.key = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    return twice


def _refused(name: str) -> Any:
    raise ValueError(name)


def _unfit(raw: Any) -> Iterator[Fault]:
    """Yield what no rule of the format speaks of: keys that stand twice, characters that cannot be kept."""
    left: list[tuple[tuple[str | int, ...], Any]] = [((), raw)]
    while left:
        path, value = left.pop()
        if isinstance(value, str) and _LEFT_OUT.search(value):
            yield Fault(pointer(*path), "This text holds NUL or half a surrogate pair, which cannot be kept.")
        elif isinstance(value, dict):
            if isinstance(value, _Twice):
                yield Fault(pointer(*path, _shown(value.key)), "This key is there twice.")
            for key, item in value.items():
                if _LEFT_OUT.search(key):
                    yield Fault(pointer(*path), "A key holds NUL or half a surrogate pair, which cannot be kept.")
                left.append(((*path, key), item))
        elif isinstance(value, list):
            left.extend(((*path, number), item) for number, item in enumerate(value))
        elif isinstance(value, float) and value in (float("inf"), float("-inf")):
            yield Fault(pointer(*path), "This number cannot be kept.")


def _shown(text: str) -> str:
    return _LEFT_OUT.sub("\ufffd", text)


_EXPECTED: Final = {
    "string_type": "should be a text",
    "dict_type": "should be an object",
    "model_type": "should be an object",
    "model_attributes_type": "should be an object",
    "list_type": "should be a list",
    "int_type": "should be a whole number",
    "bool_type": "should be true or false",
    "missing": "is missing",
    "union_tag_not_found": "has no type",
}


def _fault(raw: Any, detail: ErrorDetails) -> Fault:
    path: list[str | int] = []
    node: Any = raw
    for part in detail["loc"]:
        inside = (isinstance(node, dict) and part in node) or (
            isinstance(node, list) and isinstance(part, int) and part < len(node)
        )
        if inside:
            path.append(part)
            node = node[part]
        elif detail["type"] == "missing" and part == detail["loc"][-1]:
            path.append(part)
    kind = detail["type"]
    context = detail.get("ctx", {})
    if kind == "literal_error":
        return Fault(pointer(*path), f"should be {context['expected']}.")
    if kind == "union_tag_invalid":
        return Fault(pointer(*path, "type"), f"should be one of {context['expected_tags']}.")
    if kind == "string_pattern_mismatch":
        return Fault(pointer(*path), "does not have the form that CACAO 2.0 demands here.")
    message = _EXPECTED.get(kind) or detail["msg"][:1].lower() + detail["msg"][1:]
    return Fault(pointer(*path), f"{message}.")


def _loose_ends(playbook: Playbook) -> Iterator[Fault]:
    """Yield what names something that is not there, or something of the wrong kind."""
    workflow = playbook.workflow
    start = workflow.get(playbook.workflow_start)
    if start is None or start.type != "start":
        yield Fault("/workflow_start", "should name a start step of the workflow.")
    if playbook.workflow_exception is not None and playbook.workflow_exception not in workflow:
        yield Fault("/workflow_exception", "should name a step of the workflow.")
    for step_id, step in workflow.items():
        if step_id.partition("--")[0] != step.type:
            yield Fault(
                pointer("workflow", step_id, "type"), f"should be {step_id.partition('--')[0]}, as the key says."
            )
        for path, target in ways(step):
            if target not in workflow:
                yield Fault(pointer("workflow", step_id, *path), "names a step that is not in the workflow.")
            elif workflow[target].type == "start":
                yield Fault(pointer("workflow", step_id, *path), "leads back to a start step.")
        if isinstance(step, Action):
            yield from _parties(playbook, step_id, step)
    for number, marking in enumerate(playbook.markings or ()):
        if marking not in playbook.data_marking_definitions:
            yield Fault(pointer("markings", number), "names a marking that is not defined.")


def _parties(playbook: Playbook, step_id: str, step: Action) -> Iterator[Fault]:
    if step.agent not in playbook.agent_definitions:
        yield Fault(pointer("workflow", step_id, "agent"), "names an agent that is not defined.")
    for number, target in enumerate(step.targets or ()):
        if target not in playbook.target_definitions:
            yield Fault(pointer("workflow", step_id, "targets", number), "names a target that is not defined.")


def _circle(playbook: Playbook) -> Iterator[Fault]:
    """Yield the way that closes a circle, where there is one; loops are while-condition steps, never circles."""
    done: set[str] = set()
    for first in playbook.workflow:
        if first in done:
            continue
        on_the_way = {first: None}
        stack: list[tuple[str, Iterator[tuple[tuple[str | int, ...], str]]]] = [(first, ways(playbook.workflow[first]))]
        while stack:
            step_id, following = stack[-1]
            path, target = next(following, ((), ""))
            if not target:
                stack.pop()
                on_the_way.pop(step_id, None)
                done.add(step_id)
            elif target in on_the_way:
                yield Fault(pointer("workflow", step_id, *path), "leads back to a step that led here.")
                return
            elif target not in done:
                on_the_way[target] = None
                stack.append((target, ways(playbook.workflow[target])))


def known_extension(extensions: Mapping[str, dict[str, Any]] | None, extension: str) -> dict[str, Any]:
    """Give what an extension says, an empty object where it says nothing."""
    return (extensions or {}).get(extension, {})
