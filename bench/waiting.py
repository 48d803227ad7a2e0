"""What runs cost that wait: memory, threads and CPU of one process with thousands of them, and what it takes to park one."""

import asyncio
import statistics
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import psutil
import sqlalchemy as sa

from bench.measured import Talk, measure
from bench.report import Aim, Column, Result
from bench.stage import SQLITE, Ground, Place, install
from ringfence.app import App
from ringfence.organizations import service as organizations
from ringfence.playbooks import library
from ringfence.runs import rows as run_rows
from ringfence.runs.model import RunStatus
from ringfence.storage import Transaction
from ringfence.storage.tables import runs
from ringfence.worker import Worker

NAME: Final = "waiting"
_LOOK: Final = 0.5
_LONGEST: Final = 1_200.0
_BATCH: Final = 500
_MEBIBYTE: Final = 2**20
_WINDOW: Final = 2.0
_QUIET: Final = 1.5
_LONGEST_QUIET: Final = 120.0
PLAYBOOK: Final = """ringfence: 1
kind: playbook
name: Waits
trigger: {type: manual}
steps:
  before: {action: logic.set, with: {values: {}}}
  wait: {after: before, action: logic.delay, with: {duration: 12 h}}
  after: {after: wait, action: logic.set, with: {values: {}}}
"""
_HOW: Final = """A worker in a fresh process, with its poller, engine, waker and containment driver, carries runs of a playbook
that waits for twelve hours in its second step. *Parked* is when the last of them waits. Memory is the resident set of the process
{settling:g} s after it was ready, and again after the last run was parked; CPU the share of one core over {seconds:g} s before
and after. Those who follow the change feed are some way behind when the last run is parked; *quiet after* says how long they took
to read it to its end, which is part of what parking costs and comes before CPU is watched. Threads are those of the process.
That every run waits is checked at the end."""


def run(ground: Ground, *, count: int, seconds: float, repeats: int, settling: float = 5.0) -> Result:
    """Measure on each kind of database."""
    rows: list[dict[str, Any]] = []
    for kind in ground.kinds:
        found = [_once(ground.place(kind), count, seconds, settling) for _ in range(repeats)]
        rows.append({"database": kind, "runs": count} | _medians(found, count))
    aims = [
        Aim(f"Memory per waiting run, {row['database']}", row["memory_kib"], 4, "KiB")
        for row in rows
        if row["database"] == SQLITE
    ]
    aims += [
        Aim(f"CPU more than without, {row['database']}", row["cpu_percent"] - row["cpu_before"], 1, "% of one core")
        for row in rows
        if row["database"] == SQLITE
    ]
    columns = [
        Column("database", "database"),
        Column("runs", "waiting runs", 0),
        Column("park_ms", "CPU-ms to park one", 2),
        Column("quiet_after", "quiet after, s", 0),
        Column("memory_mib", "memory, MiB", 0),
        Column("memory_kib", "more than without, KiB per run", 2),
        Column("threads", "threads", 0),
        Column("threads_before", "threads without", 0),
        Column("cpu_percent", "CPU, % of one core", 2),
        Column("cpu_before", "CPU without, %", 2),
    ]
    how = _HOW.format(settling=settling, seconds=seconds)
    return Result(NAME, "Runs that wait", how, columns, rows, aims)


def _once(place: Place, count: int, seconds: float, settling: float) -> dict[str, Any]:
    install(place, playbook=PLAYBOOK)
    return measure(NAME, place, count=count, seconds=seconds, settling=settling)


def _medians(found: list[dict[str, Any]], count: int) -> dict[str, float]:
    def median(value: Callable[[dict[str, Any]], float]) -> float:
        return round(statistics.median(map(value, found)), 3)

    return {
        "park_ms": median(lambda each: 1e3 * each["cpu"] / count),
        "quiet_after": median(lambda each: each["quiet_after"]),
        "memory_mib": median(lambda each: each["after"]["memory"]),
        "memory_kib": median(lambda each: 1024 * max(each["after"]["memory"] - each["before"]["memory"], 0.0) / count),
        "threads": median(lambda each: each["after"]["threads"]),
        "threads_before": median(lambda each: each["before"]["threads"]),
        "cpu_percent": median(lambda each: each["after"]["share"]),
        "cpu_before": median(lambda each: each["before"]["share"]),
    }


def work(talk: Talk, place: Place, *, count: int, seconds: float, settling: float) -> dict[str, Any]:
    """Park the runs, in the measured process."""
    app = App.open(place.settings(poll_interval=3600.0))
    try:
        return asyncio.run(_park(app, count, seconds, settling))
    finally:
        app.close()


async def _park(app: App, count: int, seconds: float, settling: float) -> dict[str, Any]:
    stop, ready = asyncio.Event(), asyncio.Event()
    working = asyncio.create_task(Worker(app).run(stop, ready.set))
    await ready.wait()
    await asyncio.sleep(settling)
    before = await _look(seconds)
    began = time.process_time()
    for first in range(0, count, _BATCH):
        numbers = range(first, min(first + _BATCH, count))
        await app.database.run(lambda tx, numbers=numbers: request(tx, numbers))  # type: ignore[misc]  # bound now
    deadline = time.perf_counter() + _LONGEST
    while await app.database.read(_waiting) < count:
        if time.perf_counter() > deadline:
            raise RuntimeError(f"Not every run waits after {_LONGEST:g} s.")
        await asyncio.sleep(_LOOK)
    quiet_after = await _quiet(before["share"], min(_WINDOW, seconds))
    cpu = time.process_time() - began
    await asyncio.sleep(settling)
    after = await _look(seconds)
    if await app.database.read(_waiting) != count:
        raise RuntimeError(f"There should be {count} waiting runs.")
    stop.set()
    await working
    return {"before": before, "after": after, "cpu": cpu, "quiet_after": quiet_after}


async def _quiet(before: float, window: float) -> float:
    """Wait until the process is nearly as quiet as before, and return how long that took, in seconds."""
    began = time.perf_counter()
    while (await _look(window))["share"] > _QUIET * before + _QUIET:
        if time.perf_counter() - began > _LONGEST_QUIET:
            break
    return time.perf_counter() - began - window


async def _look(seconds: float) -> dict[str, float]:
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.sleep(seconds)
    share = 100 * (time.process_time() - cpu) / (time.perf_counter() - began)
    memory = psutil.Process().memory_info().rss / _MEBIBYTE
    return {"share": share, "memory": memory, "threads": float(threading.active_count())}


def request(tx: Transaction, numbers: range, **trigger: Any) -> None:
    """Ask for as many runs of the only playbook as there are numbers."""
    organization = organizations.ensure_default(tx)
    active = library.active(tx, organization.id)[0]
    for number in numbers:
        run_rows.request(
            tx,
            organization_id=organization.id,
            playbook_id=active.playbook_id,
            playbook_version_id=active.version_id,
            cause_key=f"bench:{number}",
            trigger={"type": "manual", **trigger},
        )


def _waiting(tx: Transaction) -> int:
    parked = sa.select(sa.func.count()).select_from(runs).where(runs.c.status == RunStatus.WAITING.value)
    return int(tx.scalar(parked) or 0)
