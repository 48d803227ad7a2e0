"""Keep a driver going: look at what is due when something changed or the next moment has come, and work on it beside the rest."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable
from typing import Any

from ringfence import logs
from ringfence.storage.bell import bell
from ringfence.storage.database import Database

log = logs.get(__name__)

LONGEST_SLEEP = 5.0
_SHORTEST_SLEEP = 0.02
# In a burst something changes every few milliseconds, most of it by what is driven here: one look serves many changes.
_GATHER = 0.05


async def pump(
    database: Database,
    stop: asyncio.Event,
    pause: Callable[[], Awaitable[float]],
    take: Callable[[], Awaitable[Iterable[Coroutine[Any, Any, None]]]],
    nouns: Collection[str],
) -> None:
    """Work until `stop`; a change of one of `nouns`, the end of some work, or `pause` seconds wake it. What is begun is finished.

    `take` claims what is due and returns the work; it is asked only when `pause` is over. The first change is looked at
    at once; those that follow on a look are gathered for 0.05 s.
    """
    loop = asyncio.get_running_loop()
    stopping = asyncio.ensure_future(stop.wait())
    tasks: set[asyncio.Task[None]] = set()
    try:
        with bell(database, nouns) as rung:
            while not stop.is_set():
                rung.clear()
                looked = loop.time()
                seconds, begun = LONGEST_SLEEP, False
                try:
                    # Most changes in the database are none of ours: a look costs less than a claim, and holds up no writer.
                    seconds = await pause()
                    for work in await take() if seconds <= 0.0 else ():
                        begun = True
                        task = asyncio.ensure_future(work)
                        tasks.add(task)
                        task.add_done_callback(tasks.discard)
                        task.add_done_callback(lambda _: rung.set())
                except Exception:
                    log.exception("what is due could not be read; it is tried again")
                if begun:
                    # What was begun gets its first turn before the next look, however fast `take` answers.
                    await asyncio.sleep(0)
                    continue
                ringing = asyncio.ensure_future(rung.wait())
                await asyncio.wait(
                    {ringing, stopping}, timeout=max(seconds, _SHORTEST_SLEEP), return_when=asyncio.FIRST_COMPLETED
                )
                ringing.cancel()
                if (early := looked + _GATHER - loop.time()) > 0:
                    await asyncio.wait({stopping}, timeout=early)
    finally:
        stopping.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
