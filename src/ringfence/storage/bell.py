"""A bell that rings when something was committed here."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from ringfence.storage.database import Database


@contextmanager
def bell(database: Database) -> Iterator[asyncio.Event]:
    """Give an event that each commit of this process sets which wrote changes, from whatever thread; who waits clears it."""
    loop = asyncio.get_running_loop()
    rung = asyncio.Event()

    def ring() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(rung.set)

    take_off = database.on_change(ring)
    try:
        yield rung
    finally:
        take_off()
