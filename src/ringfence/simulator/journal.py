"""The record of every request that reached login, the APIs or Graph, with secrets taken out."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

REDACTED = "[redacted]"
_DEEPEST = 20
_SECRET_WORDS = ("secret", "assertion", "password", "token")


@dataclass
class Entry:
    """One request. `time` is ISO 8601; `operation` is null where the route is unknown."""

    sequence: int
    time: str
    tenant_id: str | None
    client_id: str | None
    operation: str | None
    method: str
    path: str
    query: str
    body: Any
    status: int | None = None
    fault: str | None = None
    machine_id: str | None = None
    machine_action_id: str | None = None
    external_id: str | None = None
    alert_id: str | None = None


class Journal:
    """Keep entries in order. With a `cap` the oldest go, and `dropped` says how many went."""

    def __init__(self, cap: int | None = None) -> None:
        self.cap = cap
        self.dropped = 0
        self.sequence = 0
        self.entries: list[Entry] = []
        self.unsaved: dict[int, Entry] = {}

    def open(self, time: str, method: str, path: str, query: str, body: bytes, content_type: str) -> Entry:
        """Begin the entry of a request; it is kept at once, so that a request that fails is seen too."""
        self.sequence += 1
        entry = Entry(self.sequence, time, None, None, None, method, path, query, redact(body, content_type))
        self.entries.append(entry)
        self.set_cap(self.cap)
        return entry

    def close(self, entry: Entry) -> None:
        """End the entry of a request: it has to be saved as it is now."""
        self.unsaved[entry.sequence] = entry

    def set_cap(self, cap: int | None) -> None:
        """Keep at most so many entries, the newest; None keeps all."""
        self.cap = cap
        if cap is not None and len(self.entries) > cap:
            excess = len(self.entries) - cap
            del self.entries[:excess]
            self.dropped += excess

    def find(
        self,
        *,
        operation: str | None = None,
        tenant_id: str | None = None,
        machine_id: str | None = None,
        after: int = 0,
    ) -> list[Entry]:
        """Return the entries after a sequence number that fit every condition given."""
        return [
            entry
            for entry in self.entries
            if entry.sequence > after
            and (operation is None or entry.operation == operation)
            and (tenant_id is None or entry.tenant_id == tenant_id)
            and (machine_id is None or entry.machine_id == machine_id)
        ]

    def clear(self) -> None:
        """Forget all entries; the sequence goes on."""
        self.entries.clear()
        self.unsaved.clear()
        self.dropped = 0


def as_document(entry: Entry) -> dict[str, Any]:
    """Return an entry as it is sent and saved."""
    return dict(vars(entry))


def redact(body: bytes, content_type: str) -> Any:
    """Return a body as JSON value or text, with secrets, assertions, passwords and tokens replaced."""
    if not body:
        return None
    if "x-www-form-urlencoded" in content_type.lower():
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        return {key: REDACTED if _is_secret(key) else value for key, value in pairs}
    try:
        return _redact_value(json.loads(body))
    except (ValueError, RecursionError):
        return f"[{len(body)} bytes that are not JSON]"


def _is_secret(key: str) -> bool:
    lowered = key.lower()
    return lowered != "client_assertion_type" and any(word in lowered for word in _SECRET_WORDS)


def _redact_value(value: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST and isinstance(value, dict | list):
        return f"[nested deeper than {_DEEPEST} levels]"
    if isinstance(value, dict):
        return {key: REDACTED if _is_secret(key) else _redact_value(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_redact_value(item, depth + 1) for item in value]
    return value
