"""Let somebody see each request with its reply, bodies and all, as far as tokens allow: headers are never shown."""

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One finished request with its reply, as sent and received; sign-ins are not among them.

    `status` is None and `error` names the class where no whole reply came; `elapsed` is seconds; `request_id` was sent as
    client-request-id, `correlation_id` is what the service answered. A file that was sent is not kept.
    """

    at: datetime
    operation: str
    method: str
    url: str
    attempt: int
    status: int | None
    elapsed: float
    request_id: str
    correlation_id: str
    error: str
    request: bytes
    reply: bytes


Witness = Callable[[Exchange], None]

_witness: ContextVar[Witness | None] = ContextVar("ringfence_defender_witness", default=None)


@contextlib.contextmanager
def witnessed(witness: Witness) -> Iterator[None]:
    """Show `witness` every exchange made inside the block, in this task and those that it starts."""
    token = _witness.set(witness)
    try:
        yield
    finally:
        _witness.reset(token)


def current_witness() -> Witness | None:
    """Return who sees the exchanges of this context."""
    return _witness.get()
