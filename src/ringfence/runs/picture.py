"""A run as a picture: its playbook's steps in layers, the edges between them, and how far the run has come. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from ringfence.playbooks.document import read
from ringfence.playbooks.graph import follows, ordered, predecessors
from ringfence.playbooks.model import ERROR, Playbook
from ringfence.playbooks.rounds import depth_of, is_try

NODE_WIDTH: Final = 176
NODE_HEIGHT: Final = 46
_GAP: Final = 28
_LAYER: Final = 92
_MARGIN: Final = 8
MOST: Final = 150
"""Steps of the largest playbook that is drawn."""


class Seen(Protocol):
    """What is asked of a step of a run."""

    @property
    def step(self) -> str: ...
    @property
    def iteration(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def outcome(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Node:
    """One step; `x` and `y` are of its upper left corner. `items` counts the items of a loop by how this step of them stands."""

    name: str
    action: str
    status: str
    x: int
    y: int
    items: Mapping[str, int]

    @property
    def middle(self) -> int:
        """Where edges meet it."""
        return self.x + NODE_WIDTH // 2


@dataclass(frozen=True, slots=True)
class Edge:
    """A way from one step to another: open while nobody knows, then taken or dead. `path` is drawn, `label` stands at (x, y)."""

    origin: str
    target: str
    label: str
    state: str
    path: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn, in CSS pixels."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class _Plan:
    places: Mapping[str, tuple[int, int]]
    actions: Mapping[str, str]
    ways: tuple[tuple[str, str, str], ...]
    width: int
    height: int


def draw(source: str, steps: Iterable[Seen]) -> Picture | None:
    """Draw a run of a published text; None where it cannot be read any more, has no step, or has too many to be looked at."""
    plan = _plan(source)
    if plan is None:
        return None
    own: dict[str, Seen] = {}
    items: dict[str, dict[str, int]] = {}
    for each in steps:
        if each.iteration == 0:
            own[each.step] = each
        elif depth_of(each.iteration) == 1 and not is_try(each.iteration):
            counted = items.setdefault(each.step, {})
            counted[each.status] = counted.get(each.status, 0) + 1
    nodes = {
        name: Node(name, plan.actions[name], _status(name, own, items), x, y, items.get(name, {}))
        for name, (x, y) in plan.places.items()
    }
    edges = tuple(_edge(nodes[origin], nodes[target], label, own) for origin, target, label in plan.ways)
    return Picture(tuple(nodes.values()), edges, plan.width, plan.height)


def _status(name: str, own: Mapping[str, Seen], items: Mapping[str, Mapping[str, int]]) -> str:
    if name in own:
        return own[name].status
    counted = items.get(name, {})
    return next(
        (each for each in ("started", "waiting", "failed", "succeeded", "skipped") if each in counted), "pending"
    )


def _edge(origin: Node, target: Node, label: str, own: Mapping[str, Seen]) -> Edge:
    begin, end = origin.y + NODE_HEIGHT, target.y
    bend = max((end - begin) // 2, 12)
    path = f"M{origin.middle} {begin}C{origin.middle} {begin + bend} {target.middle} {end - bend} {target.middle} {end}"
    return Edge(
        origin.name,
        target.name,
        label,
        _state(own.get(origin.name), label, target.status),
        path,
        (origin.middle + target.middle) // 2,
        (begin + end) // 2 + 4,
    )


def _state(origin: Seen | None, label: str, target: str) -> str:
    if origin is None or origin.status not in ("succeeded", "failed", "skipped", "cancelled"):
        return "open"
    if target == "skipped" or origin.status in ("skipped", "cancelled"):
        return "dead"
    if origin.status == "failed":
        return "taken" if label == ERROR else "dead"
    return "taken" if label != ERROR and label in ("", "each", "done", origin.outcome) else "dead"


@lru_cache(maxsize=256)
def _plan(source: str) -> _Plan | None:
    playbook = read(source).playbook
    if playbook is None or not 0 < len(playbook.steps) <= MOST:
        return None
    before = predecessors(playbook)
    order = ordered(before)
    if len(order) < len(playbook.steps):
        return None
    ways = tuple(_ways(playbook))
    leading: dict[str, list[str]] = {name: [] for name in order}
    for origin, target, _ in ways:
        leading[target].append(origin)
    layer: dict[str, int] = {}
    for name in order:
        layer[name] = max((layer[each] + 1 for each in before[name] if each in layer), default=0)
    rows: list[list[str]] = [[] for _ in range(max(layer.values()) + 1)]
    for name in order:
        rows[layer[name]].append(name)
    widest = max(len(row) for row in rows)
    width = widest * (NODE_WIDTH + _GAP) - _GAP + 2 * _MARGIN
    places: dict[str, tuple[int, int]] = {}
    for depth, row in enumerate(rows):
        # Below what leads to it, as far as the neighbours leave room, and in the order of the text where nothing decides.
        row.sort(key=lambda name: _middle([places[each][0] for each in leading[name] if each in places]))
        left = _MARGIN + (width - 2 * _MARGIN - len(row) * (NODE_WIDTH + _GAP) + _GAP) // 2
        for number, name in enumerate(row):
            places[name] = (left + number * (NODE_WIDTH + _GAP), _MARGIN + depth * _LAYER)
    actions = {name: step.action for name, step in playbook.steps.items()}
    return _Plan(places, actions, ways, width, len(rows) * _LAYER - _LAYER + NODE_HEIGHT + 2 * _MARGIN)


def _ways(playbook: Playbook) -> Iterable[tuple[str, str, str]]:
    for name, step in playbook.steps.items():
        for follow in follows(playbook, name):
            if follow.step in playbook.steps:
                yield follow.step, name, follow.outcome or ""
        if step.on_error in playbook.steps:
            yield name, str(step.on_error), ERROR


def _middle(places: list[int]) -> float:
    return sum(places) / len(places) if places else 0.0
