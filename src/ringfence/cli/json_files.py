"""A JSON object from a file or stdin."""

import json
from typing import Any

from ringfence.cli import playbook_files
from ringfence.errors import Invalid

_ADVICE = 'Give an object such as {"alert": {…}}.'


def read_object(file: str) -> dict[str, Any]:
    """Return the object that a file holds, or stdin for `-`; Invalid if it holds none."""
    text = playbook_files.demand(file)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid(f"{file} is not JSON.", advice=_ADVICE) from None
    if not isinstance(found, dict):
        raise Invalid(f"{file} holds no object.", advice=_ADVICE)
    return found
