"""Go round: do what is due, again when something changed here or the next moment has come."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Final

from ringfence import logs
from ringfence.storage.bell import bell
from ringfence.storage.database import Database

LONGEST_SLEEP: Final = 15.0
"""Seconds after which it is looked again at the latest."""
_GATHER: Final = 0.2
_log = logs.get(__name__)


async def rounds(
    database: Database, stop: asyncio.Event, one: Callable[[], Awaitable[float]], *, nouns: Collection[str], what: str
) -> None:
    """Go round until `stop` is set, when one of `nouns` changed here: at once, or 0.2 s after the round before began.

    `one` does what is due and returns after how many seconds something will be.

    A round that fails is logged, with `what` it is about, and made again.
    """
    loop = asyncio.get_running_loop()
    stopping = asyncio.ensure_future(stop.wait())
    try:
        with bell(database, nouns) as rung:
            while not stop.is_set():
                rung.clear()
                began = loop.time()
                seconds = LONGEST_SLEEP
                try:
                    seconds = min(await one(), LONGEST_SLEEP)
                except Exception:
                    _log.exception("round_failed", what=what)
                ringing = asyncio.ensure_future(rung.wait())
                await asyncio.wait({ringing, stopping}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
                ringing.cancel()
                if (early := began + _GATHER - loop.time()) > 0:
                    await asyncio.wait({stopping}, timeout=early)
    finally:
        stopping.cancel()
