"""An organization: the owner of accounts, alerts, playbooks, runs and containments."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

DEFAULT: Final = "default"
"""The organization that an installation starts with."""


class State(StrEnum):
    """How an organization stands.

    While it is frozen nothing new is begun in it: its people look, release hosts and undo what was done, and an administrator
    looks after it. While it is closed, only a System Administrator comes in, to look and to open it again.
    """

    ACTIVE = "active"
    FROZEN = "frozen"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Organization:
    """One organization; `state_reason` says why it is not active."""

    id: str
    name: str
    created_at: datetime
    state: State = State.ACTIVE
    state_reason: str = ""
    state_since: datetime | None = None
