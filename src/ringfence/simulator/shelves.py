"""What a tenant keeps beside machines, alerts and actions: investigations, indicators, library files."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ringfence.simulator import timestamps
from ringfence.simulator.record import Document, Record

MOMENTS = {
    "investigation": ("startTime",),
    "indicator": ("creationTimeDateTimeUtc", "expirationTime"),
    "library_file": (),
}
"""The kinds of shelf, each with the moments by which its items are filtered."""


@dataclass
class Item:
    """One thing on a shelf: its record, and what no document shows (JSON)."""

    record: Record
    hidden: Document = field(default_factory=dict)
    place: int = 0

    @property
    def document(self) -> Document:
        return self.record.document


class Shelf:
    """Hold the things of one kind in the order in which they came; `touch` is told which row has to be saved."""

    def __init__(self, kind: str, touch: Callable[[str, str], None]) -> None:
        self.kind = kind
        self.items: dict[str, Item] = {}
        self._touch = touch
        self._place = 0

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Item]:
        return iter(list(self.items.values()))

    def get(self, key: str) -> Item | None:
        """Return the item of that key."""
        return self.items.get(key)

    def put(self, key: str, document: Document, hidden: Document | None = None) -> Item:
        """Take a document in, or replace the one of that key."""
        self._place += 1
        item = Item(Record(key, document, self._ticks(document)), hidden or {}, self._place)
        self.items[key] = item
        self._touch(self.kind, key)
        return item

    def changed(self, item: Item) -> None:
        """Follow a change of an item's document or of what it hides."""
        item.record.ticks = self._ticks(item.document)
        item.record.changed()
        self._touch(self.kind, item.record.key)

    def drop(self, key: str) -> Item | None:
        """Take an item away."""
        item = self.items.pop(key, None)
        if item is not None:
            self._touch(self.kind, key)
        return item

    def row(self, key: str) -> Any:
        """Return what is saved of an item; None once it is gone."""
        item = self.items.get(key)
        if item is None:
            return None
        return {"id": key, "document": item.document, "hidden": item.hidden, "place": item.place}

    def _ticks(self, document: Document) -> dict[str, int]:
        values = {name: document.get(name) for name in MOMENTS[self.kind]}
        return {name: timestamps.read(value) if isinstance(value, str) else 0 for name, value in values.items()}
