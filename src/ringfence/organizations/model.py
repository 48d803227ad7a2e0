"""An organization: the owner of accounts, alerts, playbooks, runs and containments."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

DEFAULT: Final = "default"
"""The organization that an installation starts with."""


@dataclass(frozen=True, slots=True)
class Organization:
    """One organization; `policy` is the document that containment reads, `policy_version` counts its changes from 1."""

    id: str
    name: str
    policy: dict[str, Any]
    policy_version: int
    created_at: datetime
