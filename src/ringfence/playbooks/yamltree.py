"""YAML text as a tree of plain values in which every key and value remembers its place.

Only what a playbook needs of YAML 1.2 is read: one document of mappings, lists and scalars of the core schema. Anchors,
aliases, tags and duplicate keys are refused, size and depth are bounded, and the tree is built in one pass without
recursion; so no text, however hostile, costs more than its length. The trees of texts that were read lately are kept, since
who edits a document has it read again with each change; whoever gets a tree only reads it.
"""

import math
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from ringfence.playbooks.model import Json

MAX_BYTES: Final = 1_048_576
MAX_DEPTH: Final = 32
MAX_NODES: Final = 20_000


@dataclass(frozen=True, slots=True)
class Place:
    """A line and a column, counted from 1."""

    line: int = 1
    column: int = 1


@dataclass(slots=True)
class Node:
    """One value: `items` of a mapping or list by key, with the place of each key; `value` of a scalar."""

    place: Place
    kind: str
    value: Json = None
    items: dict[str | int, "Node"] = field(default_factory=dict)
    keys: dict[str, Place] = field(default_factory=dict)
    plain: bool = False

    def to_json(self) -> Json:
        """Give the plain value without places."""
        if self.kind == "mapping":
            return {str(key): node.to_json() for key, node in self.items.items()}
        if self.kind == "list":
            return [node.to_json() for node in self.items.values()]
        return self.value


class Unreadable(Exception):
    """The text is not such YAML; where, why and what to do."""

    def __init__(self, code: str, message: str, advice: str, place: Place) -> None:
        super().__init__(message)
        self.code, self.message, self.advice, self.place = code, message, advice, place


class Kept:
    """The trees of the texts that were read last: so many characters at most, and none of a text that is quickly read."""

    def __init__(self, most: int, least: int) -> None:
        self._most, self._least = most, least
        self._trees: OrderedDict[str, Node] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()

    def find(self, text: str) -> Node | None:
        """Return the tree of a text, if it is kept."""
        if len(text) < self._least:
            return None
        with self._lock:
            found = self._trees.get(text)
            if found is not None:
                self._trees.move_to_end(text)
            return found

    def keep(self, text: str, root: Node) -> None:
        """Keep a tree, and let go of those that were not asked for the longest."""
        if not self._least <= len(text) <= self._most:
            return
        with self._lock:
            if text not in self._trees:
                self._held += len(text)
            self._trees[text] = root
            self._trees.move_to_end(text)
            while self._held > self._most:
                self._held -= len(self._trees.popitem(last=False)[0])


# About a hundred bytes for each character.
_KEPT: Final = Kept(most=262_144, least=4_096)


def parse(text: str) -> Node:
    """Read a text; Unreadable at its first fault."""
    found = _KEPT.find(text)
    if found is None:
        found = _built(text)
        _KEPT.keep(text, found)
    return found


def _built(text: str) -> Node:
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise Unreadable("too-large", "The document is larger than 1 MiB.", "Split it into several playbooks.", Place())
    builder = _Builder()
    for event in _events(text):
        builder.take(event)
    if builder.root is None:
        raise Unreadable("empty-document", "The document is empty.", "Start with `ringfence: 1`.", Place())
    return builder.root


def _events(text: str) -> Iterator[Any]:
    reader = YAML(typ="safe", pure=True)
    try:
        yield from reader.parse(text)
    except Unreadable:
        raise
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(part for part in (error.context, error.problem) if part)
        advice = "Check indentation, quotes and brackets here and just above."
        raise Unreadable("bad-yaml", f"This is not YAML: {said}.", advice, _place(mark)) from None
    except YAMLError as error:
        at = getattr(error, "position", 0)
        at = at if isinstance(at, int) else 0
        place = Place(text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
        raise Unreadable("bad-yaml", "This character is not allowed in YAML.", "Remove it.", place) from None
    except Exception as error:
        # The library meets some malformed texts with whatever Python raised inside it.
        message = f"This is not YAML ({type(error).__name__} while reading)."
        raise Unreadable("bad-yaml", message, "Check the text around special characters.", Place()) from None


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1) if mark is not None else Place()


