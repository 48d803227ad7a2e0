"""An alert's evidence as a tree that people can read: processes below their parents, the rest by kind. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

MOST = 500
DEEPEST = 15
_KINDS = ("Process", "File", "User", "Ip", "Url")
_STATUS = "detectionStatus"


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of evidence: what it is, what it is called, its details, and what it started.

    `number` counts all pieces of an alert as they are read, from 1.
    """

    kind: str
    title: str
    detail: str
    facts: tuple[tuple[str, str], ...]
    status: str
    children: tuple["Item", ...] = ()
    number: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """The roots of the tree, and how many pieces were left out of it."""

    items: tuple[Item, ...]
    left_out: int


def read(alert: Any) -> Evidence:
    """Return the evidence of an alert as Defender sent it; whatever does not have the documented shape is passed over."""
    found = alert.get("evidence") if isinstance(alert, Mapping) else None
    pieces = [piece for piece in found if isinstance(piece, Mapping)] if isinstance(found, list) else []
    shown = pieces[:MOST]
    processes = [piece for piece in shown if piece.get("entityType") == "Process"]
    others = [piece for piece in shown if piece.get("entityType") != "Process"]
    others.sort(key=lambda piece: _rank(_text(piece, "entityType")))
    numbers = count(1)

    def counted(item: Item) -> Item:
        number = next(numbers)
        return replace(item, number=number, children=tuple(map(counted, item.children)))

    items = (*_processes(processes), *(_item(piece) for piece in others))
    return Evidence(tuple(map(counted, items)), len(pieces) - len(shown))


def only(items: tuple[Item, ...], numbers: frozenset[int]) -> tuple[Item, ...]:
    """Return the tree without the pieces that are not wanted, and what they started."""
    return tuple(replace(each, children=only(each.children, numbers)) for each in items if each.number in numbers)


def _rank(kind: str) -> int:
    return _KINDS.index(kind) if kind in _KINDS else len(_KINDS)


def _text(piece: Mapping[Any, Any], key: str) -> str:
    value = piece.get(key)
    return "" if value is None or isinstance(value, dict | list) else str(value)


def _path(piece: Mapping[Any, Any], folder: str, name: str) -> str:
    parts = [part for part in (_text(piece, folder).rstrip("\\"), _text(piece, name)) if part]
    return "\\".join(parts)


def _processes(pieces: list[Mapping[Any, Any]]) -> list[Item]:
    by_id: dict[str, list[Mapping[Any, Any]]] = {}
    known = {_text(piece, "processId") for piece in pieces} - {""}
    roots = []
    for piece in pieces:
        parent = _text(piece, "parentProcessId")
        if parent in known and parent != _text(piece, "processId"):
            by_id.setdefault(parent, []).append(piece)
        else:
            roots.append(piece)
    placed: set[int] = set()

    def grow(piece: Mapping[Any, Any], depth: int = 0) -> Item:
        placed.add(id(piece))
        below = by_id.get(_text(piece, "processId"), []) if depth < DEEPEST else []
        return _item(piece, tuple(grow(child, depth + 1) for child in below if id(child) not in placed))

    grown = [_under_parent(piece, grow(piece)) for piece in roots]
    # Those that name each other as parent have no root, and some are too deep: each is shown all the same.
    grown += [_item(piece) for piece in pieces if id(piece) not in placed]
    return grown


def _under_parent(piece: Mapping[Any, Any], item: Item) -> Item:
    parent = _path(piece, "parentProcessFilePath", "parentProcessFileName")
    if not parent:
        return item
    number = _text(piece, "parentProcessId")
    facts = (("Process id", number),) if number else ()
    return Item("Process", _text(piece, "parentProcessFileName") or parent, parent, facts, "", (item,))


def _item(piece: Mapping[Any, Any], children: tuple[Item, ...] = ()) -> Item:
    kind = _text(piece, "entityType") or "Other"
    status = _text(piece, _STATUS)
    hashes = (("SHA-256", _text(piece, "sha256")), ("SHA-1", _text(piece, "sha1")))
    facts: tuple[tuple[str, str], ...] = ()
    match kind:
        case "Process":
            title, detail = _text(piece, "fileName"), _text(piece, "processCommandLine")
            by = "\\".join(filter(None, (_text(piece, "domainName"), _text(piece, "accountName"))))
            ids = (("Process id", _text(piece, "processId")), ("Path", _path(piece, "filePath", "fileName")))
            facts = (*ids, ("User", by), *hashes)
        case "File":
            title, detail = _text(piece, "fileName"), _path(piece, "filePath", "fileName")
            facts = hashes
        case "User":
            title = "\\".join(filter(None, (_text(piece, "domainName"), _text(piece, "accountName"))))
            detail = _text(piece, "userPrincipalName")
            facts = (("SID", _text(piece, "userSid")),)
        case _:
            title = _text(piece, "ipAddress") or _text(piece, "url") or _text(piece, "registryKey")
            detail = _text(piece, "registryValue")
    return Item(
        kind, title or detail or "(no name)", detail, tuple(fact for fact in facts if fact[1]), status, children
    )
