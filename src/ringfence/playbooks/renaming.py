"""Give a step another name wherever a document names it: wiring, expressions, tests, positions. Pure."""

import re
from collections.abc import Iterator

from ringfence.errors import Invalid
from ringfence.playbooks.grafting import Change
from ringfence.playbooks.graph import Follow
from ringfence.playbooks.splicing import Splicer
from ringfence.playbooks.yamltree import Node, Place


def renaming(splicer: Splicer, old: str, new: str) -> None:
    """Rename a step; Invalid if the name is taken."""
    steps = splicer.node(("steps",))
    if steps is None or old not in steps.items:
        raise Invalid(f"There is no step {old[:60]!r}.", advice="It may have been removed or renamed meanwhile.")
    if new in steps.items:
        raise Invalid(f"There is a step {new[:60]!r} already.", advice="Choose another name.")
    changes: dict[int, Change] = {}
    for place in _places(splicer, old):
        start = splicer.offset(place)
        start += splicer.text[start] in "'\""
        if splicer.text[start : start + len(old)] == old:
            changes[start] = Change(start, start + len(old), new)
    mention = re.compile(rf'(?<![\w.])steps\.(?:\\?")?({re.escape(old)})(?!\w)')
    for match in mention.finditer(splicer.text):
        changes[match.start(1)] = Change(*match.span(1), new)
    splicer.splice(list(changes.values()))


def _places(splicer: Splicer, old: str) -> Iterator[Place]:
    """Give the places at which the name stands by itself: as a key, or in front of an outcome."""
    steps = splicer.node(("steps",))
    if steps is not None:
        yield steps.keys[old]
        for step in steps.items.values():
            for key in ("after", "on_error"):
                yield from _entries(step.items.get(key), old)
    yield from _key(splicer.node(("layout", "steps")), old)
    tests = splicer.node(("tests",))
    for test in tests.items.values() if tests is not None else ():
        expect = test.items.get("expect")
        yield from _key(test.items.get("mocks"), old)
        for key in ("ran", "skipped"):
            yield from _entries(expect.items.get(key) if expect is not None else None, old)
        for key in ("inputs", "outputs"):
            yield from _key(expect.items.get(key) if expect is not None else None, old)


def _key(node: Node | None, old: str) -> Iterator[Place]:
    if node is not None and old in node.keys:
        yield node.keys[old]


def _entries(node: Node | None, old: str) -> Iterator[Place]:
    for each in (node, *(node.items.values() if node is not None else ())):
        if each is not None and isinstance(each.value, str) and Follow.parse(each.value).step == old:
            yield each.place
