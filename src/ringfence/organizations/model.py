"""An organization: the owner of accounts, alerts, playbooks, runs and containments."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

DEFAULT: Final = "default"
"""The organization that an installation starts with."""


@dataclass(frozen=True, slots=True)
class Organization:
    """One organization."""

    id: str
    name: str
    created_at: datetime
