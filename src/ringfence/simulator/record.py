"""An entity as it is kept: its document, its serialised forms and the moments by which it is filtered."""

import json
from typing import Any

Document = dict[str, Any]


def compact(document: object) -> bytes:
    """Serialise as the service does: no blanks, UTF-8."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


class Record:
    """Keep one entity.

    `ticks` holds each filterable moment as ticks, always present, so that a comparison is one look-up. The two
    serialised forms are made when first asked for: ten thousand alerts are then joined, not serialised, per page.
    """

    __slots__ = ("_brief", "_full", "document", "key", "ticks")

    def __init__(self, key: str, document: Document, ticks: dict[str, int]) -> None:
        self.key = key
        self.document = document
        self.ticks = ticks
        self._brief: bytes | None = None
        self._full: bytes | None = None

    def changed(self) -> None:
        """Forget the serialised forms, after the document was changed."""
        self._brief = self._full = None

    def full(self) -> bytes:
        """Return the whole document as JSON."""
        if self._full is None:
            self._full = compact(self.document)
        return self._full

    def brief(self) -> bytes:
        """Return the document as JSON with an empty evidence list, as lists show it."""
        if not self.document.get("evidence"):
            return self.full()
        if self._brief is None:
            self._brief = compact({**self.document, "evidence": []})
        return self._brief
