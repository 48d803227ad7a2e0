"""As much of a long answer as a step's output can hold."""

import json
from collections.abc import Iterable

from ringfence.playbooks.bounded import MAX_RESULT
from ringfence.playbooks.model import Json

ROOM = MAX_RESULT * 3 // 4
"""Characters of JSON; the rest is left for what an action says beside its list."""


def fitting(items: Iterable[Json], *, most: int | None = None) -> list[Json]:
    """Return the first items, at most `most`, that fit into a step's output together."""
    kept: list[Json] = []
    left = ROOM
    for item in items:
        if most is not None and len(kept) >= most:
            break
        left -= len(json.dumps(item)) + 2
        if left < 0:
            break
        kept.append(item)
    return kept
