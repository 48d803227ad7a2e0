"""Two versions of a playbook as one drawing: what is there now, and what is there no longer. Pure.

Steps that were removed stand in it with their lines; a step that was only renamed is one step.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from ringfence.playbooks.difference import Change, Kind
from ringfence.playbooks.model import Json
from ringfence.playbooks.sketch import TRIGGER, DrawnStep, Edge, Sketch

_MARKED: Final = (Kind.ADDED, Kind.RENAMED, Kind.CHANGED, Kind.REWIRED)


@dataclass(frozen=True, slots=True)
class Way:
    """A line that only one of the two has: `kind` is added or removed."""

    source: str
    outcome: str
    target: str
    kind: str


@dataclass(frozen=True, slots=True)
class Overlay:
    """The drawing; `marks` says by step what became of it (the trigger is the step without a name), `ways` of lines."""

    sketch: Sketch
    marks: Mapping[str, tuple[str, ...]]
    ways: tuple[Way, ...]

    def to_json(self) -> dict[str, Any]:
        """Give it as an object for the page."""
        return {
            "sketch": self.sketch.to_json(),
            "marks": {name: list(kinds) for name, kinds in self.marks.items()},
            "ways": [[each.source, each.outcome, each.target, each.kind] for each in self.ways],
        }


def overlay(before: Sketch, after: Sketch, changes: Iterable[Change]) -> Overlay:
    """Lay the earlier drawing under the later one; `changes` is what differs by meaning."""
    found = list(changes)
    names = {str(each.before): str(each.step) for each in found if each.kind is Kind.RENAMED}
    gone = {str(each.step) for each in found if each.kind is Kind.REMOVED}
    marks: dict[str, tuple[str, ...]] = {}
    for each in found:
        name = TRIGGER if each.kind is Kind.TRIGGER else each.step
        if name is not None and each.kind in (*_MARKED, Kind.TRIGGER):
            word = Kind.CHANGED.value if each.kind is Kind.TRIGGER else each.kind.value
            marks[name] = tuple(dict.fromkeys((*marks.get(name, ()), word)))
    marks |= dict.fromkeys(gone, (Kind.REMOVED.value,))
    removed = [step for step in before.steps if step.name in gone]
    was = [_renamed(edge, names) for edge in before.edges]
    now = set(map(_line, after.edges))
    lost = [edge for edge in was if _line(edge) not in now]
    ways = (
        *(_way(edge, "added") for edge in after.edges if _line(edge) not in set(map(_line, was))),
        *(_way(edge, "removed") for edge in lost),
    )
    known = {step.name for step in (*after.steps, *removed)} | {TRIGGER}
    drawn = replace(
        after,
        trigger=after.trigger if after.trigger is not None else before.trigger,
        steps=_with_ports((*after.steps, *removed), lost),
        edges=(*after.edges, *(edge for edge in lost if edge.source in known and edge.target in known)),
        layout=_layout(before, after, gone),
    )
    return Overlay(drawn, marks, ways)


def _line(edge: Edge) -> tuple[str, str, str]:
    return edge.source, edge.outcome, edge.target


def _way(edge: Edge, kind: str) -> Way:
    return Way(edge.source, edge.outcome, edge.target, kind)


def _renamed(edge: Edge, names: Mapping[str, str]) -> Edge:
    source, target = names.get(edge.source, edge.source), names.get(edge.target, edge.target)
    entry = f"{source}{edge.entry[len(edge.source) :]}" if edge.source else edge.entry
    return Edge(source, edge.outcome, target, entry)


def _with_ports(steps: tuple[DrawnStep, ...], lost: Iterable[Edge]) -> tuple[DrawnStep, ...]:
    """Keep the ports on which a removed line hangs, also where the step has no such outcome any more."""
    wanted: dict[str, list[str]] = {}
    for edge in lost:
        wanted.setdefault(edge.source, []).append(edge.outcome)
    return tuple(
        replace(step, outcomes=tuple(dict.fromkeys((*step.outcomes, *wanted.get(step.name, ()))))) for step in steps
    )


def _layout(before: Sketch, after: Sketch, gone: set[str]) -> dict[str, Json]:
    """Keep the places of the later one; what is gone stands where it stood, where both were placed by hand."""
    own, old = after.layout.get("steps"), before.layout.get("steps")
    if not isinstance(own, dict) or not own or not isinstance(old, dict):
        return after.layout
    return after.layout | {"steps": {name: spot for name, spot in old.items() if name in gone} | own}
