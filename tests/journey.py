"""The whole journey, from an alert to a released host, with the worker as a process of its own that can be killed.

The simulator runs in the test's process, on a real socket; the worker is `journey_worker.py` in a process of its own; what
happened is asked of the simulator's journal, which the worker cannot influence.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from databases import plain
from journey_processes import WorkerProcess
from ringfence import clock
from ringfence.accounts.clients import purpose
from ringfence.accounts.entering import NewAccount
from ringfence.app import App
from ringfence.defender import Limits
from ringfence.demo.stage import SimulatorThread
from ringfence.playbooks import library
from ringfence.settings import Settings
from ringfence.simulator import Simulator, SimulatorControl
from ringfence.simulator.tenant import App as Application
from ringfence.storage import Transaction, changes
from ringfence.storage.tables import accounts, containments, runs, step_runs

PATIENCE = 90.0


def playbook(*, watch: str = "300 ms") -> str:
    """Return the starter playbook with a shorter investigation and shorter pauses between attempts."""
    text = files("ringfence.playbooks").joinpath("starters", "contain-ransomware.yaml").read_text(encoding="utf-8")
    return text.replace("duration: 20 s", f"duration: {watch}").replace("backoff: 5 s", "backoff: 1 s")


@dataclass
class Journey:
    """An installation, a simulator with a tenant, and workers."""

    app: App
    organization_id: str
    simulator: SimulatorThread
    control: SimulatorControl
    environment: dict[str, str]
    workers: list[WorkerProcess] = field(default_factory=list)

    def start_worker(self, *, crash: dict[str, Any] | None = None) -> WorkerProcess:
        """Start a worker; `crash` names the boundary at which it kills itself."""
        log = self.app.settings.data / f"worker-{len(self.workers):03}.log"
        log.touch()
        worker = WorkerProcess(self.environment, crash, log)
        self.workers.append(worker)
        return worker

    async def until_logged(self, worker: WorkerProcess, text: str) -> None:
        """Wait until a worker has logged a text, or has ended."""
        async with asyncio.timeout(PATIENCE):
            # Another process's log can only be looked at.
            while not worker.ended() and text not in worker.log.read_text(errors="replace"):  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def live_for(self, seconds: float) -> None:
        """Let the world run for a while: a moment chosen at random, not something to wait for."""
        await asyncio.sleep(seconds)

    def log(self) -> str:
        """Return what the workers logged, for the message of a failing test."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.app.settings.data.glob("*.log")))

    async def alert(self, machine: str, **fields: Any) -> str:
        """Let the simulator raise a high ransomware alert, and return its id."""
        values = {"severity": "High", "category": "Ransomware", "title": f"Ransomware on {machine}"} | fields
        return (await self.control.inject_alerts(machine, **values))[0]

    async def until(self, done: Callable[[Transaction], bool], *, patience: float = PATIENCE) -> None:
        """Wait until the rows say `done`; fail, with the workers' logs, if they never do."""
        try:
            async with asyncio.timeout(patience):
                if await self.app.database.read(done):
                    return
                async for _ in changes.follow(self.app.database, 0, interval=0.05):
                    if await self.app.database.read(done):
                        return
        except TimeoutError:
            state = await self.app.database.read(describe)
            raise AssertionError(f"Not done after {patience:g} s.\n{state}\n{self.log()[-6000:]}") from None

    async def asked(self, operation: str) -> list[str]:
        """Return the machine ids that an operation was carried out for, from the simulator's journal."""
        entries = await self.control.journal(operation=operation)
        # A request that a fault swallowed before it reached the operation names no machine.
        return [entry["machine_id"] for entry in entries if entry["machine_id"] is not None]

    def machine(self, name: str) -> str:
        """Return the id of the simulated machine with a name."""
        tenant = next(iter(self.simulator.simulator.tenants.values()))
        return next(machine.id for machine in tenant.machines.values() if machine.name == name)

    def application(self) -> Application:
        """Return the application that is registered in the simulated tenant."""
        return next(iter(next(iter(self.simulator.simulator.tenants.values())).apps.values()))

    def entered(self) -> NewAccount:
        """Return what a person enters to connect the simulated tenant."""
        tenant = next(iter(self.simulator.simulator.tenants.values()))
        application = self.application()
        return NewAccount(
            name="contoso",
            tenant_id=tenant.id,
            client_id=application.client_id,
            secret=application.secrets[0].value,
            login_url=self.simulator.origin,
            api_url=self.simulator.origin,
        )

    async def move_account(self, tenant: dict[str, Any], *, login: str, api: str) -> None:
        """Let the account reach another simulator's tenant from now on."""
        identity = await self.app.database.read(lambda tx: tx.scalar(sa.select(accounts.c.id)))
        sealed = self.app.vault.seal(self.organization_id, purpose(identity), tenant["client_secret"])
        values = {
            "tenant_id": tenant["tenant_id"],
            "client_id": tenant["client_id"],
            "secret_sealed": sealed,
            "login_url": login,
            "api_url": api,
            "updated_at": clock.now(),
        }
        await self.app.database.run(lambda tx: tx.execute(sa.update(accounts).values(**values)))

    def kill_all(self) -> None:
        """Kill every worker, without a chance to tidy up."""
        for worker in self.workers:
            worker.kill()
            worker.wait()


