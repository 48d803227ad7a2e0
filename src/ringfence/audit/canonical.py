"""One way to write a document down, so that its hash is the same everywhere: JSON by RFC 8785, with whole numbers only."""

import json
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Final

from ringfence import clock
from ringfence.storage.columns import storable

_SAFE: Final = 2**53 - 1
_DEEPEST: Final = 12
_LONGEST_TEXT: Final = 4_000
_MOST_ITEMS: Final = 500
_CUT: Final = "… (cut)"


def canonical(document: Any) -> str:
    """Write a plain document (see `plain`) as RFC 8785 does: keys in the order of UTF-16, no spaces, UTF-8."""
    return json.dumps(_ordered(document), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def plain(value: Any, depth: int = 0) -> Any:
    """Return `value` as texts, whole numbers, truths, lists and objects, within bounds.

    What has no form of its own there becomes text: moments, enums, numbers with a fraction or beyond 2^53. Texts are cut at
    4,000 characters, lists and objects at 500 items, and both at a depth of 12.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return plain(value.value, depth)
    if isinstance(value, str):
        text = storable(value)
        return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + _CUT
    if isinstance(value, int):
        return value if -_SAFE <= value <= _SAFE else str(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) <= _SAFE else repr(value)
    if isinstance(value, datetime):
        return clock.iso(value)
    if depth >= _DEEPEST:
        return _CUT
    if isinstance(value, Mapping):
        items = list(value.items())[:_MOST_ITEMS]
        return {plain(str(name)): plain(item, depth + 1) for name, item in items}
    if isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value[:_MOST_ITEMS]]
    if isinstance(value, set | frozenset):
        return sorted(str(plain(item, depth + 1)) for item in value)
    return plain(str(value))


def _ordered(document: Any) -> Any:
    if isinstance(document, dict):
        return {name: _ordered(document[name]) for name in sorted(document, key=lambda name: name.encode("utf-16-be"))}
    if isinstance(document, list):
        return [_ordered(item) for item in document]
    return document
