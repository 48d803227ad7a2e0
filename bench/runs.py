"""Runs of a playbook of five steps that do nothing: runs per second and CPU per run."""

import asyncio
import statistics
import time
from collections.abc import Callable
from typing import Any, Final

import sqlalchemy as sa

from bench.ingest import raise_alerts
from bench.measured import Talk, measure
from bench.report import Aim, Column, Result
from bench.stage import SQLITE, Ground, Place, SimulatorProcess, install
from ringfence.app import App
from ringfence.organizations import service as organizations
from ringfence.playbooks import library
from ringfence.playbooks.schedule import StepStatus
from ringfence.runs import rows as run_rows
from ringfence.runs.model import RunStatus
from ringfence.storage import Transaction
from ringfence.storage.tables import alerts, runs, step_runs
from ringfence.worker import Worker

NAME: Final = "runs"
STEPS: Final = 5
_LOOK: Final = 0.2
_LONGEST: Final = 600.0
TRIGGER: Final = "by the trigger"
INGESTING: Final = "of it ingesting"
ENGINE: Final = "by the engine alone"
PLAYBOOK: Final = """ringfence: 1
kind: playbook
name: Five steps that do nothing
trigger:
  type: defender.alert
  account: contoso
  changes: [created]
steps:
  first:
    action: logic.set
    with: {values: {}}
  second:
    after: first
    action: logic.set
    with: {values: {}}
  third:
    after: second
    action: logic.set
    with: {values: {}}
  fourth:
    after: third
    action: logic.set
    with: {values: {}}
  fifth:
    after: fourth
    action: logic.set
    with: {values: {}}
"""
_HOW: Final = f"""A worker in a fresh process, with its poller, engine, waker and containment driver, carries runs of a playbook
of five `logic.set` steps, one after the other. *{TRIGGER}*: its first poll brings as many alerts with evidence as there are to be
runs, each matches, and each run is requested in the transaction that stores its alert; counted from the worker being ready to
the last run succeeded. *{INGESTING}*: the same alerts with the playbook paused, so that nothing is left but reading and
storing them. *{ENGINE}*: no account and no alert; all runs are requested in one transaction, and the CPU of that is counted
too. That every run has five step rows that say succeeded is checked afterwards."""


def run(ground: Ground, *, count: int, repeats: int) -> Result:
    """Measure each way on each kind of database."""
    rows: list[dict[str, Any]] = []
    with SimulatorProcess(machines=100) as simulator:
        asyncio.run(raise_alerts(simulator, count))
        for kind in ground.kinds:
            for way in (TRIGGER, INGESTING, ENGINE):
                found = [_once(ground.place(kind), simulator, way, count) for _ in range(repeats)]
                rows.append({"database": kind, "way": way, "runs": count} | _medians(found, way, count))
    aims = [
        Aim(f"CPU per run, {row['way']}, {SQLITE}", row["cpu_ms"], 10, "ms")
        for row in rows
        if row["database"] == SQLITE and row["way"] != INGESTING
    ]
    columns = [
        Column("database", "database"),
        Column("way", "started"),
        Column("runs", "runs"),
        Column("cpu_ms", "CPU-ms per run", 2),
        Column("server_cpu_ms", "database server's CPU-ms per run", 2),
        Column("per_second", "runs/s", 0),
    ]
    return Result(NAME, f"Runs of a playbook of {STEPS} steps that do nothing", _HOW, columns, rows, aims)


def _once(place: Place, simulator: SimulatorProcess, way: str, count: int) -> dict[str, Any]:
    install(place, simulator=None if way == ENGINE else simulator, playbook=_playbook(way), active=way != INGESTING)
    return measure(NAME, place, way=way, count=count)


def _playbook(way: str) -> str:
    # A playbook that names an account cannot be published where there is none.
    return PLAYBOOK.replace("  account: contoso\n", "") if way == ENGINE else PLAYBOOK


def _medians(found: list[dict[str, Any]], way: str, count: int) -> dict[str, float | None]:
    def median(value: Callable[[dict[str, Any]], float]) -> float:
        return round(statistics.median(map(value, found)), 3)

    on_server = any(each["server_cpu"] for each in found)
    return {
        "cpu_ms": median(lambda each: 1e3 * each["cpu"] / count),
        "server_cpu_ms": median(lambda each: 1e3 * each["server_cpu"] / count) if on_server else None,
        "per_second": median(lambda each: count / each["seconds"]) if way != INGESTING else None,
    }


def work(talk: Talk, place: Place, *, way: str, count: int) -> dict[str, Any]:
    """Carry the runs, in the measured process."""
    app = App.open(place.settings(poll_interval=3600.0))
    try:
        return asyncio.run(_Carrying(app, place, way, count).work())
    finally:
        app.close()


class _Carrying:
    """A worker, what it is asked to do, and the watch on it."""

    def __init__(self, app: App, place: Place, way: str, count: int) -> None:
        self._app = app
        self._place = place
        self._way = way
        self._count = count
        self._began = (0.0, 0.0, 0.0)
        self._ready = asyncio.Event()

    def _so_far(self) -> tuple[float, float, float]:
        return time.process_time(), time.perf_counter(), self._place.server_cpu

    def _begins(self) -> None:
        self._began = self._so_far()
        self._ready.set()

    async def work(self) -> dict[str, Any]:
        """Let the worker do it and return what it took."""
        stop = asyncio.Event()
        working = asyncio.create_task(Worker(self._app).run(stop, self._begins))
        watching = asyncio.create_task(self._watch())
        await asyncio.wait([working, watching], return_when=asyncio.FIRST_COMPLETED)
        if not watching.done():
            watching.cancel()
            await working
        stop.set()
        await working
        return watching.result()

    async def _watch(self) -> dict[str, Any]:
        await self._ready.wait()
        database = self._app.database
        if self._way == ENGINE:
            await database.run(lambda tx: _request(tx, self._count))
        done = _ingested if self._way == INGESTING else _succeeded
        deadline = time.perf_counter() + _LONGEST
        while await database.read(done) < self._count:
            if time.perf_counter() > deadline:
                raise RuntimeError(f"Not every run ended within {_LONGEST:g} s.")
            await asyncio.sleep(_LOOK)
        spent = [now - then for now, then in zip(self._so_far(), self._began, strict=True)]
        await database.read(lambda tx: _check(tx, 0 if self._way == INGESTING else self._count))
        return dict(zip(("cpu", "seconds", "server_cpu"), spent, strict=True))


def _request(tx: Transaction, count: int) -> None:
    organization = organizations.ensure_default(tx)
    active = library.active(tx, organization.id)[0]
    for number in range(count):
        run_rows.request(
            tx,
            organization_id=organization.id,
            playbook_id=active.playbook_id,
            playbook_version_id=active.version_id,
            cause_key=f"bench:{number}",
            trigger={"type": "manual"},
        )


def _ingested(tx: Transaction) -> int:
    return int(tx.scalar(sa.select(sa.func.count()).select_from(alerts)))


def _succeeded(tx: Transaction) -> int:
    ended = sa.select(sa.func.count()).select_from(runs).where(runs.c.status == RunStatus.SUCCEEDED.value)
    return int(tx.scalar(ended))


def _check(tx: Transaction, count: int) -> None:
    made = tx.scalar(sa.select(sa.func.count()).select_from(runs))
    done = sa.select(sa.func.count()).select_from(step_runs).where(step_runs.c.status == StepStatus.SUCCEEDED.value)
    if made != count or tx.scalar(done) != STEPS * count:
        raise RuntimeError(f"There should be {count} runs with {STEPS} succeeded steps each, and no other.")
