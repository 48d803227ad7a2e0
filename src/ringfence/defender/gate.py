"""A last look before each request leaves: whoever has reason to stop one that waited or is repeated says so here."""

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from typing import Final

Look = Callable[[], Awaitable[None]]

_look: Final[ContextVar[Look | None]] = ContextVar("look", default=None)


@contextlib.contextmanager
def looking_first(look: Look) -> Iterator[None]:
    """Await `look` right before each request of the calls inside the block leaves, also before each that is repeated.

    What it raises ends the call: that request was not sent.
    """
    token = _look.set(look)
    try:
        yield
    finally:
        _look.reset(token)


async def pass_gate() -> None:
    """Take the last look, if somebody wants one."""
    look = _look.get()
    if look is not None:
        await look()
