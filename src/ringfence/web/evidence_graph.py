"""An alert's evidence as a graph: the host, what ran on it, and beside each process the file that it is and who ran it. Pure.

It shows what the tree beside it says in words. Where each piece stands is the style sheet's to say, which knows how much room
there is. Of hundreds of pieces a browser draws some at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ringfence.web.evidence import Item

_KINDS: Final = {"Host": "Host", "Ip": "IP address", "Url": "URL", "Registry": "Registry key"}
SHOWN: Final = 100
"""How many pieces are drawn unless somebody asks for all, beside those that lead to them."""
HOST: Final = 0
"""The number of the node that stands for the host; pieces have theirs from 1."""


@dataclass(frozen=True, slots=True)
class Node:
    """One piece; `parent` is the number of what it hangs on, None for the host; `children` hang on it."""

    number: int
    kind: str
    title: str
    detail: str
    status: str
    parent: int | None
    children: tuple["Node", ...]

    @property
    def below(self) -> str:
        """The line below its title: what Defender did about it, and its details."""
        told = self.detail if self.detail != self.title else ""
        return " · ".join(filter(None, (self.status, told))) or _KINDS.get(self.kind, self.kind)

    def every(self) -> Iterator["Node"]:
        """Go through it and all that hangs on it."""
        yield self
        for child in self.children:
            yield from child.every()


@dataclass(frozen=True, slots=True)
class Graph:
    """What is drawn: the host with all that hangs on it, in so many columns; `left_out` is how many pieces are not drawn."""

    host: Node
    columns: int
    left_out: int

    @property
    def numbers(self) -> frozenset[int]:
        """The numbers of the pieces that are drawn."""
        return frozenset(node.number for node in self.host.every())


def draw(items: tuple[Item, ...], host: str, most: int | None = SHOWN) -> Graph | None:
    """Draw the evidence of an alert about a host; None where there is none.

    Of more than `most` pieces those that Defender did something about come first, and what leads to each piece is there too.
    """
    if not items:
        return None
    every = _placed(items)
    below = every if most is None else _chosen(every, most)
    columns = 0

    def hang(item: Item, depth: int, parent: int | None) -> Node:
        nonlocal columns
        columns = max(columns, depth)
        under = tuple(hang(child, depth + 1, item.number) for child in below.get(item.number, ()))
        return Node(item.number, item.kind, item.title, item.detail, item.status, parent, under)

    root = hang(Item("Host", host or "The host", "", (), "", number=HOST), 1, None)
    return Graph(root, columns, sum(map(len, every.values())) - sum(map(len, below.values())))


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
