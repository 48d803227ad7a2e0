"""What a page takes of the server, with a million alerts stored: its 95th percentile, and how much more than with a hundredth."""

import asyncio
import time
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import pyotp
from starlette.types import ASGIApp

from bench.crowd import ACCOUNT, ALERT, CONTAINMENT, INCIDENT, PLAYBOOK, RUN, Crowd, Sizes, some
from bench.measured import Talk, measure
from bench.report import Aim, Column, Result
from bench.stage import SQLITE, Ground, Place
from ringfence import clock, garbage
from ringfence.api import create_api
from ringfence.app import App
from ringfence.containment.days import Keeper
from ringfence.incidents import queue as incidents
from ringfence.organizations import members
from ringfence.security import second_factor, sessions
from ringfence.security.crypto import Vault
from ringfence.security.rbac import Role
from ringfence.serving import services_of
from ringfence.storage import Transaction
from ringfence.web import create_web

NAME: Final = "pages"
_LIMIT: Final = 50.0
_WARM: Final = 1
_HOST: Final = "127.0.0.1"
_FILLED: Final = "filled"
_HOW: Final = """An installation on SQLite with {alerts:,} alerts of ninety days, {runs:,} runs, {containments:,} containments,
{incidents:,} incidents and {audit:,} audit entries, and the same with a hundredth of each. Every page is asked for {times} times
by a person who is signed in, one request after the other, in a fresh process in which nothing else runs; the first request is
not counted. Times are from the request to the last byte of the page, through the whole application (session, rights,
queries, template), without the network and its server: *CPU* is what the process used, on all threads. *Ratio* is the
median with all rows to the median with a hundredth of them: what does not grow stays near 1."""


@dataclass(slots=True)
class Visit:
    """One answer."""

    status: int = 0
    size: int = 0
    body: list[bytes] = field(default_factory=list)


def addresses(sizes: Sizes) -> dict[str, str]:
    """Return what is asked for, by the names under which it is shown."""

    def alerts(**values: str | Sequence[str]) -> str:
        return f"/alerts?{urlencode(values, doseq=True)}"

    return {
        "overview": "/",
        "alerts": "/alerts",
        "alerts, a later page": "later",
        "alerts, one severity": alerts(severity="High"),
        "alerts, two severities": alerts(severity=["High", "Medium"]),
        "alerts, one status": alerts(status="InProgress"),
        "alerts, two statuses": alerts(status=["New", "InProgress"]),
        "alerts, a common category": alerts(category="Malware"),
        "alerts, a rare category": alerts(category="Ransomware"),
        "alerts, severity and status": alerts(severity="High", status="New"),
        "alerts, all filters": alerts(severity=["High", "Medium"], status=["New", "InProgress"], category="Execution"),
        "alerts, a status that none has": alerts(status="Unknown"),
        "alerts, text in every row": alerts(q="contoso"),
        "alerts, text in some rows": alerts(q="ransomware"),
        "alerts, a host": alerts(q="ws-00042"),
        "alerts, an id": alerts(q=f"da{sizes.alerts // 2:018d}"),
        "alerts, text in no row": alerts(q="no such thing"),
        "alerts, text and filters": alerts(q="powershell", severity="High", status="New"),
        "alerts, two letters": alerts(q="zz"),
        "an alert": f"/alerts/{some(ALERT, sizes.alerts - 30)}",
        "incidents": "/incidents",
        "incidents, all": "/incidents?show=all",
        "incidents, text": "/incidents?show=all&q=no+such+thing",
        "an incident": f"/incidents/{sizes.incidents - 30}",
        "containments": "/containment",
        "containments, text": "/containment?q=ws-00042",
        "containments, text in none": "/containment?q=no+such+thing",
        "a containment": f"/containment/{some(CONTAINMENT, 30)}",
        "executions": "/executions",
        "executions, failed": "/executions?status=failed",
        "executions, of a host": "/executions?machine=ws-00042",
        "executions, of a playbook": "/executions?playbook=Contain+ransomware+7",
        "an execution": f"/executions/{some(RUN, 30)}",
        "time saved": "/time-saved",
        "approvals": "/approvals",
        "responses": "/responses",
        "playbooks": "/playbooks",
        "a playbook": f"/playbooks/{some(PLAYBOOK)}",
        "services": "/services",
        "accounts": "/accounts",
        "policy": "/policy",
        "drills": "/drills",
        "audit": "/audit",
        "audit, of one kind": "/audit?event=playbook",
        "audit, of a kind that did not occur": "/audit?event=drill",
        "audit, of a person": "/audit?who=megan.bowen",
        "audit, text in none": "/audit?q=no+such+thing",
        "palette, text in every row": "/palette?q=contoso",
        "palette, a host": "/palette?q=ws-00042",
        "palette, text in no row": "/palette?q=no+such+thing",
    }


