"""A playbook document as the designer draws it: also one with errors, as far as it can be read. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from dataclasses import fields as fields_of
from typing import Any, Final, Protocol

from ringfence.playbooks.document import Document
from ringfence.playbooks.graph import DONE, EACH, Follow
from ringfence.playbooks.model import ERROR, NO_TRIGGER, SUCCESS, ActionInfo, Json
from ringfence.playbooks.splicing import Splicer
from ringfence.playbooks.yamltree import Node

TRIGGER: Final = ""
"""What an edge comes from that begins where the playbook starts; no step can have this name."""


class DrawnAction(ActionInfo, Protocol):
    """What the drawing asks of an action beside what the checks do."""

    @property
    def title(self) -> str: ...


class DrawnCatalogue(Protocol):
    """The actions that exist."""

    def find(self, action_id: str) -> DrawnAction | None: ...


@dataclass(frozen=True, slots=True)
class Edge:
    """`target` comes after `source`, by the outcome that is written, empty where none is; `entry` is how `after` says it."""

    source: str
    outcome: str
    target: str
    entry: str


@dataclass(frozen=True, slots=True)
class DrawnStep:
    """A step; `outcomes` are its ports in order, `first` and `last` its lines, 0 where it has no lines of its own."""

    name: str
    action: str
    title: str
    effect: str
    outcomes: tuple[str, ...]
    fields: dict[str, Json]
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is drawn; `settings` are the document's fields but steps, trigger and layout."""

    readable: bool
    settings: dict[str, Json] = field(default_factory=dict)
    trigger: dict[str, Json] | None = None
    steps: tuple[DrawnStep, ...] = ()
    edges: tuple[Edge, ...] = ()
    layout: dict[str, Json] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Give it as an object for the page."""
        steps, edges = map(_plain, self.steps), map(_plain, self.edges)
        return _plain(self) | {"steps": list(steps), "edges": list(edges)}


def _plain(drawn: Sketch | DrawnStep | Edge) -> dict[str, Any]:
    # `asdict` would copy every value in it.
    return {each.name: getattr(drawn, each.name) for each in fields_of(drawn)}


def sketch(document: Document, catalogue: DrawnCatalogue) -> Sketch:
    """Draw a document."""
    root = document.root
    if root is None or root.kind != "mapping":
        return Sketch(readable=False)
    splicer = Splicer(document.text, root)
    found = root.items.get("steps")
    nodes = {str(name): node for name, node in found.items.items() if node.kind == "mapping"} if found else {}
    fields = {name: _object(node) for name, node in nodes.items()}
    edges = tuple(_edges(fields))
    written: dict[str, list[str]] = {}
    for edge in edges:
        written.setdefault(edge.source, []).append(edge.outcome)
    steps = tuple(
        _step(name, each, catalogue, written.get(name, ()), splicer.lines(("steps", name)))
        for name, each in fields.items()
    )
    rest = {str(key): node.to_json() for key, node in root.items.items() if key not in ("steps", "trigger", "layout")}
    trigger = root.items.get("trigger")
    component = rest.get("kind") == "component"
    started: dict[str, Json] | None = None if component else {"type": NO_TRIGGER.type}
    drawn = _object(trigger) if trigger is not None else started
    layout = root.items.get("layout")
    return Sketch(True, rest, drawn, steps, edges, _object(layout) if layout is not None else {})


def _object(node: Node) -> dict[str, Json]:
    value = node.to_json()
    return value if isinstance(value, dict) else {}


def _edges(fields: Mapping[str, Mapping[str, Json]]) -> Iterator[Edge]:
    handled = {str(each["on_error"]) for each in fields.values() if each.get("on_error") is not None}
    for name, each in fields.items():
        follows = [Follow.parse(entry) for entry in _entries(each.get("after"))]
        known = [follow for follow in follows if follow.step in fields]
        for follow in known:
            usual = follow.outcome in (None, SUCCESS) and fields[follow.step].get("for_each") is None
            entry = follow.step if follow.outcome is None else f"{follow.step}.{follow.outcome}"
            yield Edge(follow.step, "" if usual else follow.outcome or "", name, entry)
        if not follows and name not in handled:
            yield Edge(TRIGGER, "", name, "")
        error = each.get("on_error")
        if isinstance(error, str) and error in fields:
            yield Edge(name, ERROR, error, f"{name}.{ERROR}")


def _entries(value: Json) -> list[str]:
    given = value if isinstance(value, list) else [value]
    return [each for each in given if isinstance(each, str)]


def _step(
    name: str,
    fields: dict[str, Json],
    catalogue: DrawnCatalogue,
    written: Iterable[str],
    lines: tuple[int, int] | None,
) -> DrawnStep:
    said = fields.get("action")
    action_id = said if isinstance(said, str) else ""
    action = catalogue.find(action_id)
    title = action.title if action is not None else action_id or "No action"
    effect = action.effect.value if action is not None else ""
    first, last = lines or (0, 0)
    return DrawnStep(name, action_id, title, effect, _ports(fields, action, written), fields, first, last)


def _ports(fields: Mapping[str, Json], action: DrawnAction | None, written: Iterable[str]) -> tuple[str, ...]:
    """List the outcomes that a step can end in, those that something hangs on without being known among them."""
    loop = fields.get("for_each") is not None
    inner = fields.get("with")
    made = inner.get(action.branches) if action is not None and action.branches and isinstance(inner, dict) else None
    declared = (*(made if isinstance(made, dict) else ()), *(action.outcomes if action is not None else ()))
    ports: dict[str, None] = {}
    if loop:
        ports |= dict.fromkeys((EACH, DONE))
        ports |= {each: None for each in declared if each != SUCCESS}
    else:
        ports |= dict.fromkeys("" if each == SUCCESS else each for each in declared or (SUCCESS,))
    return (*(ports | dict.fromkeys(each for each in written if each != ERROR)), ERROR)