class _Builder:
    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[Node] = []
        self._key: list[tuple[str, Place] | None] = []
        self._documents = 0
        self._nodes = 0

    def take(self, event: Any) -> None:
        place = _place(event.start_mark)
        if isinstance(event, DocumentStartEvent):
            self._start_document(event, place)
        elif isinstance(event, AliasEvent):
            advice = "Write the value out where it is used."
            raise Unreadable("yaml-alias", f"The alias *{event.anchor} is not allowed.", advice, place)
        elif isinstance(event, MappingStartEvent | SequenceStartEvent):
            self._refuse_extras(event, place)
            node = Node(place, "mapping" if isinstance(event, MappingStartEvent) else "list")
            self._attach(node)
            self._open.append(node)
            self._key.append(None)
            if len(self._open) > MAX_DEPTH:
                raise Unreadable("too-deep", f"Nested more than {MAX_DEPTH} deep.", "Use fewer levels.", place)
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            self._open.pop()
            self._key.pop()
        elif isinstance(event, ScalarEvent):
            self._refuse_extras(event, place)
            self._scalar(event, place)

    def _start_document(self, event: Any, place: Place) -> None:
        self._documents += 1
        if self._documents > 1:
            advice = "Put each playbook in a file of its own."
            raise Unreadable("many-documents", "There is a second document in this text.", advice, place)
        if event.tags or event.version not in (None, (1, 2)):
            advice = "Remove the lines that start with %."
            raise Unreadable("yaml-directive", "Directives other than %YAML 1.2 are not allowed.", advice, place)

    def _refuse_extras(self, event: Any, place: Place) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            advice = "Split it into several playbooks."
            raise Unreadable("too-large", f"The document has more than {MAX_NODES} values.", advice, place)
        if event.anchor is not None:
            advice = "Remove the & mark and write values out where they are used."
            raise Unreadable("yaml-anchor", f"The anchor &{event.anchor} is not allowed.", advice, place)
        if event.tag is not None:
            advice = "Remove it; write a text in quotes to keep it a text."
            raise Unreadable("yaml-tag", f"The tag {event.tag} is not allowed.", advice, place)

    def _scalar(self, event: Any, place: Place) -> None:
        is_plain = event.implicit[0]
        value = _resolve(event.value, place) if is_plain else _text(event.value, place)
        if self._open and self._open[-1].kind == "mapping" and self._key[-1] is None:
            key = event.value if isinstance(value, str) else _text(event.value, place)
            if key in self._open[-1].items:
                first = self._open[-1].keys[key]
                advice = f"It was first written in line {first.line}; keep one of the two."
                raise Unreadable("duplicate-key", f"The key {key[:60]!r} is there twice.", advice, place)
            self._key[-1] = (key, place)
            return
        self._attach(Node(place, "scalar", value, plain=is_plain))

    def _attach(self, node: Node) -> None:
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if parent.kind == "list":
            parent.items[len(parent.items)] = node
            return
        key = self._key[-1]
        if key is None:
            raise Unreadable("bad-key", "A key must be plain text.", "Quote it if it has brackets.", node.place)
        parent.items[key[0]] = node
        parent.keys[key[0]] = key[1]
        self._key[-1] = None


_NULL = re.compile(r"(?:~|null|Null|NULL|)\Z")
_TRUE = re.compile(r"(?:true|True|TRUE)\Z")
_FALSE = re.compile(r"(?:false|False|FALSE)\Z")
_WHOLE = re.compile(r"[-+]?[0-9]+\Z")
_OCTAL = re.compile(r"0o[0-7]+\Z")
_HEX = re.compile(r"0x[0-9a-fA-F]+\Z")
_REAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_SPECIAL = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")


def is_text(text: str) -> bool:
    """Tell whether an unquoted scalar would be read as text, by the core schema of YAML 1.2."""
    return not any(form.match(text) for form in (_NULL, _TRUE, _FALSE, _WHOLE, _OCTAL, _HEX, _REAL, _SPECIAL))


def _resolve(text: str, place: Place) -> Json:
    if _NULL.match(text):
        return None
    if _TRUE.match(text) or _FALSE.match(text):
        return bool(_TRUE.match(text))
    for form, base in ((_WHOLE, 10), (_OCTAL, 8), (_HEX, 16)):
        if form.match(text):
            number = int(text.removeprefix("0o").removeprefix("0x"), base) if len(text) <= 24 else 1 << 64
            if number.bit_length() > 63:
                raise Unreadable("bad-number", "This number is too large.", "Quote it if it is a text.", place)
            return number
    if _REAL.match(text) or _SPECIAL.match(text):
        real = math.inf if _SPECIAL.match(text) else float(text)
        if not math.isfinite(real):
            raise Unreadable("bad-number", "This number cannot be kept.", "Quote it if it is a text.", place)
        return real
    return _text(text, place)


_LEFT_OUT = re.compile("[\x00\ud800-\udfff]")


def _text(text: str, place: Place) -> str:
    if _LEFT_OUT.search(text):
        message = "This text holds a character that cannot be stored (NUL or half a surrogate pair)."
        raise Unreadable("bad-character", message, "Remove it.", place)
    return text
