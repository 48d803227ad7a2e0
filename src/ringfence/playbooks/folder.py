"""A folder of playbooks beside an installation: which side has changed since they last agreed. Pure."""

import hashlib
import re
import unicodedata
from collections.abc import Container

_LONGEST = 80


def file_name(name: str, taken: Container[str] = ()) -> str:
    """Return a readable name for a playbook's file, the same on every system; `taken` are those of other playbooks."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST] or "playbook"
    found = f"{slug}.yaml"
    return found if found not in taken else f"{slug}-{hashlib.sha256(name.encode()).hexdigest()[:8]}.yaml"
