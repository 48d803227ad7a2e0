"""Going over thousands of stored alerts with a playbook: how fast, with how much CPU and memory."""

import asyncio
import statistics
import time
from collections.abc import Callable
from typing import Any, Final

from bench import ingest
from bench.measured import Talk, measure, peak_memory
from bench.report import Aim, Column, Result
from bench.stage import Ground, Place, SimulatorProcess, install
from ringfence.app import App
from ringfence.rehearsals.backtest import backtest

NAME: Final = "backtest"
_MACHINES: Final = 100
_DAYS: Final = 2
_HEAD: Final = """ringfence: 1
kind: playbook
name: Contains
trigger: {{type: defender.alert, account: contoso, severity: [{severity}]}}
steps:
  machine: {{action: defender.get_machine, with: {{machine: "${{trigger.alert.machineId}}"}}}}
  risky: {{after: machine, action: logic.condition, with: {{test: "steps.machine.riskScore == 'High'"}}}}
  ask: {{after: risky.yes, action: logic.approval, with: {{question: Isolate?}}}}
  isolate:
    after: ask.approved
    action: containment.contain
    with: {{machine: "${{trigger.alert.machineId}}", auto_release: 24 h, reason: "${{trigger.alert.title}}"}}
"""
PLAYBOOKS: Final = {"none": _HEAD.format(severity="High"), "all": _HEAD.format(severity="Medium")}
_HOW: Final = """A fresh process goes with a playbook over alerts that one poll has stored, as `ingest` raises them. The playbook
matches *none* of their versions (which is known without reading a document), or *all*, and then what each run would have come to
is worked out: a machine that would have been read, a condition on it, a question, a containment judged by policy, brakes. Reading
the playbook counts; opening the database does not. *Progress* is how often a worker could say how far it is, and
stop."""


def run(ground: Ground, *, alerts: int, repeats: int) -> Result:
    """Measure on each kind of database."""
    rows: list[dict[str, Any]] = []
    with SimulatorProcess(machines=_MACHINES) as simulator:
        asyncio.run(ingest.raise_alerts(simulator, alerts))
        for kind in ground.kinds:
            place = ground.place(kind)
            install(place, simulator=simulator)
            stored = measure(ingest.NAME, place, source="defender")["new"]
            if stored != alerts:
                raise RuntimeError(f"{stored} alerts were stored instead of {alerts}.")
            for matches in PLAYBOOKS:
                found = [measure(NAME, place, matches=matches) for _ in range(repeats)]
                rows.append({"database": kind, "matches": matches, "alerts": alerts} | _medians(found, alerts))
    aims = [
        Aim(
            f"Alerts per second, {row['database']}, {row['matches']}", row["per_second"], 500, "alerts/s", at_most=False
        )
        for row in rows
    ]
    columns = [
        Column("database", "database"),
        Column("matches", "matches"),
        Column("alerts", "alerts", 0),
        Column("started", "runs that would have started", 0),
        Column("per_second", "alerts/s", 0),
        Column("cpu_us_per_alert", "CPU-µs per alert", 0),
        Column("progress", "progress", 0),
        Column("peak_mib", "peak memory, MiB", 0),
    ]
    return Result(NAME, f"A backtest over {alerts:,} alerts", _HOW, columns, rows, aims)


def _medians(found: list[dict[str, Any]], alerts: int) -> dict[str, float]:
    def median(value: Callable[[dict[str, Any]], float]) -> float:
        return round(statistics.median(map(value, found)), 3)

    return {
        "started": median(lambda each: each["started"]),
        "per_second": median(lambda each: alerts / each["seconds"]),
        "cpu_us_per_alert": median(lambda each: 1e6 * each["cpu"] / alerts),
        "progress": median(lambda each: each["progress"]),
        "peak_mib": median(lambda each: each["peak_mib"]),
    }


def work(talk: Talk, place: Place, matches: str) -> dict[str, Any]:
    """Go over the past once, in the measured process."""
    app = App.open(place.settings())
    told: list[int] = []
    try:
        organization, catalogue = app.organization(), app.catalogue
        began, cpu = time.perf_counter(), time.process_time()
        found = app.database.read_now(
            lambda tx: backtest(
                tx,
                organization,
                PLAYBOOKS[matches],
                catalogue,
                days=_DAYS,
                watch=lambda done, total: told.append(done),
            )
        )
        return {
            "seconds": time.perf_counter() - began,
            "cpu": time.process_time() - cpu,
            "started": found.started,
            "progress": len(told),
            "peak_mib": peak_memory(),
        }
    finally:
        app.close()
