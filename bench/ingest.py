"""Ingesting 10,000 alerts with evidence from each source, and sweeping them again: how fast, with how much CPU and memory."""

import asyncio
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from bench.measured import Talk, measure, peak_memory
from bench.recorder import Recorder, waiting
from bench.report import Aim, Column, Result
from bench.stage import UNLIMITED, Ground, Place, SimulatorProcess, install, machine_name
from ringfence import clock
from ringfence.accounts.clients import Clients
from ringfence.app import App
from ringfence.ingestion import sweep_ledger
from ringfence.ingestion.poller import Poller, PollReport
from ringfence.ingestion.sources import SOURCES
from ringfence.ingestion.sweep import Sweeper
from ringfence.services import records as services
from ringfence.services.model import Service
from ringfence.simulator.control_client import SimulatorControl

NAME: Final = "ingest"
_PORTION: Final = 100
_MACHINES: Final = 100
_SPREAD: Final = 20 * 3600.0
_PLAYBOOK: Final = """ringfence: 1
kind: playbook
name: Watches, and matches none of them
trigger:
  type: defender.alert
  account: contoso
  severity: [High]
  category: [Ransomware]
steps:
  nothing:
    action: logic.set
    with: {values: {}}
"""
EVIDENCE: Final[list[dict[str, str | int | None]]] = [
    {"entityType": "User", "accountName": "mrossi", "domainName": "CONTOSO", "userSid": "S-1-5-21-11111607-1111760036"},
    {
        "entityType": "Process",
        "sha1": "f" * 40,
        "sha256": "a" * 64,
        "fileName": "rundll32.exe",
        "filePath": "C:\\Windows\\SysWOW64",
        "processId": 3276,
        "processCommandLine": "rundll32.exe c:\\temp\\suspicious.dll,RepeatAfterMe " + "-x 1234 " * 20,
        "parentProcessId": 8420,
        "parentProcessFileName": "rundll32.exe",
        "parentProcessFilePath": "\\Device\\HarddiskVolume3\\Windows\\System32",
    },
    {
        "entityType": "File",
        "sha1": "b" * 40,
        "sha256": "c" * 64,
        "fileName": "suspicious.dll",
        "filePath": "c:\\temp",
    },
    {"entityType": "Ip", "ipAddress": "203.0.113.20"},
]
_HOW: Final = """One poll of an account that was never polled before reads every alert of the last day, {size:,.0f} bytes each as
JSON, with four pieces of evidence, in pages of 1,000, and stores each page (alerts, versions, changes, watermark) in one
transaction; one active playbook watches and matches none. A fresh process does nothing else; its peak memory is
that of its whole life, with everything that it imports. *Waiting* is the part of the time in which it awaited the simulator's
replies; the rate that leaves it out is what Ringfence alone would reach. From Graph, the same alerts are read in
slices of six hours. *Sweep*: all of them read once more, when all are known, as the hourly sweep of a service does."""


def run(ground: Ground, *, alerts: int, repeats: int) -> Result:
    """Measure on each kind of database."""
    rows: list[dict[str, Any]] = []
    size = 0.0
    with SimulatorProcess(machines=_MACHINES) as simulator:
        asyncio.run(raise_alerts(simulator, alerts))
        for kind in ground.kinds:
            for source in SOURCES.values():
                found = [_once(ground.place(kind), simulator, alerts, source.id) for _ in range(repeats)]
                size = size or found[0]["bytes"] / alerts
                rows.append({"database": kind, "source": source.id, "alerts": alerts} | _medians(found))
    aims = [
        aim
        for row in rows
        for aim in (
            Aim(
                f"Alerts per second, {row['database']}, {row['source']}",
                row["per_second"],
                2000,
                "alerts/s",
                at_most=False,
            ),
            Aim(f"Peak memory, {row['database']}, {row['source']}", row["peak_mib"], 400, "MiB"),
        )
    ]
    columns = [
        Column("database", "database"),
        Column("source", "source"),
        Column("alerts", "alerts"),
        Column("per_second", "alerts/s", 0),
        Column("per_second_without_waiting", "alerts/s, waiting left out", 0),
        Column("waiting_share", "waiting, %", 0),
        Column("per_cpu_second", "alerts per CPU-second", 0),
        Column("cpu_us_per_alert", "CPU-µs per alert", 0),
        Column("server_cpu_us_per_alert", "database server's CPU-µs per alert", 0),
        Column("peak_mib", "peak memory, MiB", 0),
        Column("before_mib", "of it before the poll, MiB", 0),
        Column("sweep_requests", "sweep: requests", 0),
        Column("sweep_seconds", "sweep: seconds"),
        Column("sweep_cpu_us_per_alert", "sweep: CPU-µs per alert", 0),
    ]
    return Result(NAME, f"Ingesting {alerts:,} alerts", _HOW.format(size=size), columns, rows, aims)


