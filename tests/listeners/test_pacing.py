import asyncio

from ringfence.listeners.pacing import Backoff, pause


def test_pauses_double_up_to_the_longest_and_begin_again_after_a_success() -> None:
    backoff = Backoff(first=5, longest=60, chance=lambda: 0.5)
    assert [backoff.failed() for _ in range(6)] == [5, 10, 20, 40, 60, 60]
    backoff.succeeded()
    assert backoff.failed() == 5


async def test_a_pause_ends_with_its_event() -> None:
    event = asyncio.Event()
    event.set()
    await pause(event, 1000)
    await pause(asyncio.Event(), 0)
