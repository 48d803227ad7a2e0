"""A thousand services on one machine: do they hold their interval, and what does a poll that meets nothing new cost?"""

import asyncio
import statistics
import time
from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from bench.measured import Talk, measure, peak_memory
from bench.report import Aim, Column, Result
from bench.stage import UNLIMITED, Ground, Place, SimulatorProcess, install
from ringfence import clock
from ringfence.accounts import records
from ringfence.accounts.clients import purpose
from ringfence.app import App
from ringfence.ingestion.loop import PollLoop
from ringfence.ingestion.poller import Poller, PollReport
from ringfence.services.model import Service
from ringfence.storage import Transaction

NAME: Final = "polling"
_HOW: Final = """{services:,} services, each of an account and a client of its own (and of one call budget), are polled every
{interval:g} seconds by one worker's polling for {rounds} rounds after the one in which connections are made and tokens fetched;
the simulator answers each on the same machine, in a process that is not counted. *CPU* is the polling process's, with
the database's own work where that is SQLite, and *share* is of one core at this rate; *late* is how much later than its
interval a poll began after the one before."""


def run(ground: Ground, *, services: int, interval: float, rounds: int) -> Result:
    """Measure on each kind of database."""
    rows: list[dict[str, Any]] = []
    with SimulatorProcess() as simulator:
        for kind in ground.kinds:
            place = ground.place(kind)
            install(place, simulator=simulator)
            server = place.server_cpu
            found = measure(NAME, place, services=services, interval=interval, rounds=rounds)
            spent = place.server_cpu - server
            every = found.pop("every_poll")
            per_poll = 1000 * spent / every if spent else None
            rows.append({"database": kind, "services": services} | found | {"server_cpu_ms": per_poll})
    aims = [
        aim
        for row in rows
        for aim in (
            Aim(f"CPU of a poll that meets nothing new, {row['database']}", row["cpu_ms"], 30, "ms"),
            Aim(f"Of a hundred polls the latest, {row['database']}", row["late_p99"], interval / 10, "s"),
        )
    ]
    columns = [
        Column("database", "database"),
        Column("services", "services"),
        Column("polls", "polls"),
        Column("cpu_ms", "CPU-ms per poll", 1),
        Column("server_cpu_ms", "database server's CPU-ms per poll", 1),
        Column("share", "share of one core, %", 0),
        Column("late_p50", "late, median s", 2),
        Column("late_p99", "late, p99 s", 2),
        Column("peak_mib", "peak memory, MiB", 0),
    ]
    how = _HOW.format(services=services, interval=interval, rounds=rounds)
    return Result(NAME, f"{services:,} services", how, columns, rows, aims)


class _Noted:
    """A poller that notes when each service was polled."""

    def __init__(self, poller: Poller, services: int) -> None:
        self._poller = poller
        self._services = services
        self.begun: dict[str, list[float]] = defaultdict(list)
        self.polls = 0
        self.all_begun = asyncio.Event()

    async def poll(self, service: Service, *, back_to: datetime | None = None) -> PollReport:
        self.begun[service.id].append(clock.timestamp())
        if len(self.begun) == self._services:
            self.all_begun.set()
        report = await self._poller.poll(service, back_to=back_to)
        self.polls += 1
        return report


def work(talk: Talk, place: Place, *, services: int, interval: float, rounds: int) -> dict[str, Any]:
    """Poll for some rounds, in the measured process."""
    app = App.open(place.settings(poll_interval=interval), limits=UNLIMITED)
    try:
        organization_id = app.organization().id
        app.database.run_now(lambda tx: _multiply(tx, app, organization_id, services))
        return asyncio.run(_poll(app, services, interval, rounds))
    finally:
        app.close()


def _multiply(tx: Transaction, app: App, organization_id: str, services: int) -> None:
    """Connect the one account again and again, as different applications, each followed by a service of its own."""
    model = records.every(tx, organization_id)[0]
    secret = app.vault.open(model.organization_id, purpose(model.id), model.secret_sealed)
    for number in range(1, services):
        account_id = clock.new_id()
        sealed = app.vault.seal(model.organization_id, purpose(account_id), secret)
        records.insert(tx, replace(model, id=account_id, name=f"{model.name} {number:04}", secret_sealed=sealed))


async def _poll(app: App, services: int, interval: float, rounds: int) -> dict[str, Any]:
    clients = app.clients()
    noted = _Noted(Poller(app.database, clients, app.settings, lambda runs: None), services)
    stop = asyncio.Event()
    polling = asyncio.create_task(PollLoop(app.database, noted, app.accounts(clients), app.settings).run_forever(stop))
    await noted.all_begun.wait()
    await asyncio.sleep(interval)
    polls, cpu, began = noted.polls, time.process_time(), time.perf_counter()
    since = clock.timestamp()
    await asyncio.sleep(interval * rounds)
    used, took, done = time.process_time() - cpu, time.perf_counter() - began, noted.polls - polls
    stop.set()
    await polling
    await clients.aclose()
    late = [
        max(0.0, after - before - interval)
        for times in noted.begun.values()
        for before, after in pairwise(times)
        if after >= since
    ]
    return {
        "polls": done,
        "every_poll": noted.polls,
        "cpu_ms": 1000 * used / max(1, done),
        "share": 100 * used / took,
        "late_p50": statistics.median(late) if late else 0.0,
        "late_p99": sorted(late)[int(len(late) * 0.99)] if late else 0.0,
        "peak_mib": peak_memory(),
    }
