"""Cut and join the text of a document by path: every line that a change does not concern stays as it is, byte for byte.

Where a part is written in block style, whole entries are taken out and put in as lines, each with the comments that stand
directly above it; a value inside an entry is changed by `editing` on that entry alone. Where it is in flow style (`{…}`),
`editing` changes the whole document.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from ringfence.errors import Invalid
from ringfence.playbooks import yamltree
from ringfence.playbooks.editing import Editor, Path, written
from ringfence.playbooks.grafting import Change, grafted
from ringfence.playbooks.model import Json
from ringfence.playbooks.yamltree import Node, Place, Unreadable

_END: Final = re.compile(r"^\.\.\.[ \t]*$", re.MULTILINE)
_TOP: Final = ("ringfence", "kind", "name", "description", "log_level", "minutes_saved", "timeout", "limits", "trigger")
_ORDER: Final = (*_TOP, "inputs", "outputs", "steps", "tests", "layout")


class Splicer:
    """The text of one document, open for changes."""

    def __init__(self, text: str, root: Node | None = None) -> None:
        """Read a text, unless its tree is there already; Invalid, with its place, if it is no such YAML, or no mapping."""
        self.text = text if text.endswith("\n") or not text else f"{text}\n"
        self._root = root
        self._starts: list[int] = []
        self._blocks: dict[tuple[str | int, ...], bool] = {}
        # The text before a change whose tree nobody has asked for yet, and the changes.
        self._pending: tuple[Node, str, Sequence[Change]] | None = None
        self._read()

    @property
    def root(self) -> Node:
        """The document's tree, as the text is now."""
        if self._root is None:
            self._read()
        assert self._root is not None
        return self._root

    @property
    def known(self) -> Node | None:
        """The document's tree, unless all of the text would have to be read for it."""
        return self._root or self._grafted()

    def _read(self) -> None:
        try:
            root = self._root or self._grafted() or yamltree.parse(self.text)
        except Unreadable as error:
            place = f"line {error.place.line}, column {error.place.column}"
            raise Invalid(f"{error.message} ({place})", advice=error.advice) from None
        if root.kind != "mapping":
            raise Invalid("This is not a playbook.", advice="Start it with `ringfence: 1`.")
        self._root, self._pending = root, None
        self._blocks.clear()
        self._starts = [0, *(match.end() for match in re.finditer("\n", self.text))]

    def _grafted(self) -> Node | None:
        if self._pending is None:
            return None
        root, text, changes = self._pending
        return grafted(root, text, self._starts, changes)

    def node(self, path: Path) -> Node | None:
        """Return what stands at a path, or None."""
        node: Node | None = self.root
        for key in path:
            node = node.items.get(key) if node is not None else None
        return node

    def offset(self, place: Place) -> int:
        """Return the character at which a place is."""
        return self._starts[place.line - 1] + place.column - 1

    def lines(self, path: Path) -> tuple[int, int] | None:
        """Return the first and the last line of an entry in block style, or None where it is in another style."""
        span = self._span(path)
        if span is None:
            return None
        return bisect_right(self._starts, span[0]), bisect_right(self._starts, span[1] - 1)

    def set(self, path: Path, value: Json, *, flat: bool = False) -> None:
        """Set a value, making what leads to it; `flat` writes numbers and lists of them, each list in one line."""
        change = self.setting(path, value, flat=flat)
        if change is not None:
            self._replace([change])
        elif len(path) == 1 and self._block(()):
            self.insert(path, value, after=self._before(str(path[0])), flat=flat)
        elif len(path) > 1 and self._span(path[:1]) is None and path[0] not in self.root.items and self._block(()):
            self.set(path[:1], _nested(path[1:], value), flat=flat)
        else:
            editor = Editor(self.text)
            editor.set(path, value, compact=True)
            self._take(editor.text)

    def setting(self, path: Path, value: Json, *, flat: bool = False) -> Change | None:
        """Return what `set` would do to an entry that is there in block style, else None."""
        depth = self._entry_depth(path)
        span = self._span(path[:depth])
        if span is None:
            return None
        *above, name = path[:depth]
        if len(path) == depth:
            new = self._indented({str(name): value}, self._column(path), flat=flat)
        else:
            new = self._within(span, lambda editor: editor.set(path[depth - 1 :], value, compact=True))
        return Change(*span, new, tuple(above), name)

    def insert(self, path: Path, value: Json, *, after: str | None = None, flat: bool = False) -> None:
        """Put an entry that is not there yet into a mapping: after another one, or at the end."""
        *above, name = path
        self.insert_all(above, {str(name): value}, after=after, flat=flat)

    def insert_all(
        self, above: Path, entries: Mapping[str, Json], *, after: str | None = None, flat: bool = False
    ) -> None:
        """Put entries that are not there yet into a mapping: after another one, or at the end."""
        parent = self.node(above)
        there = [name for name in entries if parent is not None and name in parent.items]
        if there:
            raise Invalid(f"There is a {there[0][:60]!r} already.", advice="Choose another name.")
        if parent is None or parent.kind != "mapping" or not parent.items:
            self.set(above, dict(entries), flat=flat)
            return
        last = after if after in parent.items else str(list(parent.items)[-1])
        span = self._span((*above, last))
        if span is None:
            editor = Editor(self.text)
            for name, value in entries.items():
                editor.set((*above, name), value, compact=True)
            self._take(editor.text)
            return
        new = self._indented(entries, self._column((*above, last)), flat=flat)
        self._replace([Change(span[1], span[1], new, tuple(above), after=last)])

    def remove(self, path: Path) -> None:
        """Take an entry out, with the comments that stand directly above it; a mapping that is left empty goes too."""
        *above, name = path
        parent = self.node(above)
        if parent is None or name not in parent.items:
            raise Invalid(f"There is no {'.'.join(map(str, path))[:200]!r}.", advice="Look at the document's keys.")
        if len(parent.items) == 1 and above:
            if tuple(above) == ("steps",):
                self.set(above, {})
            else:
                self.remove(above)
            return
        change = self.removal(path) or self._removal_within(path)
        if change is None:
            editor = Editor(self.text)
            editor.remove(path)
            self._take(editor.text)
            return
        self._replace([change])

    def removal(self, path: Path) -> Change | None:
        """Return what `remove` would do to an entry that is there in block style, else None."""
        span = self._span(path)
        if span is None:
            return None
        *above, name = path
        return Change(self._with_comments(span[0], self._column(path)), span[1], "", tuple(above), name)

    def _removal_within(self, path: Path) -> Change | None:
        """Return how an entry in block style loses something that is written in another style."""
        depth = self._entry_depth(path)
        span = self._span(path[:depth]) if len(path) > depth else None
        if span is None:
            return None
        *above, name = path[:depth]
        return Change(*span, self._within(span, lambda editor: editor.remove(path[depth - 1 :])), tuple(above), name)

    def splice(self, changes: list[Change]) -> None:
        """Replace stretches of the text, each from a character to before another; they must not overlap."""
        self._replace(changes)

    def _replace(self, changes: list[Change]) -> None:
        pieces, at, before = list[str](), 0, self._root
        for change in sorted(changes):
            pieces += (self.text[at : change.start], change.new)
            at = change.end
        was = self.text
        self._take("".join((*pieces, was[at:])))
        self._pending = None if before is None else (before, was, changes)

    def _take(self, text: str) -> None:
        self.text, self._root, self._pending = text, None, None
        self._blocks.clear()

    def _within(self, span: tuple[int, int], change: Callable[[Editor], None]) -> str:
        whole = self.text[span[0] : span[1]]
        column = len(whole) - len(whole.lstrip(" "))
        small = "".join(_dedented(line, column) for line in whole.splitlines(keepends=True))
        editor = Editor(small)
        change(editor)
        return "".join(_shifted(editor.text, column))

    def _indented(self, entries: Mapping[str, Json], column: int, *, flat: bool) -> str:
        if flat and all(isinstance(value, dict) for value in entries.values()):
            text = "".join(row for name, value in entries.items() for row in _rows(name, value, 0))
        else:
            text = written(entries, compact=True)
        return "".join(_shifted(text, column))

    def _entry_depth(self, path: Path) -> int:
        return 2 if len(path) > 1 and path[0] == "steps" else 1

    def _before(self, key: str) -> str | None:
        """Find the key after which one that is new stands at the top of a document."""
        place = _ORDER.index(key) if key in _ORDER else len(_ORDER)
        earlier = [each for each in self.root.items if each in _ORDER and _ORDER.index(str(each)) < place]
        return str(max(earlier, key=lambda each: _ORDER.index(str(each)))) if earlier else None

    def _column(self, path: Path) -> int:
        parent = self.node(path[:-1])
        return parent.keys[str(path[-1])].column - 1 if parent is not None else 0

    def _block(self, path: Path) -> bool:
        """Tell whether a mapping has each of its keys on a line of its own, with nothing before it."""
        where = tuple(path)
        if where not in self._blocks:
            self._blocks[where] = self._lined(path)
        return self._blocks[where]

    def _lined(self, path: Path) -> bool:
        node = self.node(path)
        if node is None or node.kind != "mapping" or not node.items:
            return False
        if node.place != next(iter(node.keys.values())):
            return False
        return all(not self.text[self._starts[at.line - 1] : self.offset(at)].strip() for at in node.keys.values())

    def _span(self, path: Path) -> tuple[int, int] | None:
        """Return where the lines of an entry begin and end; what follows it and is no part of it is left out."""
        if not path or not self._block(path[:-1]):
            return None
        parent = self.node(path[:-1])
        if parent is None or path[-1] not in parent.items:
            return None
        start = self._starts[parent.keys[str(path[-1])].line - 1]
        keys = list(parent.items)
        position = keys.index(path[-1])
        if position + 1 < len(keys):
            end = self._starts[parent.keys[str(keys[position + 1])].line - 1]
        elif len(path) > 1:
            above = self._span(path[:-1])
            if above is None:
                return None
            end = above[1]
        else:
            mark = _END.search(self.text, start)
            end = mark.start() if mark else len(self.text)
        return start, self._trimmed(start, end, self._column(path))

    def _trimmed(self, start: int, end: int, column: int) -> int:
        """Leave blank lines and comments that stand no deeper than the key to what follows."""
        first = bisect_right(self._starts, start)
        line = bisect_right(self._starts, end - 1)
        while line > first:
            text = self.text[self._starts[line - 1] : end]
            bare = text.strip()
            if bare and not (bare.startswith("#") and len(text) - len(text.lstrip(" ")) <= column):
                break
            end = self._starts[line - 1]
            line -= 1
        return end

    def _with_comments(self, start: int, column: int) -> int:
        line = bisect_right(self._starts, start)
        while line > 1:
            text = self.text[self._starts[line - 2] : self._starts[line - 1]]
            if not text.lstrip(" ").startswith("#") or len(text) - len(text.lstrip(" ")) != column:
                break
            line -= 1
        return self._starts[line - 1]


def _nested(path: Path, value: Json) -> Json:
    for key in reversed(path):
        value = {str(key): value}
    return value


def _dedented(line: str, column: int) -> str:
    blank = len(line) - len(line.lstrip(" "))
    return line[min(blank, column) :]


def _shifted(text: str, column: int) -> Iterator[str]:
    for line in text.splitlines(keepends=True):
        yield f"{' ' * column}{line}" if line.strip() else line


def _rows(name: str, value: Json, column: int) -> Iterator[str]:
    """Write mappings in lines, and what is in them in one line each."""
    if isinstance(value, dict) and value:
        yield f"{' ' * column}{name}:\n"
        for key, item in value.items():
            yield from _rows(key, item, column + 2)
    else:
        yield f"{' ' * column}{name}: {json.dumps(value)}\n"
