import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any

import pytest

from ringfence.organizations import service as organizations
from ringfence.storage import Database
from ringfence.storage import pump as pump_module
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


async def test_changes_that_follow_on_a_look_are_looked_at_together(
    embedded: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump_module, "_GATHER", 1e9)
    stop, looked = asyncio.Event(), asyncio.Event()
    looks: list[int] = []

    async def pause() -> float:
        looks.append(1)
        looked.set()
        return 5.0

    async def take() -> list[Coroutine[Any, Any, None]]:
        return []

    task = asyncio.create_task(pump(embedded, stop, pause, take, ("organization",)))
    await asyncio.wait_for(looked.wait(), 90)
    for name in ("Contoso", "Fabrikam"):
        await embedded.run(partial(organizations.create, name=name))
    stop.set()
    await asyncio.wait_for(task, 90)
    assert looks == [1]