async def raise_alerts(simulator: SimulatorProcess, count: int) -> None:
    """Raise alerts with evidence, spread over the last hours and over machines, in portions of one time each."""
    async with SimulatorControl(simulator.origin) as control:
        portions = -(-count // _PORTION)
        for number in range(portions):
            await control.inject_alerts(
                machine_name(number % _MACHINES),
                severity="Medium",
                category="DefenseEvasion",
                mitre=["T1064", "T1085", "T1220"],
                evidence=EVIDENCE,
                age=_SPREAD * (portions - number) / portions,
                count=min(_PORTION, count - number * _PORTION),
            )


def _once(place: Place, simulator: SimulatorProcess, alerts: int, source: str) -> dict[str, Any]:
    install(place, simulator=simulator, playbook=_PLAYBOOK)
    server = place.server_cpu
    found = measure(NAME, place, source=source)
    if found["new"] != alerts:
        raise RuntimeError(f"{found['new']} alerts were ingested instead of {alerts}.")
    return found | {"server_cpu": place.server_cpu - server}


def _medians(found: list[dict[str, Any]]) -> dict[str, float | None]:
    def median(value: Callable[[dict[str, Any]], float]) -> float:
        return round(statistics.median(map(value, found)), 3)

    on_server = any(each["server_cpu"] for each in found)
    return {
        "per_second": median(lambda each: each["new"] / each["seconds"]),
        "per_second_without_waiting": median(lambda each: each["new"] / (each["seconds"] - each["waiting"])),
        "waiting_share": median(lambda each: 100 * each["waiting"] / each["seconds"]),
        "per_cpu_second": median(lambda each: each["new"] / each["cpu"]),
        "cpu_us_per_alert": median(lambda each: 1e6 * each["cpu"] / each["new"]),
        "server_cpu_us_per_alert": median(lambda each: 1e6 * each["server_cpu"] / each["new"]) if on_server else None,
        "peak_mib": median(lambda each: each["peak_mib"]),
        "before_mib": median(lambda each: each["before_mib"]),
        "sweep_requests": median(lambda each: each["sweep_requests"]),
        "sweep_seconds": median(lambda each: each["sweep_seconds"]),
        "sweep_cpu_us_per_alert": median(lambda each: 1e6 * each["sweep_cpu"] / each["new"]),
    }


def work(talk: Talk, place: Place, source: str) -> dict[str, Any]:
    """Poll and sweep once, in the measured process."""
    recorder = Recorder()
    app = App.open(place.settings(), transport=recorder, limits=UNLIMITED)
    try:
        return asyncio.run(_poll(app, recorder, source))
    finally:
        app.close()


async def _poll(app: App, recorder: Recorder, source: str) -> dict[str, Any]:
    clients = app.clients()
    first = (await app.database.read(lambda tx: services.every(tx, app.organization().id)))[0]
    service = replace(first, source=source)
    poller = Poller(app.database, clients, app.settings, lambda runs: None)
    before = peak_memory()
    begin, cpu = clock.timestamp(), time.process_time()
    report: PollReport = await poller.poll(service)
    end, used = clock.timestamp(), time.process_time() - cpu
    received, peak = recorder.received, peak_memory()
    swept = await _sweep(app, clients, recorder, replace(service, watermark=report.watermark, polled_at=clock.now()))
    await clients.aclose()
    await recorder.aclose()
    return swept | {
        "new": report.new,
        "pages": report.pages,
        "bytes": received,
        "seconds": end - begin,
        "waiting": waiting(recorder.exchanges, begin, end),
        "cpu": used,
        "peak_mib": peak,
        "before_mib": before,
    }


async def _sweep(app: App, clients: Clients, recorder: Recorder, service: Service) -> dict[str, Any]:
    asked, begin, cpu = len(recorder.exchanges), clock.timestamp(), time.process_time()
    await Sweeper(app.database, clients, app.settings).sweep(service)
    used = {"sweep_seconds": clock.timestamp() - begin, "sweep_cpu": time.process_time() - cpu}
    found = (await app.database.read(lambda tx: sweep_ledger.recent(tx, service.id)))[0]
    if found.error or found.missed_versions:
        raise RuntimeError(f"The sweep met what it should not: {found.error or found.missed}")
    return used | {"sweep_requests": len(recorder.exchanges) - asked}
