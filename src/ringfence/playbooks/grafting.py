"""The tree of a text that was changed, from the tree that it had and what was put in: nothing else is read anew. Pure."""

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from ringfence.playbooks import yamltree
from ringfence.playbooks.yamltree import Node, Place, Unreadable

_Path: TypeAlias = tuple[str | int, ...]
# What counts lines in another way than we do, and texts that end with as many empty lines as follow them.
_ODD: Final = re.compile(r"[\r\x85\u2028\u2029]|[|>][1-9]?\+")


class Change(NamedTuple):
    """From which character to before which one the text is replaced, and by what.

    Where these are whole entries of the mapping `above`, which is in block style: `gone` is the key that they had, and `after`
    the one behind which they are new.
    """

    start: int
    end: int
    new: str
    above: _Path | None = None
    gone: str | int | None = None
    after: str | int | None = None


@dataclass(frozen=True, slots=True)
class _Graft:
    change: Change
    items: dict[str | int, Node]
    keys: dict[str, Place]


@dataclass(slots=True)
class _Plan:
    grafts: dict[_Path, list[_Graft]]
    touched: set[_Path]
    moved: Callable[[int], int]


def grafted(root: Node, text: str, starts: Sequence[int], changes: Sequence[Change]) -> Node | None:
    """Return the tree after changes of a text whose lines start at `starts`; None if all of it must be read."""
    if _ODD.search(text) or any(change.above is None or _ODD.search(change.new) for change in changes):
        return None
    plan = _plan(starts, sorted(changes))
    return None if plan is None else _mapping(root, (), plan)


def _plan(starts: Sequence[int], changes: Sequence[Change]) -> _Plan | None:
    grafts: dict[_Path, list[_Graft]] = {}
    ends, deltas = list[int](), [0]
    for change in changes:
        first, end = bisect_right(starts, change.start), bisect_right(starts, change.end)
        whole = starts[first - 1] == change.start and starts[end - 1] == change.end
        if not whole or not (change.new.endswith("\n") or not change.new):
            return None
        try:
            new = yamltree.parse(change.new) if change.new else None
        except Unreadable:
            return None
        lines = first + deltas[-1] - 1
        items = {} if new is None else {key: _shifted(each, lines) for key, each in new.items.items()}
        keys = {} if new is None else {key: Place(at.line + lines, at.column) for key, at in new.keys.items()}
        grafts.setdefault(change.above or (), []).append(_Graft(change, items, keys))
        ends.append(end)
        deltas.append(deltas[-1] + change.new.count("\n") - (end - first))
    touched = {above[:depth] for above in grafts for depth in range(len(above) + 1)}
    return _Plan(grafts, touched, lambda line: line + deltas[bisect_right(ends, line)])


def _mapping(node: Node, path: _Path, plan: _Plan) -> Node | None:
    """Rebuild a mapping in which something was changed; None if nothing is left in it, or something does not fit."""
    mine = plan.grafts.get(path, [])
    gone = {graft.change.gone: graft for graft in mine if graft.change.gone is not None}
    behind: dict[str | int, list[_Graft]] = {}
    for graft in mine:
        if graft.change.after is not None:
            behind.setdefault(graft.change.after, []).append(graft)
    if (
        node.kind != "mapping"
        or not {*gone, *behind} <= set(node.items)
        or len(gone) + sum(map(len, behind.values())) < len(mine)
    ):
        return None
    made = Node(node.place, node.kind)
    for key, child in node.items.items():
        inner = (*path, key)
        if key in gone:
            _put(made, gone[key])
        elif inner in plan.touched:
            new = _mapping(child, inner, plan)
            if new is None:
                return None
            made.items[key], made.keys[str(key)] = new, _place(node.keys[str(key)], plan)
        else:
            at = node.keys[str(key)]
            made.items[key] = _shifted(child, plan.moved(at.line) - at.line)
            made.keys[str(key)] = _place(at, plan)
        for graft in behind.get(key, ()):
            _put(made, graft)
    if not made.items:
        return None
    made.place = next(iter(made.keys.values()))
    return made


def _put(node: Node, graft: _Graft) -> None:
    node.items.update(graft.items)
    node.keys.update(graft.keys)


def _place(place: Place, plan: _Plan) -> Place:
    return Place(plan.moved(place.line), place.column)


def _shifted(node: Node, lines: int) -> Node:
    if not lines:
        return node
    items = {key: _shifted(child, lines) for key, child in node.items.items()}
    keys = {key: Place(at.line + lines, at.column) for key, at in node.keys.items()}
    return Node(Place(node.place.line + lines, node.place.column), node.kind, node.value, items, keys, node.plain)
