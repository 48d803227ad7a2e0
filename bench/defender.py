"""What the client costs against the simulator, how much the simulator bears, and what memory a long list takes."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import httpx
import psutil

from bench.measured import Talk, measure
from bench.report import Aim, Column, Result
from bench.stage import SQLITE, Ground, Place, SimulatorProcess
from ringfence.defender import ClientSecret, Cloud, DefenderClient
from ringfence.simulator import Simulator, SimulatorControl, create_app

NAME: Final = "defender"
BARE: Final = "httpx alone"
CLIENT: Final = "the client"
SOCKET: Final = "httpx alone, over a socket"
_ORIGIN: Final = "http://127.0.0.1:8900"
_SCOPE: Final = "https://api.securitycenter.microsoft.com/.default"
_WARM: Final = 50
_PAGE: Final = 1_000
_RAISED_AT_ONCE: Final = 500
_GROWTH: Final = 1.5
_HOW: Final = """One machine is read {calls:,} times, one call after the other, in a fresh process. *httpx alone* sends the
bare request to the simulator in the same process and reads its JSON; *the client* does the same through
`DefenderClient` (token, typed document, errors, retries); *times* is its CPU against that; the CPU of both
includes the simulator's. *Over a socket* the simulator is a process of its own: calls per second of one
connection, and the simulator's CPU. *{alerts:,} alerts* are listed in pages of {page:,} through the client,
over a socket; *MiB* is what the process holds after the first page and after the last: a list is streamed,
so the two differ little."""


def run(ground: Ground, *, calls: int, alerts: int, repeats: int) -> Result:
    """Measure the client in process, the simulator over a socket, and a long list."""
    place = ground.place(SQLITE)
    rows: list[dict[str, Any]] = []
    for case in (BARE, CLIENT):
        found = [measure(NAME, place, case=case, calls=calls) for _ in range(repeats)]
        rows.append(_row(case, calls, found) | {"simulator_cpu_us": None})
        rows[-1]["times"] = round(rows[-1]["cpu_us"] / rows[0]["cpu_us"], 2)
    with SimulatorProcess() as simulator:
        before = simulator.cpu
        where = {"origin": simulator.origin, "tenant": simulator.tenant}
        found = [measure(NAME, place, case=SOCKET, calls=calls, **where) for _ in range(repeats)]
        used = (simulator.cpu - before) / repeats / (calls + _WARM)
        rows.append(_row(SOCKET, calls, found) | {"times": None, "simulator_cpu_us": round(used * 1e6, 1)})
        asyncio.run(_raise(simulator.origin, alerts))
        before = simulator.cpu
        found = [measure(NAME, place, case="alerts", calls=alerts, **where) for _ in range(repeats)]
        used = (simulator.cpu - before) / repeats / alerts
        rows.append(
            _row(f"{alerts:,} alerts", alerts, found) | {"times": None, "simulator_cpu_us": round(used * 1e6, 1)}
        )
    first, last = rows[-1]["first_mib"], rows[-1]["last_mib"]
    aims = [Aim(f"Memory after {alerts:,} alerts against memory after {_PAGE:,}", last / first, _GROWTH, "times")]
    columns = [
        Column("case", "case"),
        Column("calls", "calls, or alerts"),
        Column("rate", "per second", 0),
        Column("cpu_us", "our CPU-µs each", 0),
        Column("times", "times", 2),
        Column("simulator_cpu_us", "simulator's CPU-µs each", 0),
        Column("first_mib", "MiB at first", 1),
        Column("last_mib", "MiB at last", 1),
    ]
    how = _HOW.format(calls=calls, alerts=alerts, page=_PAGE)
    return Result(NAME, "The Defender client and the simulator", how, columns, rows, aims)


def _row(case: str, calls: int, found: list[dict[str, Any]]) -> dict[str, Any]:
    def median(key: str) -> float:
        middle: float = statistics.median(each[key] for each in found)
        return middle

    return {
        "case": case,
        "calls": calls,
        "rate": round(calls / median("seconds"), 1),
        "cpu_us": round(median("cpu") / calls * 1e6, 1),
        "first_mib": round(median("first"), 1) if "first" in found[0] else None,
        "last_mib": round(median("last"), 1) if "last" in found[0] else None,
    }


async def _raise(origin: str, count: int) -> None:
    async with SimulatorControl(origin) as control:
        (machine,) = await control.add_machine("bench")
        for first in range(0, count, _RAISED_AT_ONCE):
            await control.inject_alerts(machine, count=min(_RAISED_AT_ONCE, count - first))


def work(
    talk: Talk, place: Place, *, case: str, calls: int, origin: str = _ORIGIN, tenant: dict[str, str] | None = None
) -> dict[str, float]:
    """Be the process in which it is measured."""
    if case == "alerts":
        return asyncio.run(_list(origin, tenant or {}, calls))
    return asyncio.run(_call(case, calls, origin, tenant))


async def _call(case: str, calls: int, origin: str, tenant: dict[str, str] | None) -> dict[str, float]:
    transport: httpx.AsyncBaseTransport | None = None
    if tenant is None:
        simulator = Simulator.from_scenario("quiet")
        own = next(iter(simulator.tenants.values()))
        app = next(iter(own.apps.values()))
        tenant = {"tenant_id": own.id, "client_id": app.client_id, "client_secret": app.secrets[0].value}
        transport = httpx.ASGITransport(create_app(simulator))
    if case == CLIENT:
        async with _client(origin, tenant, transport) as client:

            async def read() -> None:
                await client.get_machine("wks-001")

            return await _timed(read, calls)
    async with httpx.AsyncClient(transport=transport, base_url=origin, trust_env=False) as http:
        form = {
            "grant_type": "client_credentials",
            "client_id": tenant["client_id"],
            "client_secret": tenant["client_secret"],
            "scope": _SCOPE,
        }
        reply = await http.post(f"/{tenant['tenant_id']}/oauth2/v2.0/token", data=form)
        http.headers["Authorization"] = f"Bearer {reply.raise_for_status().json()['access_token']}"

        async def ask() -> None:
            (await http.get("/api/machines/wks-001")).raise_for_status().json()

        return await _timed(ask, calls)


async def _timed(once: Callable[[], Awaitable[None]], calls: int) -> dict[str, float]:
    for _ in range(_WARM):
        await once()
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(calls):
        await once()
    return {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}


async def _list(origin: str, tenant: dict[str, str], alerts: int) -> dict[str, float]:
    process = psutil.Process()
    held: list[float] = []
    seen = 0
    began, cpu = time.perf_counter(), time.process_time()
    async with _client(origin, tenant, None) as client:
        async for _ in client.list_alerts(top=_PAGE):
            seen += 1
            if seen % _PAGE == 0 or seen == alerts:
                held.append(process.memory_info().rss / 2**20)
    if seen != alerts:
        raise RuntimeError(f"{seen} alerts were listed instead of {alerts}.")
    took = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    return took | {"first": held[0], "last": held[-1]}


def _client(origin: str, tenant: dict[str, str], transport: httpx.AsyncBaseTransport | None) -> DefenderClient:
    credential = ClientSecret(tenant["client_id"], tenant["client_secret"])
    return DefenderClient(Cloud.simulator(origin), tenant["tenant_id"], credential, transport=transport)