def run(ground: Ground, *, alerts: int, times: int, only: Sequence[str] = (), kept: Path | None = None) -> Result:
    """Measure with so many alerts, and with a hundredth of them.

    `only` leaves a page out whose name has none of these texts in it; in the folder `kept` the two installations stay and are
    found again the next time, brought up to what the tables are then.
    """
    sizes = Sizes.of(alerts)
    few = max(alerts // 100, 300)
    small = measure(NAME, _place(ground, kept, few), alerts=few, times=times, only=list(only))
    large = measure(NAME, _place(ground, kept, alerts), alerts=alerts, times=times, only=list(only))
    rows = compared(small["pages"], large["pages"])
    slowest = max(rows, key=lambda row: row["cpu_p95"])
    aims = [Aim(f"CPU p95 of the slowest page, {slowest['page']}", slowest["cpu_p95"], _LIMIT, "ms")]
    columns = [
        Column("page", "page"),
        Column("p50", "p50, ms"),
        Column("p95", "p95, ms"),
        Column("cpu_p50", "CPU p50, ms"),
        Column("cpu_p95", "CPU p95, ms"),
        Column("ratio", "ratio", 2),
        Column("kib", "KiB", 0),
    ]
    how = _HOW.format(
        alerts=sizes.alerts,
        runs=sizes.runs,
        containments=sizes.containments,
        incidents=sizes.incidents,
        audit=sizes.audit,
        times=times,
    )
    how += f" Writing the rows took {large['seconds']:.0f} s; the file has {large['mib']:,.0f} MiB."
    return Result(NAME, f"Pages with {alerts:,} alerts", how, columns, rows, aims)


def _place(ground: Ground, kept: Path | None, alerts: int) -> Place:
    if kept is None:
        return ground.place(SQLITE)
    folder = kept.absolute() / f"pages-{alerts}"
    folder.mkdir(parents=True, exist_ok=True)
    return Place(SQLITE, str(folder))


def compared(small: Mapping[str, Any], large: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each page of the large installation."""
    return [
        {
            "page": name,
            "p50": _at(each["wall"], 50),
            "p95": _at(each["wall"], 95),
            "cpu_p50": _at(each["cpu"], 50),
            "cpu_p95": _at(each["cpu"], 95),
            "ratio": round(_at(each["cpu"], 50) / max(_at(small[name]["cpu"], 50), 0.01), 2),
            "kib": round(each["size"] / 1024, 1),
        }
        for name, each in large.items()
    ]


def _at(values: Sequence[float], percent: int) -> float:
    return round(sorted(values)[-(-len(values) * percent // 100) - 1], 2)


def work(talk: Talk, place: Place, alerts: int, times: int, only: Sequence[str] = ()) -> dict[str, Any]:
    """Fill an installation, unless it was filled before, and ask for every page, in the measured process."""
    sizes = Sizes.of(alerts)
    filled = Path(place.folder, _FILLED)
    began = time.perf_counter()
    if not filled.exists():
        fill(place, sizes)
        filled.touch()
    seconds = time.perf_counter() - began
    wanted = {name: address for name, address in addresses(sizes).items() if not only or any(x in name for x in only)}
    app = opened(place)
    try:
        pages = asyncio.run(ask(app, wanted, enter(app, sizes), times))
    finally:
        app.close()
    size = sum(each.stat().st_size for each in Path(place.folder).iterdir() if each.is_file())
    return {"pages": pages, "seconds": seconds, "mib": size / 2**20}


def opened(place: Place) -> App:
    """Open the installation, in which nobody is made to wait for asking often."""
    return App.open(place.settings(rate_address=0, rate_session=0, rate_organization=0))


def fill(place: Place, sizes: Sizes) -> None:
    """Make an installation with so many rows."""
    app = opened(place)
    try:
        organization_id, path = app.organization().id, app.database.url.database
        secrets = [
            app.vault.seal(organization_id, f"account-secret:{some(ACCOUNT, number)}", "s3cret") for number in (1, 2)
        ]
    finally:
        app.close()
    assert path is not None
    Crowd(Path(path), organization_id, secrets, sizes).fill()
    # As a worker does in its first minute, and each hour.
    app = opened(place)
    try:
        asyncio.run(Keeper(app.database).sweep())
    finally:
        app.close()


def enter(app: App, sizes: Sizes) -> str:
    """Return the session of somebody who may see everything, after a look at whether there is what should be."""
    organization_id = app.organization().id
    return app.database.run_now(lambda tx: _sign_in(tx, app.vault, organization_id, sizes))


def _sign_in(tx: Transaction, vault: Vault, organization_id: str, sizes: Sizes) -> str:
    user_id = members.ensure(tx, organization_id, "megan.bowen", Role.ORGANIZATION_ADMINISTRATOR)
    # A page that shows less than it should would look quick.
    found = incidents.by_id(tx, organization_id, some(INCIDENT, sizes.incidents))
    assert len(incidents.alerts_of(tx, found.id)) == 3
    # As everybody has one by default; who needs one and has none sees no page.
    if second_factor.standing(tx, user_id).since is None:
        secret = second_factor.enrol(tx, vault, user_id).secret
        second_factor.confirm(tx, vault, user_id, pyotp.TOTP(secret).at(int(clock.timestamp())))
    return sessions.start(tx, user_id, timedelta(hours=2))


async def ask(app: App, wanted: dict[str, str], token: str, times: int) -> dict[str, dict[str, Any]]:
    """Ask for every page so often; return what each took, in milliseconds, and its size in bytes."""
    services = services_of(app)
    web = create_web(services, api=create_api(services))
    # As `ringfence serve` does once it is ready.
    garbage.settle()
    found: dict[str, dict[str, Any]] = {}
    for name, address in wanted.items():
        if address == "later":
            body = b"".join((await visit(web, "/alerts", token)).body).decode()
            address = body.split('href="/alerts?cursor=', 1)[1].split('"', 1)[0]
            address = f"/alerts?cursor={address}"
        wall, cpu, size = [], [], 0
        for number in range(times + _WARM):
            began, used = time.perf_counter(), time.process_time()
            answer = await visit(web, address, token)
            spent, used = time.perf_counter() - began, time.process_time() - used
            if answer.status != 200:
                raise RuntimeError(f"GET {address} was answered with {answer.status}.")
            size = answer.size
            if number >= _WARM:
                wall.append(spent * 1000)
                cpu.append(used * 1000)
        found[name] = {"wall": wall, "cpu": cpu, "size": size}
    return found


async def visit(app: ASGIApp, address: str, token: str) -> Visit:
    """Ask for a page as a browser with a session does."""
    path, _, query = address.partition("?")
    answer = Visit()
    scope: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", _HOST.encode()), (b"cookie", f"ringfence={token}".encode())],
        "client": (_HOST, 50000),
        "server": (_HOST, 80),
        "state": {},
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
        else:
            answer.size += len(message.get("body", b""))
            answer.body.append(message.get("body", b""))

    await app(scope, receive, send)
    return answer
