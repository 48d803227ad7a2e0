"""An alert's evidence as a graph: the host, what ran on it, and beside each process the file that it is and who ran it. Pure.

It shows what the tree beside it says in words, laid out from left to right. Of hundreds of pieces a browser draws some at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ringfence.web.evidence import Item

WIDTH: Final = 196
HEIGHT: Final = 40
_ACROSS: Final = WIDTH + 36
_DOWN: Final = HEIGHT + 12
_MARGIN: Final = 8
_LONGEST: Final = 25
_KINDS: Final = {"Host": "Host", "Ip": "IP address", "Url": "URL", "Registry": "Registry key"}
SHOWN: Final = 100
"""How many pieces are drawn unless somebody asks for all, beside those that lead to them."""
HOST: Final = 0
"""The number of the node that stands for the host; pieces have theirs from 1."""


@dataclass(frozen=True, slots=True)
class Node:
    """One piece; `x` and `y` are of its upper left corner, `parent` is the number of what it hangs on, None for the host."""

    number: int
    kind: str
    title: str
    detail: str
    status: str
    x: int
    y: int
    parent: int | None

    @property
    def width(self) -> int:
        """How wide it is."""
        return WIDTH

    @property
    def shown(self) -> str:
        """The title as far as there is room for it."""
        return _cut(self.title, _LONGEST - 3)

    @property
    def below(self) -> str:
        """The line below it: what Defender did about it, or its details."""
        told = self.detail if self.detail != self.title else ""
        return _cut(self.status or told or _KINDS.get(self.kind, self.kind), _LONGEST)


@dataclass(frozen=True, slots=True)
class Graph:
    """What is drawn, in CSS pixels; `ways` are the lines, as paths; `left_out` is how many pieces are not drawn."""

    nodes: tuple[Node, ...]
    ways: tuple[str, ...]
    width: int
    height: int
    left_out: int


def draw(items: tuple[Item, ...], host: str, most: int | None = SHOWN) -> Graph | None:
    """Draw the evidence of an alert about a host; None where there is none.

    Of more than `most` pieces those that Defender did something about come first, and what leads to each piece is there too.
    """
    if not items:
        return None
    every = _placed(items)
    below = every if most is None else _chosen(every, most)
    nodes: dict[int, Node] = {}
    bottom = _MARGIN

    def lay(item: Item, depth: int, parent: int | None) -> Node:
        nonlocal bottom
        under = [lay(child, depth + 1, item.number) for child in below.get(item.number, ())]
        if under:
            y = (under[0].y + under[-1].y) // 2
        else:
            y, bottom = bottom, bottom + _DOWN
        x = _MARGIN + depth * _ACROSS
        node = Node(item.number, item.kind, item.title, item.detail, item.status, x, y, parent)
        nodes[item.number] = node
        return node

    lay(Item("Host", host or "The host", "", (), "", number=HOST), 0, None)
    ordered = tuple(nodes[number] for number in sorted(nodes))
    ways = tuple(_way(nodes[node.parent], node) for node in ordered if node.parent is not None)
    width = max(node.x for node in ordered) + WIDTH + _MARGIN
    left_out = sum(map(len, every.values())) + 1 - len(ordered)
    return Graph(ordered, ways, width, bottom - _DOWN + HEIGHT + _MARGIN, left_out)


def _chosen(below: dict[int, list[Item]], most: int) -> dict[int, list[Item]]:
    """Leave out all but the first pieces, and what they hang on."""
    parents = {child.number: number for number, children in below.items() for child in children}
    pieces = [child for children in below.values() for child in children]
    kept: set[int] = set()
    for piece in sorted(pieces, key=lambda each: (not each.status, each.number))[:most]:
        number = piece.number
        while number != HOST and number not in kept:
            kept.add(number)
            number = parents[number]
    return {number: [child for child in children if child.number in kept] for number, children in below.items()}


def _placed(items: tuple[Item, ...]) -> dict[int, list[Item]]:
    """Say what hangs on what: children on their process, a file and a user on the first process that is it or ran by them."""
    below: dict[int, list[Item]] = {HOST: []}
    owners: dict[tuple[str, str], int] = {}
    for item in _every(items):
        below.setdefault(item.number, []).extend(item.children)
        if item.kind == "Process":
            for label, value in item.facts:
                owners.setdefault((label, value.casefold()), item.number)
    for item in items:
        keys = [("User", item.title)] if item.kind == "User" else list(item.facts) if item.kind == "File" else []
        owner = next(
            (found for label, value in keys if (found := owners.get((label, value.casefold()))) is not None), HOST
        )
        below[owner].append(item)
    return below


def _every(items: tuple[Item, ...]) -> Iterator[Item]:
    for item in items:
        yield item
        yield from _every(item.children)


def _way(origin: Node, target: Node) -> str:
    begin, end = origin.x + WIDTH, target.x
    middle, above, below = (begin + end) // 2, origin.y + HEIGHT // 2, target.y + HEIGHT // 2
    return f"M{begin} {above}C{middle} {above} {middle} {below} {end} {below}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
