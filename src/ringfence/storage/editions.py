"""Which edition of a document was seen: who replaces one as a whole says it, and so undoes nobody's change unseen."""

import dataclasses
import hashlib
import json
from typing import Final

from ringfence.errors import Outdated

NONE: Final = "0"
"""The edition of what is not there yet."""


def edition(*said: object) -> str:
    """Return what changes with what is said (JSON, moments, dataclasses), and with nothing else; a word in hexadecimal."""
    return hashlib.sha256(json.dumps(said, default=_plain).encode()).hexdigest()[:32]


def demand(seen: str | None, current: str) -> None:
    """Raise Outdated unless the edition that was seen is the current one; None is for who means to have the last word."""
    if seen is None or seen == current:
        return
    if seen == NONE:
        raise Outdated("There is one of this name already.", advice="Read it, and make the change to what is there.")
    if current == NONE:
        raise Outdated("Somebody has removed it since it was read.", advice="Make it anew if it is still wanted.")
    raise Outdated(
        "Somebody has changed it since it was read.", advice="Read it again, and make the change to what is there now."
    )


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return str(value)
