"""Change a document's text without touching the rest of it: comments, order, quotes and layout stay as they were written.

The text is read by `yamltree` first, so that nothing hostile reaches the round trip of ruamel.yaml.
"""

import re
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any, Final, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from ringfence.errors import Invalid
from ringfence.playbooks import yamltree
from ringfence.playbooks.model import Json
from ringfence.playbooks.yamltree import Node, Unreadable

Path: TypeAlias = Sequence[str | int]
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_./@+-]*(?: [A-Za-z0-9_./@+(-][A-Za-z0-9_./@+()-]*)*[,.!?)]?\Z", re.ASCII)
_SPOKEN: Final = frozenset({"y", "n", "yes", "no", "on", "off", "nan", "inf"})
_SHORT: Final = 90
_DURATION = re.compile(r"[0-9]{1,9} (?:ms|s|min|h|d)\Z")


class Editor:
    """The text of one document, open for changes by path, such as `("steps", "isolate", "timeout")`."""

    def __init__(self, text: str) -> None:
        """Read a text; Invalid, with its place, if it is no such YAML."""
        try:
            root = yamltree.parse(text)
        except Unreadable as error:
            place = f"line {error.place.line}, column {error.place.column}"
            raise Invalid(f"{error.message} ({place})", advice=error.advice) from None
        self._before = text
        self._yaml = _writer(root)
        self._root: Any = self._yaml.load(text)
        self._changed = False

    @property
    def text(self) -> str:
        """Give the text as it is now; without a change, exactly as it was."""
        if not self._changed:
            return self._before
        stream = StringIO()
        self._yaml.dump(self._root, stream)
        return stream.getvalue()

    def set(self, path: Path, value: Json, *, compact: bool = False) -> None:
        """Set a value, making what leads to it; Invalid if something on the way is neither a mapping nor a list.

        `compact` writes short lists and mappings of plain values in one line.
        """
        new = _compact(fresh(value)) if compact else fresh(value)
        at = self._root
        for index, key in enumerate(path[:-1]):
            if isinstance(at, CommentedMap) and key not in at:
                at[key] = CommentedMap()
            at = self._into(at, key, path[: index + 1])
        last = path[-1]
        if isinstance(at, CommentedSeq) and last == len(at):
            at.append(new)
        else:
            self._into(at, last, path, present=False)
            at[last] = new
        self._changed = True

    def remove(self, path: Path) -> None:
        """Remove a value and its key; Invalid if it is not there."""
        at = self._root
        for index, key in enumerate(path):
            inner = self._into(at, key, path[: index + 1])
            if index == len(path) - 1:
                del at[key]
            at = inner
        self._changed = True

    def rename(self, path: Path, name: str) -> None:
        """Give a key another name, at its place and with its comments; Invalid if it is not there, or the name is taken."""
        *above, old = path
        at = self._root
        for index, key in enumerate(above):
            at = self._into(at, key, path[: index + 1])
        self._into(at, old, path)
        if not isinstance(at, CommentedMap) or name in at:
            raise Invalid(f"There is a {name[:60]!r} already.", advice="Choose another name.")
        position = list(at).index(old)
        comments = at.ca.items.pop(old, None)
        at.insert(position, name, at.pop(old))
        if comments is not None:
            at.ca.items[name] = comments
        self._changed = True

    def _into(self, at: Any, key: str | int, path: Path, *, present: bool = True) -> Any:
        shown = ".".join(str(part) for part in path)[:200]
        if isinstance(at, CommentedMap) and isinstance(key, str):
            if present and key not in at:
                raise Invalid(f"There is no {shown!r}.", advice="Look at the document's keys.")
            return at.get(key)
        if isinstance(at, CommentedSeq) and isinstance(key, int) and 0 <= key < len(at):
            return at[key]
        raise Invalid(f"There is no {shown!r}.", advice="Look at the document's keys.")


def written(value: Mapping[str, Json], *, compact: bool = False) -> str:
    """Write a new document; `compact` as with `Editor.set`."""
    writer = _writer(None)
    stream = StringIO()
    content = fresh(dict(value))
    if compact:
        for each in content.values():
            for inner in each.values() if isinstance(each, CommentedMap) else (each,):
                _compact(inner)
    writer.dump(content, stream)
    return stream.getvalue()


def fresh(value: Json) -> Any:
    """Make a value ready to be written: every text but the most innocent in quotes, so that every reader sees a text."""
    if isinstance(value, dict):
        return CommentedMap((fresh(key), fresh(item)) for key, item in value.items())
    if isinstance(value, list):
        return CommentedSeq(fresh(item) for item in value)
    if isinstance(value, str):
        plain = _BARE.match(value) and yamltree.is_text(value) and value.lower() not in _SPOKEN
        return value if plain or _DURATION.match(value) else DoubleQuotedScalarString(value)
    return value


def _compact(value: Any) -> Any:
    inner = (
        list(value.values()) if isinstance(value, CommentedMap) else list(value) if isinstance(value, list) else None
    )
    if inner is None:
        return value
    flat = not any(isinstance(each, CommentedMap | CommentedSeq) and each for each in inner)
    if flat and not any("\n" in str(each) for each in inner) and len(str(list(inner))) + 12 * len(inner) <= _SHORT:
        value.fa.set_flow_style()
    else:
        for each in inner:
            _compact(each)
    return value


def _writer(root: Node | None) -> YAML:
    """Set ruamel.yaml up to write as the author of the document did: width of indentation, quotes, no lines broken anew."""
    writer = YAML(typ="rt")
    writer.preserve_quotes = True
    writer.default_flow_style = False
    writer.width = 1_000_000
    writer.allow_unicode = True
    mapping, sequence, offset = _indentation(root)
    writer.indent(mapping=mapping, sequence=sequence, offset=offset)
    return writer


def _indentation(root: Node | None) -> tuple[int, int, int]:
    """Find how far the first block inside a mapping, and the first block list, stand in: (mapping, sequence, offset)."""
    mapping, offset = None, None
    todo = [root] if root is not None else []
    while todo and (mapping is None or offset is None):
        node = todo.pop(0)
        if node.kind == "mapping":
            for key, child in node.items.items():
                place = node.keys[str(key)]
                block = child.place.line > place.line and child.items
                if block and child.kind == "mapping" and mapping is None:
                    mapping = child.place.column - place.column
                if block and child.kind == "list" and offset is None:
                    offset = child.place.column - place.column
        todo.extend(node.items.values())
    offset = 2 if offset is None else max(offset, 0)
    return (max(mapping or 2, 1), offset + 2, offset)
