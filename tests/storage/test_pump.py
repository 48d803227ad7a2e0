import asyncio

from ringfence.storage import Database
from ringfence.storage.pump import pump


async def test_what_is_due_is_begun_and_finished_after_the_stop(embedded: Database) -> None:
    stop, done = asyncio.Event(), []

    async def work() -> None:
        stop.set()
        done.append(1)

    async def pause() -> float:
        return 0.0 if not done else 5.0

    async def take() -> list[object]:
        return [work()] if not done else []

    await asyncio.wait_for(pump(embedded, stop, pause, take, ("alert",)), 90)  # type: ignore[arg-type]
    assert done == [1]