def describe(tx: Transaction) -> str:
    """Say how far things have come, for the message of a failing test."""
    lines = [str(dict(row)) for row in tx.all(sa.select(runs.c.id, runs.c.status, runs.c.error, runs.c.lease_owner))]
    lines += [
        str(dict(row))
        for row in tx.all(sa.select(step_runs.c.step, step_runs.c.status, step_runs.c.error, step_runs.c.wake_at))
    ]
    lines += [
        str(dict(row))
        for row in tx.all(
            sa.select(containments.c.machine_name, containments.c.state, containments.c.detail, containments.c.next_at)
        )
    ]
    return "\n".join(lines)


def ended(count: int) -> Callable[[Transaction], bool]:
    """Be done when this many runs succeeded, and every containment is over."""

    def done(tx: Transaction) -> bool:
        succeeded = tx.scalar(sa.select(sa.func.count()).select_from(runs).where(runs.c.status == "succeeded"))
        live = tx.scalar(
            sa.select(sa.func.count()).select_from(containments).where(containments.c.finished_at.is_(None))
        )
        return bool(succeeded == count and not live)

    return done


async def connected(trip: Journey) -> None:
    """Connect the simulated tenant, as a person does whose secret is right."""
    async with trip.app.connecting() as accounts_:
        await accounts_.add(trip.organization_id, trip.entered())


@asynccontextmanager
async def journey(
    folder: Path,
    database_url: sa.URL | None = None,
    *,
    speed: float = 20.0,
    watch: str = "300 ms",
    scenario: str = "quiet",
    connect: Callable[[Journey], Awaitable[None]] = connected,
    **settings: Any,
) -> AsyncIterator[Journey]:
    """Set everything up, on SQLite in the folder or on the PostgreSQL named; stop everything at the end.

    `connect` makes the account `contoso`, and proves it.
    """
    simulator = SimulatorThread(Simulator.from_scenario(scenario, speed=speed))
    simulator.start()
    values: dict[str, Any] = {
        "data": folder,
        "database_url": plain(database_url) if database_url is not None else None,
        "poll_interval": 0.2,
        "poll_overlap": 60.0,
        "confirm_interval": 0.1,
        "sweep_interval": 1.0,
    } | settings
    app = App.open(Settings(**values), limits=Limits(times=1000))
    environment = os.environ | {
        f"RINGFENCE_{name.upper()}": str(value) for name, value in values.items() if value is not None
    }
    organization = app.organization()
    async with SimulatorControl(simulator.origin) as control:
        made = Journey(app, organization.id, simulator, control, environment)
        try:
            await connect(made)
            app.database.run_now(
                lambda tx: library.publish(
                    tx, organization.id, playbook(watch=watch), "the test", catalogue=app.catalogue
                )
            )
            yield made
        finally:
            made.kill_all()
            simulator.stop()
            app.close()


def names(journey_: Journey, count: int) -> Sequence[str]:
    """Return the names of the first machines of the tenant that nothing protects and nobody has to be asked about."""
    tenant = next(iter(journey_.simulator.simulator.tenants.values()))
    plain_ones = [
        machine.name
        for machine in tenant.machines.values()
        if machine.online_since is not None
        and not machine.record.document["machineTags"]
        and machine.record.document["deviceValue"] != "High"
        and "Server" not in str(machine.record.document["osPlatform"])
    ]
    assert len(plain_ones) >= count
    return plain_ones[:count]
