"""Turn any JSON value into a bounded tree for the viewer: what an attacker sends must not make a page that never ends."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_DEPTH = 12
MAX_ITEMS = 200
MAX_NODES = 2_000
MAX_TEXT = 4_000


@dataclass(frozen=True, slots=True)
class Node:
    """One value. `kind` is object, array, string, number, boolean, null or more; `more` says in `text` what was left out."""

    key: str | None
    path: str
    kind: str
    text: str
    children: tuple["Node", ...] = ()

    @property
    def size(self) -> str:
        """How many entries a container shows, in words."""
        number = sum(child.kind != "more" for child in self.children)
        noun = "field" if self.kind == "object" else "item"
        return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def tree(value: Any) -> Node:
    """Return the tree of a JSON value; paths are JMESPath, so that one can paste them into a playbook."""
    return _node(None, "", value, 0, iter(range(MAX_NODES)))


def parse(text: str) -> Any:
    """Return the value of a JSON text, or the text itself where it cannot be read."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _node(key: str | None, path: str, value: Any, depth: int, budget: Iterator[int]) -> Node:
    if isinstance(value, dict):
        entries = [(str(name), _below(path, str(name)), item) for name, item in value.items()]
        return Node(key, path or "@", "object", "", _children(entries, depth, budget))
    if isinstance(value, list | tuple):
        entries = [(str(index), f"{path}[{index}]", item) for index, item in enumerate(value)]
        return Node(key, path or "@", "array", "", _children(entries, depth, budget))
    kind, text = _scalar(value)
    if len(text) > MAX_TEXT:
        text = f"{text[:MAX_TEXT]}… ({len(text):,} characters)"
    return Node(key, path or "@", kind, text)


def _children(entries: list[tuple[str, str, Any]], depth: int, budget: Iterator[int]) -> tuple[Node, ...]:
    if depth >= MAX_DEPTH and entries:
        return (Node(None, "", "more", f"{len(entries):,} more, nested too deeply to be shown"),)
    children: list[Node] = []
    for key, path, item in entries:
        if len(children) >= MAX_ITEMS or next(budget, None) is None:
            children.append(Node(None, "", "more", f"{len(entries) - len(children):,} more, not shown"))
            break
        children.append(_node(key, path, item, depth + 1, budget))
    return tuple(children)


def _below(path: str, name: str) -> str:
    plain = name.isascii() and name.replace("_", "a").isalnum() and not name[0].isdigit()
    part = name if plain else json.dumps(name)
    return f"{path}.{part}" if path else part


def _scalar(value: Any) -> tuple[str, str]:
    match value:
        case None:
            return "null", "null"
        case bool():
            return "boolean", "true" if value else "false"
        case int() | float():
            return "number", json.dumps(value)
        case _:
            return "string", str(value)
