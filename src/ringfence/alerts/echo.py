"""Tell what Ringfence itself wrote to an alert from what others changed: pure, on two versions and what was written.

A comment of ours is known by its marker. Any other field is known by what was written last and has not been shown yet: the
same change made later by somebody else is theirs.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from ringfence.alerts.versions import MARKER, Standing, canonical, changed_fields, same

COMMENTS: Final = "comments"
# Moved by Defender with every change, and with a resolution: not a change of their own.
_TIMES: Final = frozenset({"lastUpdateTime", "lastUpdateDateTime"})
_WITH_STATUS: Final = frozenset({"resolvedTime", "resolvedDateTime"})
# How far Defender's clock may be behind ours.
_SKEW: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Write:
    """One field of an alert that Ringfence wrote (`comments`: the text of one); `key` tells by whom, of which step."""

    field: str
    value: Any
    written_at: datetime
    key: str = ""


@dataclass(frozen=True, slots=True)
class Split:
    """What a later version holds of ours; `before` is the earlier one with what is ours already in it.

    Between `before` and the later version lies what others changed. `spent` are the writes that need not be looked for again.
    """

    standing: Standing
    ours: tuple[str, ...]
    before: Mapping[str, Any]
    spent: tuple[Write, ...]


def split(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    writes: Sequence[Write] = (),
    *,
    updated_at: datetime | None = None,
    marker: str = MARKER,
) -> Split:
    """Take ours from theirs; `updated_at` is the time of the later version, by which writes that were overruled are spent."""
    latest = {each.field: each for each in sorted(writes, key=lambda each: each.written_at) if each.field != COMMENTS}
    changed = [name for name in changed_fields(before, after) if name not in _TIMES]
    patched = dict(before)
    ours = []
    for name in changed:
        if name == COMMENTS:
            mine = _own_comments(before, after, writes, marker)
            if mine is not None:
                patched[name] = mine
                ours.append(name)
        elif name in latest and _equal(after.get(name), latest[name].value):
            patched[name] = after.get(name)
            ours.append(name)
    if "status" in ours:
        patched |= {name: after.get(name) for name in _WITH_STATUS & set(changed)}
    spent = tuple(each for each in writes if _is_shown(each, after) or _is_overruled(each, updated_at))
    for name in _TIMES & after.keys():
        patched[name] = after[name]
    theirs = changed_fields(patched, after)
    # A value that was there already moves nothing but the time.
    repeated = not changed and any(_is_shown(each, after) for each in writes)
    if (ours or repeated) and not theirs:
        return Split(Standing.OWN, tuple(ours), patched, spent)
    return Split(Standing.MIXED if ours else Standing.NEWS, tuple(ours), patched if ours else before, spent)


def _own_comments(
    before: Mapping[str, Any], after: Mapping[str, Any], writes: Sequence[Write], marker: str
) -> list[Any] | None:
    """Return the comments of the earlier version with those of ours that came; None if none of ours came."""
    old, new = before.get(COMMENTS) or [], after.get(COMMENTS) or []
    if not isinstance(old, list) or not isinstance(new, list):
        return None
    written = {each.value for each in writes if each.field == COMMENTS and isinstance(each.value, str)}
    held = Counter(map(canonical, old))
    kept: list[Any] = []
    came = False
    for comment in new:
        text = canonical(comment)
        if held[text] > 0:
            held[text] -= 1
            kept.append(comment)
        elif _is_ours(comment, written, marker):
            came = True
            kept.append(comment)
    # What vanished is somebody else's doing and must still show as such.
    gone = list(held.elements())
    kept += [comment for comment in old if canonical(comment) in gone]
    return kept if came else None


def _is_ours(comment: object, written: set[str], marker: str) -> bool:
    text = comment.get("comment") if isinstance(comment, Mapping) else None
    return isinstance(text, str) and (marker in text or text in written)


def _is_shown(write: Write, document: Mapping[str, Any]) -> bool:
    if write.field != COMMENTS:
        return _equal(document.get(write.field), write.value)
    comments = document.get(COMMENTS)
    return isinstance(comments, list) and any(
        isinstance(each, Mapping) and each.get("comment") == write.value for each in comments
    )


def _is_overruled(write: Write, updated_at: datetime | None) -> bool:
    return updated_at is not None and updated_at > write.written_at + _SKEW


def _equal(one: object, other: object) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one.casefold() == other.casefold()
    return same(one or None, other or None)
