"""Who acts, and by which way: set where a person comes in (page, API, command line), read where it is written down.

It travels with the context of the task, into the threads of the database too. Where nobody has come in, Ringfence itself acts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Via(StrEnum):
    """The way by which somebody acts."""

    PAGE = "page"
    API = "api"
    COMMAND = "command"
    LINK = "link"
    ENGINE = "engine"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts: `name` as people know it, a playbook's run as `run:ID`, Ringfence for the engine.

    `credential` names, without its secret, the session, token or login by which they came.
    """

    name: str
    via: Via
    credential: str = ""


ENGINE: Final = Actor("Ringfence", Via.ENGINE)

_acting: ContextVar[Actor] = ContextVar("ringfence_acting", default=ENGINE)


def actor() -> Actor:
    """Return who acts now."""
    return _acting.get()


@contextmanager
def acting(name: str, via: Via, credential: str = "") -> Iterator[None]:
    """Let `name` be who acts inside the block."""
    token = _acting.set(Actor(name, via, credential))
    try:
        yield
    finally:
        _acting.reset(token)


def enter(name: str, via: Via, credential: str = "") -> None:
    """Let `name` be who acts for the rest of this context: of a request, or of a command."""
    _acting.set(Actor(name, via, credential))
