"""Tell the versions of an alert apart: pure functions of the documents that Defender sent."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final

MARKER: Final = "[Ringfence "
"""What every comment of ours holds, so that our own write-back is not read back as news."""


class Change(StrEnum):
    """What a stored version is to its alert: the first of it, or a later one."""

    CREATED = "created"
    UPDATED = "updated"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field in which two versions differ; a field that is missing counts as null."""

    field: str
    before: Any
    after: Any


def fingerprint(document: object) -> str:
    """Return 32 hex digits that two JSON documents share exactly if they say the same, whatever the order of their keys."""
    return blake2b(_canonical(document).encode(), digest_size=16).hexdigest()


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Return the top-level fields in which two versions differ, in the order of the later document."""
    names = dict.fromkeys((*after, *before))
    return [
        Difference(name, before.get(name), after.get(name))
        for name in names
        if not _same(before.get(name), after.get(name))
    ]


def only_ours(before: Mapping[str, Any], after: Mapping[str, Any], marker: str = MARKER) -> bool:
    """Tell whether the later version only adds comments of ours: each new comment holds `marker`, nothing else changed.

    The time of the last update, which every change moves, does not count.
    """
    changed = {difference.field for difference in differences(before, after)} - {"lastUpdateTime"}
    if changed != {"comments"}:
        return False
    old, new = before.get("comments") or [], after.get("comments") or []
    if not isinstance(old, list) or not isinstance(new, list):
        return False
    held, now = (Counter(map(_canonical, comments)) for comments in (old, new))
    added = list((now - held).elements())
    return bool(added) and not held - now and all(_is_ours(json.loads(comment), marker) for comment in added)


def _is_ours(comment: object, marker: str) -> bool:
    text = comment.get("comment") if isinstance(comment, dict) else None
    return isinstance(text, str) and marker in text


def _canonical(document: object) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def _same(one: object, other: object) -> bool:
    # 1, 1.0 and True are equal to Python and different to JSON.
    return one is other or (one == other and _canonical(one) == _canonical(other))
