"""What it costs that every call takes its credit from a shared budget: CPU per call, against the same call without."""

import asyncio
import statistics
import time
from typing import Any, Final

import httpx

from bench.measured import Talk, measure
from bench.report import Aim, Column, Result
from bench.stage import SQLITE, UNLIMITED, Ground, Place
from ringfence.accounts.budgets import StoredBudgets
from ringfence.app import App
from ringfence.defender import BudgetStore, CallBudget, ClientSecret, DefenderClient, MemoryStore, cloud

NAME: Final = "budget"
NONE: Final = "none"
MEMORY: Final = "memory"
DATABASE: Final = "database"
_ID: Final = "1e5bc9d7e413ddd7902c2932e418702b84d0cc07"
_WARM: Final = 50
_HOW: Final = """A client reads one machine {calls:,} times, one call after the other, in a fresh process; the replies are made
in that process, so that nothing but the client and its budget is measured. *Budget* says who keeps the ledger: nobody, a
dictionary, or the installation's database, in which each call is a transaction of its own. *Times* is CPU per call against
a call without a budget; the difference is what the budget costs. A tenant grants 1,500 calls an hour."""


def run(ground: Ground, *, calls: int, repeats: int) -> Result:
    """Measure without a budget, with one in memory, and with one in each kind of database."""
    cases = [(NONE, SQLITE), (MEMORY, SQLITE), *((DATABASE, kind) for kind in ground.kinds)]
    rows: list[dict[str, Any]] = []
    for store, kind in cases:
        found = [_once(ground.place(kind), store, calls) for _ in range(repeats)]

        def median(key: str, found: list[dict[str, float]] = found) -> float:
            return statistics.median(each[key] for each in found)

        cpu = median("cpu") / calls * 1e6
        plain = rows[0]["cpu_us"] if rows else cpu
        rows.append(
            {
                "budget": kind if store == DATABASE else store,
                "calls": calls,
                "cpu_us": round(cpu, 1),
                "times": round(cpu / plain, 2),
                "own_cpu_us": round(cpu - plain, 1),
                "server_cpu_us": round(median("server_cpu") / calls * 1e6, 1),
                "p50_ms": round(median("p50") * 1e3, 3),
                "p99_ms": round(median("p99") * 1e3, 3),
            }
        )
    aims = [
        Aim(f"CPU of an hour's calls of one tenant, {row['budget']}", row["own_cpu_us"] * 1500 / 1e6, 5, "s")
        for row in rows[2:]
    ]
    columns = [
        Column("budget", "budget"),
        Column("calls", "calls"),
        Column("cpu_us", "CPU-µs per call", 0),
        Column("times", "times", 2),
        Column("own_cpu_us", "of it the budget's, CPU-µs", 0),
        Column("server_cpu_us", "database server's CPU-µs", 0),
        Column("p50_ms", "p50, ms", 2),
        Column("p99_ms", "p99, ms", 2),
    ]
    return Result(NAME, "What a budgeted call costs", _HOW.format(calls=calls), columns, rows, aims)


def _once(place: Place, store: str, calls: int) -> dict[str, float]:
    app = App.open(place.settings())
    app.close()
    server = place.server_cpu
    found = measure(NAME, place, store=store, calls=calls)
    return found | {"server_cpu": place.server_cpu - server}


def work(talk: Talk, place: Place, *, store: str, calls: int) -> dict[str, float]:
    """Be the process in which it is measured."""
    return asyncio.run(_calls(place, store, calls))


async def _calls(place: Place, store: str, calls: int) -> dict[str, float]:
    app = App.open(place.settings())
    budgets: dict[str, BudgetStore] = {MEMORY: MemoryStore(), DATABASE: StoredBudgets(app.database)}
    budget = CallBudget(budgets[store], "contoso.com", "app", limits=UNLIMITED) if store in budgets else None
    client = DefenderClient(
        cloud("commercial"),
        "contoso.com",
        ClientSecret("app", "a secret"),
        transport=httpx.MockTransport(_microsoft),
        budget=budget,
    )
    taken: list[float] = []
    async with client:
        for _ in range(_WARM):
            await client.get_machine(_ID)
        cpu = time.process_time()
        for _ in range(calls):
            began = time.perf_counter()
            await client.get_machine(_ID)
            taken.append(time.perf_counter() - began)
        used = time.process_time() - cpu
    app.close()
    taken.sort()
    return {"cpu": used, "p50": taken[len(taken) // 2], "p99": taken[len(taken) * 99 // 100]}


def _microsoft(request: httpx.Request) -> httpx.Response:
    if request.url.path.endswith("/token"):
        return httpx.Response(200, json={"token_type": "Bearer", "expires_in": 3600, "access_token": "a-token"})
    if "openid-configuration" in request.url.path:
        base = "https://login.microsoftonline.com/contoso.com"
        return httpx.Response(
            200,
            json={
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
            },
        )
    return httpx.Response(200, json={"id": _ID, "computerDnsName": "wks-001", "healthStatus": "Active"})
