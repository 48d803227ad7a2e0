"""How far the story has come, and what it measured: hosts as the simulator saw them, times as our rows have them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

import sqlalchemy as sa

from ringfence.containment.model import FINAL
from ringfence.demo.stage import Stage
from ringfence.runs.model import OPEN, RunStatus
from ringfence.simulator.summary import of_tenant
from ringfence.storage import Transaction
from ringfence.storage.tables import alerts, containments, runs


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of our own rows."""

    alerts: int
    runs: int
    runs_open: int
    runs_succeeded: int
    containments_open: int


def progress(tx: Transaction) -> Progress:
    """Count."""

    def count(table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
        return int(tx.scalar(sa.select(sa.func.count()).select_from(table).where(*conditions)) or 0)

    return Progress(
        alerts=count(alerts),
        runs=count(runs),
        runs_open=count(runs, runs.c.status.in_([status.value for status in OPEN])),
        runs_succeeded=count(runs, runs.c.status == RunStatus.SUCCEEDED.value),
        containments_open=count(containments, containments.c.state.not_in([state.value for state in FINAL])),
    )


def finished(stage: Stage) -> bool:
    """Say whether the scenario has told everything and nothing is left to do."""
    scenario = stage.simulator.simulator.scenario
    told = sum(len(tenant.events) for tenant in scenario.tenants if tenant.name == _tenant(stage).name)
    seen = stage.app.database.read_now(progress)
    return seen.alerts >= told and seen.runs > 0 and seen.runs_open == 0 and seen.containments_open == 0


def _tenant(stage: Stage) -> Any:
    return stage.simulator.simulator.tenants[stage.tenant_id]


def report(stage: Stage, seconds: float) -> dict[str, Any]:
    """Return what the demo prints: counts by the simulator's own record, runs and clocks by ours.

    Clocks are medians over the hosts that were contained, in milliseconds.
    """
    record = of_tenant(_tenant(stage))
    seen = stage.app.database.read_now(progress)
    return {
        "alerts_ingested": record["alerts_delivered"],
        "runs_succeeded": seen.runs_succeeded,
        "hosts_contained": record["isolations_succeeded"],
        "hosts_released": record["releases_succeeded"],
        "isolate_requests": record["isolate_requests"],
        "wrong_hosts_touched": len(record["wrong_hosts_touched"] or ()),
        "seconds": round(seconds, 3),
        "clocks": stage.app.database.read_now(_clocks),
    }


def succeeded(told: dict[str, Any]) -> bool:
    """Say whether the promise was kept: the right host, once, and let go again."""
    return bool(
        told["hosts_contained"] == told["hosts_released"] == told["isolate_requests"] == 1
        and told["wrong_hosts_touched"] == 0
    )


def _clocks(tx: Transaction) -> dict[str, float | None]:
    rows = tx.all(
        sa.select(
            alerts.c.created_at,
            alerts.c.ingested_at,
            containments.c.decided_at,
            containments.c.accepted_at,
            containments.c.confirmed_at,
        )
        .join(alerts, alerts.c.id == containments.c.alert_id)
        .where(containments.c.confirmed_at.is_not(None))
    )
    names = ("created_at", "ingested_at", "decided_at", "accepted_at", "confirmed_at")
    labels = ("created", "ingested", "decided", "accepted", "confirmed")
    return {
        f"{labels[at]}_to_{labels[at + 1]}_ms": _median(rows, names[at], names[at + 1]) for at in range(len(names) - 1)
    }


def _median(rows: Sequence[sa.RowMapping], start: str, end: str) -> float | None:
    spans: list[float] = []
    for row in rows:
        began, ended = row[start], row[end]
        if isinstance(began, datetime) and isinstance(ended, datetime):
            spans.append((ended - began).total_seconds() * 1000)
    return round(median(spans), 1) if spans else None
