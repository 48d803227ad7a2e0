"""JSON that is really JSON, and no larger or deeper than can be carried through a run."""

import math
from collections.abc import Mapping
from typing import Final

from ringfence.playbooks.model import Json

MAX_NESTING: Final = 100
MAX_RESULT: Final = 1_048_576


class TooMuch(Exception):
    """More work or a larger value than is allowed."""


class NotJson(Exception):
    """A value is not JSON; `reason` goes on after 'the value …'."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def plain(value: object) -> Json:
    """Copy a value, making sure that it is JSON of bounded size and depth; ValueError with a sentence if not."""
    try:
        return copied(value)
    except NotJson as error:
        raise ValueError(f"The value {error.reason}.") from None
    except TooMuch:
        raise ValueError(f"The value is larger than {MAX_RESULT} characters of JSON.") from None


def copied(value: object) -> Json:
    """Copy a value, making sure that it is JSON of bounded size and depth; NotJson or TooMuch if not."""
    if value is None or isinstance(value, bool):
        return value
    return _copy(value, [MAX_RESULT], 0)


def _copy(value: object, room: list[int], depth: int) -> Json:
    room[0] -= len(value) + 2 if isinstance(value, str) else 2
    if room[0] < 0:
        raise TooMuch
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        if value.bit_length() > 64:
            raise NotJson("holds a whole number of more than 64 bits")
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise NotJson("holds a number that JSON does not have (infinite or not a number)")
        return value
    if depth >= MAX_NESTING:
        raise NotJson("is nested too deeply")
    if isinstance(value, list | tuple):
        return [_copy(item, room, depth + 1) for item in value]
    if isinstance(value, Mapping):
        found: dict[str, Json] = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise NotJson("holds an object whose keys are not text")
            room[0] -= len(key) + 4
            found[key] = _copy(item, room, depth + 1)
        return found
    raise NotJson(f"holds something that is not JSON ({type(value).__name__.strip('_')})")
