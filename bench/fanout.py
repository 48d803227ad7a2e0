"""One run that does a step for each of a thousand items: how long that takes and what it costs."""

import asyncio
import statistics
import time
from collections.abc import Callable
from typing import Any, Final

import sqlalchemy as sa

from bench import waiting
from bench.measured import Talk, measure
from bench.report import Aim, Column, Result
from bench.stage import SQLITE, Ground, Place, install
from ringfence.app import App
from ringfence.playbooks.schedule import StepStatus
from ringfence.runs.model import RunStatus
from ringfence.storage import Transaction
from ringfence.storage.tables import runs, step_runs
from ringfence.worker import Worker

NAME: Final = "fanout"
COMPUTING: Final = "logic.set, one at a time"
PARALLEL: Final = "logic.set, 50 at once, one step after each"
WAITING: Final = "logic.delay of 1 s, 50 at once"
_LOOK: Final = 0.05
_LONGEST: Final = 600.0
_STEPS: Final = {
    COMPUTING: "  one: {action: logic.set, for_each: '${trigger.items}', with: {values: {n: '${item}'}}}\n",
    PARALLEL: "  one: {action: logic.set, for_each: '${trigger.items}', parallel: 50, with: {values: {n: '${item}'}}}\n"
    "  two: {action: logic.set, after: one.each, with: {values: {n: '${steps.one.n}'}}}\n",
    WAITING: "  one: {action: logic.delay, for_each: '${trigger.items}', parallel: 50, with: {duration: 1 s}}\n",
}
_HOW: Final = """A worker in a fresh process carries one run whose step is done once for each item of a list. Counted from the
request to the end of the run. That every item has rows that say succeeded is checked afterwards."""


def run(ground: Ground, *, items: int, repeats: int) -> Result:
    """Measure each kind of loop on each kind of database."""
    rows: list[dict[str, Any]] = []
    for kind in ground.kinds:
        for way in _STEPS:
            found = [_once(ground.place(kind), way, items) for _ in range(repeats)]
            rows.append({"database": kind, "way": way, "items": items} | _medians(found, items))
    aims = [
        Aim(f"CPU per item, {row['way']}, {SQLITE}", row["cpu_ms"], 5, "ms")
        for row in rows
        if row["database"] == SQLITE and row["way"] != WAITING
    ]
    columns = [
        Column("database", "database"),
        Column("way", "what is done for each"),
        Column("items", "items", 0),
        Column("cpu_ms", "CPU-ms per item", 2),
        Column("seconds", "seconds", 2),
    ]
    return Result(NAME, "A loop over many items", _HOW, columns, rows, aims)


def _once(place: Place, way: str, items: int) -> dict[str, Any]:
    head = "ringfence: 1\nkind: playbook\nname: Loop\ntrigger: {type: manual}\nsteps:\n"
    install(place, playbook=head + _STEPS[way])
    return measure(NAME, place, way=way, items=items)


def _medians(found: list[dict[str, Any]], items: int) -> dict[str, float]:
    def median(value: Callable[[dict[str, Any]], float]) -> float:
        return round(statistics.median(map(value, found)), 3)

    return {
        "cpu_ms": median(lambda each: 1e3 * each["cpu"] / items),
        "seconds": median(lambda each: each["seconds"]),
    }


def work(talk: Talk, place: Place, *, way: str, items: int) -> dict[str, Any]:
    """Carry the run, in the measured process."""
    app = App.open(place.settings(poll_interval=3600.0))
    try:
        return asyncio.run(_carry(app, way, items))
    finally:
        app.close()


async def _carry(app: App, way: str, items: int) -> dict[str, Any]:
    stop, ready = asyncio.Event(), asyncio.Event()
    working = asyncio.create_task(Worker(app).run(stop, ready.set))
    await ready.wait()
    cpu, began = time.process_time(), time.perf_counter()
    await app.database.run(lambda tx: waiting.request(tx, range(1), items=list(range(items))))
    while not await app.database.read(_succeeded):
        if time.perf_counter() - began > _LONGEST:
            raise RuntimeError(f"The run did not end within {_LONGEST:g} s.")
        await asyncio.sleep(_LOOK)
    spent = {"cpu": time.process_time() - cpu, "seconds": time.perf_counter() - began}
    done = await app.database.read(_done)
    if done != items * (2 if way == PARALLEL else 1):
        raise RuntimeError(f"{done} steps of items have succeeded, and there are {items} items.")
    stop.set()
    await working
    return spent


def _succeeded(tx: Transaction) -> bool:
    query = sa.select(sa.func.count()).select_from(runs).where(runs.c.status == RunStatus.SUCCEEDED.value)
    return bool(tx.scalar(query))


def _done(tx: Transaction) -> int:
    ended = sa.and_(step_runs.c.iteration > 0, step_runs.c.status == StepStatus.SUCCEEDED.value)
    return int(tx.scalar(sa.select(sa.func.count()).select_from(step_runs).where(ended)) or 0)
