"""A bell that rings when something was committed here."""

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from ringfence.storage.database import Database


@contextmanager
def bell(database: Database, nouns: Collection[str] = ()) -> Iterator[asyncio.Event]:
    """Give an event that each commit of this process sets which wrote changes, from whatever thread; who waits clears it.

    With `nouns`, only changes of these: runs change a hundred times a second, and whoever looks at something else each time
    takes longer than they do.
    """
    loop = asyncio.get_running_loop()
    rung = asyncio.Event()
    heard = frozenset(nouns)

    def ring(changed: frozenset[str]) -> None:
        if (not heard or heard & changed) and not loop.is_closed():
            loop.call_soon_threadsafe(rung.set)

    take_off = database.on_change(ring)
    try:
        yield rung
    finally:
        take_off()
