"""A pause ends with its reason, its time or a cancellation, and loses none of them."""

import asyncio

import pytest

from ringfence.waiting import pause


async def test_a_pause_ends_with_its_reason_or_its_time() -> None:
    event = asyncio.Event()
    event.set()
    assert await pause(event.wait(), 1_000)
    assert not await pause(asyncio.Event().wait(), 0.0)


@pytest.mark.parametrize("turns", range(5))
async def test_a_cancellation_that_comes_with_the_reason_is_not_lost(turns: int) -> None:
    event = asyncio.Event()

    async def forever() -> None:
        while True:
            await pause(event.wait(), 1_000)
            event.clear()

    task = asyncio.create_task(forever())
    for _ in range(5):
        await asyncio.sleep(0)
    event.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    for _ in range(10):
        await asyncio.sleep(0)
    assert task.cancelled()
