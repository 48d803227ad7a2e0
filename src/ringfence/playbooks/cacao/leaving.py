"""What cannot be carried from one form of a playbook to the other, and the names that both sides know."""

import hashlib
import uuid
from dataclasses import dataclass
from typing import Final

EXTENSION: Final = "extension-definition--0b6fd4a1-8f0e-4c52-9d77-3a5c1e9b2f60"
"""The extension in which a playbook of ours is kept whole."""

AUTHOR: Final = "identity--7d1c0f3e-52ab-4a7b-b6a4-91f8c2de0a35"
"""Who defines the extension: the Ringfence project."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that was not carried: its place (a JSON pointer, or a path of the playbook), and why."""

    place: str
    reason: str

    def to_json(self) -> dict[str, str]:
        """Give it as JSON."""
        return {"place": self.place, "reason": self.reason}


def made_id(kind: str, *parts: str) -> str:
    """Make an identifier that is the same whenever it is made of the same parts, in the form of UUIDv4.

    Steps must have UUIDv4 (section 10.10), which says how the bits are laid out and not where they come from.
    """
    digest = hashlib.sha256("\x1f".join((kind, *parts)).encode("utf-8", "surrogatepass")).digest()
    return f"{kind}--{uuid.UUID(bytes=digest[:16], version=4)}"
