"""The adaptive pace in simulated time: how long alerts wait until they are seen, and how much of the call budget that takes."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from bench.report import Aim, Column, Result
from bench.stage import SQLITE, Ground, install
from ringfence import clock
from ringfence.accounts import records as accounts
from ringfence.accounts.model import Account, AccountState
from ringfence.accounts.proof import Report
from ringfence.app import App
from ringfence.defender import DefenderError
from ringfence.ingestion.loop import Follower, Means
from ringfence.ingestion.poller import Poller
from ringfence.services import records
from ringfence.services.heartbeats import Heartbeats
from ringfence.services.pace import ADAPTIVE, HOURLY_CALLS, SHARE
from ringfence.storage.tables import alerts

NAME: Final = "adaptive"
_BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
_HOW: Final = """A follower of one adaptive service, its poller and SQLite, with a clock that jumps to the next poll and a tenant
that is a list: {hours:g} hours of *a quiet night* (an alert every ten minutes, by chance), *a busy day* (one every fifteen
seconds) and *storms* (a hundred within five minutes, once an hour). *Wait* is from an alert's creation to its being stored,
without the time that the network takes; *calls* are the most of any hour, of which Microsoft grants {granted:,}."""
_PATTERNS: Final[dict[str, Callable[[random.Random, float], list[float]]]] = {
    "a quiet night": lambda chance, end: [chance.uniform(0, end) for _ in range(int(end / 600))],
    "a busy day": lambda chance, end: [chance.uniform(0, end) for _ in range(int(end / 15))],
    "storms": lambda chance, end: [
        begin + chance.uniform(0, 300) for begin in range(900, int(end) - 300, 3600) for _ in range(100)
    ],
}


def run(ground: Ground, *, hours: float) -> Result:
    """Measure each pattern of arrivals."""
    rows = []
    for pattern, arrivals in _PATTERNS.items():
        place = ground.place(SQLITE)
        install(place)
        app = App.open(place.settings())
        try:
            found = asyncio.run(_follow(app, sorted(arrivals(random.Random(7), hours * 3600)), hours * 3600))
        finally:
            clock.replace(None)
            app.close()
        rows.append({"pattern": pattern} | found)
    aims = [
        aim
        for row in rows
        for aim in (
            Aim(f"Mean wait, {row['pattern']}", row["mean_wait"], 5, "s"),
            Aim(f"Share of the hourly budget, {row['pattern']}", row["share"], 100 * SHARE, "%"),
        )
    ]
    columns = [
        Column("pattern", "alerts come as"),
        Column("alerts", "alerts"),
        Column("mean_wait", "mean wait, s", 1),
        Column("longest_wait", "longest wait, s", 1),
        Column("calls", "calls in an hour, most"),
        Column("share", "of the hourly budget, %", 0),
    ]
    return Result(NAME, "Adaptive polling", _HOW.format(hours=hours, granted=HOURLY_CALLS), columns, rows, aims)


class _Tenant:
    """A tenant that shows alerts as time comes to them, and counts its calls."""

    def __init__(self, arrivals: list[float]) -> None:
        self._documents = [_alert(number, at) for number, at in enumerate(arrivals)]
        self.calls: list[float] = []

    async def get(self, account_id: str) -> "_Tenant":
        return self

    async def report(self, account_id: str, error: DefenderError) -> bool:
        return False

    async def alert_pages(
        self,
        *,
        filter: str,  # noqa: A002
        order_by: str,
        top: int,
        expand: Sequence[str],
    ) -> AsyncGenerator[list[dict[str, Any]], None]:
        self.calls.append(clock.timestamp())
        since, now = filter.rpartition(" ")[2], _written(clock.now())
        page = [each for each in self._documents if since <= each["lastUpdateTime"] <= now]
        if page:
            yield page[:top]


class _Proven:
    async def prove(self, account_id: str) -> Report:
        return Report(())


async def _follow(app: App, arrivals: list[float], seconds: float) -> dict[str, Any]:
    now = _BEGIN.timestamp()
    clock.replace(lambda: now)
    account = _account(app.organization().id)
    app.database.run_now(lambda tx: accounts.insert(tx, account))
    found = app.database.read_now(lambda tx: records.of_account(tx, account.id))[0]
    values = {"interval": ADAPTIVE, "start_at_once": True, "watermark": _BEGIN}
    service = app.database.run_now(lambda tx: records.change(tx, found.id, values))
    tenant = _Tenant(arrivals)
    poller = Poller(app.database, tenant, app.settings, lambda runs: None)
    means = Means(app.database, poller, _Proven(), app.settings, Heartbeats(app.database))
    follower = Follower(service, means)
    end = now + seconds + 60
    while now < end:
        now += await follower.step()
        follower.notice(app.database.read_now(lambda tx: records.by_id(tx, service.id)))
    query = sa.select(alerts.c.created_at, alerts.c.ingested_at)
    waits = [
        (row["ingested_at"] - row["created_at"]).total_seconds()
        for row in app.database.read_now(lambda tx: tx.all(query))
    ]
    if len(waits) != len(arrivals):
        raise RuntimeError(f"{len(waits)} of {len(arrivals)} alerts were seen.")
    most = max(sum(begin <= at < begin + 3600 for at in tenant.calls) for begin in tenant.calls[::20])
    return {
        "alerts": len(waits),
        "mean_wait": sum(waits) / len(waits),
        "longest_wait": max(waits),
        "calls": most,
        "share": 100 * most / HOURLY_CALLS,
    }


def _account(organization_id: str) -> Account:
    return Account(
        id=clock.new_id(),
        organization_id=organization_id,
        name="contoso",
        cloud="commercial",
        tenant_id="11111111-2222-3333-4444-555555555555",
        client_id="66666666-7777-8888-9999-000000000000",
        secret_sealed="",
        secret_expires_on=None,
        login_url=None,
        api_url=None,
        state=AccountState.HEALTHY,
        state_reason="",
        roles=(),
        proven_at=clock.now(),
        created_at=clock.now(),
        updated_at=clock.now(),
    )


def _alert(number: int, at: float) -> dict[str, Any]:
    moment = _written(_BEGIN + timedelta(seconds=at))
    return {"id": f"da{number}_1", "title": "Alert", "alertCreationTime": moment, "lastUpdateTime": moment}


def _written(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}0Z"
