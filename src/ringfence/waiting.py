"""Wait for something, but not for ever."""

import asyncio
from collections.abc import Awaitable


async def pause(reason: Awaitable[object], seconds: float) -> bool:
    """Wait until `reason` is there, no longer than `seconds`, and tell whether it came.

    Not by `asyncio.wait_for`: before Python 3.12 that loses a cancellation which comes in the same turn as the reason, and a
    task that was told to end goes on.
    """
    try:
        async with asyncio.timeout(seconds):
            await reason
    except TimeoutError:
        return False
    return True
