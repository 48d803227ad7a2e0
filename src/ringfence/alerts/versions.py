"""Tell the versions of an alert apart: pure functions of the documents that Defender sent."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final

MARKER: Final = "[Ringfence "
"""What every comment of ours holds, so that our own write-back is not read back as news."""

MOST_FIELDS: Final = 50
LONGEST_VALUE: Final = 300
_DEEPEST: Final = 8
# What only ever grows in Defender: of two documents of one time, the one that holds less is the older.
_GROWING: Final = ("comments", "evidence")


class Standing(StrEnum):
    """What a stored version is to its alert.

    news: somebody else changed the alert. late: it is older than what was known when it came. own: it holds nothing but
    what Ringfence itself wrote. mixed: it holds what Ringfence wrote, and somebody else's change too.
    """

    NEWS = "news"
    LATE = "late"
    OWN = "own"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One place (`status`, `evidence[2].fileName`) in which two versions differ; what is missing counts as null."""

    field: str
    before: Any
    after: Any

    @property
    def top(self) -> str:
        """The top-level field that it lies in."""
        return self.field.split(".", 1)[0].split("[", 1)[0]


@dataclass(frozen=True, slots=True)
class Differences:
    """The places in which two versions differ; `left_out` counts those beyond the first MOST_FIELDS."""

    fields: tuple[Difference, ...] = ()
    left_out: int = 0


NO_DIFFERENCES: Final = Differences()


def fingerprint(document: object) -> str:
    """Return 32 hex digits that two JSON documents share exactly if they say the same, whatever the order of their keys."""
    return blake2b(canonical(document).encode(), digest_size=16).hexdigest()


def canonical(document: object) -> str:
    """Return the one text that all documents share that say the same."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the top-level fields in which two versions differ, in the order of the later document."""
    names = dict.fromkeys((*after, *before))
    return [name for name in names if not same(before.get(name), after.get(name))]


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Differences:
    """Return where two versions differ, field by field, in the order of the later document; long values are cut.

    The items of a list that grew or shrank are compared as wholes: one that came or went has null on the other side.
    """
    kept: list[Difference] = []
    left_out = 0
    for found in _objects("", before, after, 0):
        if len(kept) < MOST_FIELDS:
            kept.append(Difference(found.field[:LONGEST_VALUE], _bounded(found.before), _bounded(found.after)))
        else:
            left_out += 1
    return Differences(tuple(kept), left_out)


def is_older(
    came: Mapping[str, Any], came_at: datetime | None, known: Mapping[str, Any], known_at: datetime | None
) -> bool:
    """Tell whether a document that came is an older version than the one that is known, by its time and its content.

    At one and the same time the older one is that which holds only some of the comments and evidence of the other.
    Where a time is missing nobody can tell, and the order of arrival counts.
    """
    if came_at is None or known_at is None:
        return False
    if came_at != known_at:
        return came_at < known_at
    less = False
    for name in _GROWING:
        theirs, ours = _items(came.get(name)), _items(known.get(name))
        if theirs - ours:
            return False
        less = less or bool(ours - theirs)
    return less


def same(one: object, other: object) -> bool:
    """Tell whether two JSON values say the same; 1, 1.0 and true do not, although Python takes them for equal."""
    return one is other or (one == other and canonical(one) == canonical(other))


def _items(value: object) -> Counter[str]:
    return Counter(map(canonical, value)) if isinstance(value, list) else Counter()


def _places(path: str, before: object, after: object, depth: int) -> Iterator[Difference]:
    if same(before, after):
        return
    if depth < _DEEPEST and isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _objects(f"{path}.", before, after, depth)
    elif depth < _DEEPEST and isinstance(before, list) and isinstance(after, list):
        yield from _lists(path, before, after, depth)
    else:
        yield Difference(path, before, after)


def _objects(path: str, before: Mapping[str, Any], after: Mapping[str, Any], depth: int) -> Iterator[Difference]:
    for name in changed_fields(before, after):
        yield from _places(f"{path}{name}", before.get(name), after.get(name), depth + 1)


def _lists(path: str, before: Sequence[Any], after: Sequence[Any], depth: int) -> Iterator[Difference]:
    if len(before) == len(after):
        for at, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _places(f"{path}[{at}]", one, other, depth + 1)
        return
    old, new = Counter(map(canonical, before)), Counter(map(canonical, after))
    gone, come = old - new, new - old
    for at, item in enumerate(after):
        if come[canonical(item)] > 0:
            come[canonical(item)] -= 1
            yield Difference(f"{path}[{at}]", None, item)
    for at, item in enumerate(before):
        if gone[canonical(item)] > 0:
            gone[canonical(item)] -= 1
            yield Difference(f"{path}[{at}]", item, None)


def _bounded(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= LONGEST_VALUE else f"{value[: LONGEST_VALUE - 1]}…"
    text = json.dumps(value, separators=(",", ":"))
    return value if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
