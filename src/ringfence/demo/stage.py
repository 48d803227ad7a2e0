"""Set the stage: a simulator on a loopback port, an installation in a folder, its account connected, its playbook active."""

import asyncio
import threading
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from ringfence.accounts.entering import NewAccount
from ringfence.app import App
from ringfence.defender import Limits
from ringfence.organizations.model import Organization
from ringfence.playbooks import library
from ringfence.settings import Settings
from ringfence.simulator import Simulator
from ringfence.simulator.server import serve
from ringfence.worker import WorkerThread

ACCOUNT = "contoso"
PLAYBOOK = "contain-ransomware.yaml"
_WATCH = "duration: 20 s"
# Until the worker is ready the scenario's time all but stands still.
_STANDING = 0.001


class SimulatorThread:
    """A simulator that listens on a free loopback port, on a thread and an event loop of its own."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.origin = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="simulator", daemon=True)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        await serve(self.simulator, on_ready=self._listens, stop=self._stop)

    def _listens(self, origin: str) -> None:
        self.origin = origin
        self._ready.set()

    def start(self) -> None:
        """Start, and return when it listens."""
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """Stop, and return when it has."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=10)


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that a demo needs, set up; `tenant_id` is the simulated tenant that the account reaches."""

    app: App
    organization: Organization
    simulator: SimulatorThread
    worker: WorkerThread
    tenant_id: str


def settings_for(folder: Path, *, port: int, hurry: bool) -> Settings:
    """Return the settings of a demo: much shorter intervals than in real life, where Microsoft counts the calls."""
    return Settings(
        data=folder,
        database_url=None,
        port=port,
        poll_interval=0.1 if hurry else 1.0,
        poll_overlap=60.0,
        confirm_interval=0.05 if hurry else 1.0,
        sweep_interval=1.0,
        # A folder that is thrown away, and a tenant that is played: there is nothing to guard.
        second_factor="nobody",
    )


def set_up(settings: Settings, *, hurry: bool) -> Stage:
    """Start the simulator, connect its first tenant, publish the starter playbook; the worker is made, not started."""
    simulator = SimulatorThread(Simulator.from_scenario("ransomware", speed=_STANDING))
    tenant = next(iter(simulator.simulator.tenants.values()))
    application = next(iter(tenant.apps.values()))
    simulator.start()
    # Days of the story pass in minutes, so that the minutes of the quota would be far too long.
    app = App.open(settings, limits=Limits(times=1000))
    organization = app.organization()
    new = NewAccount(
        name=ACCOUNT,
        tenant_id=tenant.id,
        client_id=application.client_id,
        secret=application.secrets[0].value,
        login_url=simulator.origin,
        api_url=simulator.origin,
    )
    asyncio.run(_connect(app, organization, new))
    text = files("ringfence.playbooks").joinpath("starters", PLAYBOOK).read_text(encoding="utf-8")
    if hurry:
        assert _WATCH in text, "the starter's investigation is shortened for the demo"
        text = text.replace(_WATCH, "duration: 500 ms")
    app.database.run_now(
        lambda tx: library.publish(tx, organization.id, text, "the demo", catalogue=app.catalogue, path=PLAYBOOK)
    )
    return Stage(app, organization, simulator, WorkerThread(app), tenant.id)


async def _connect(app: App, organization: Organization, new: NewAccount) -> None:
    clients = app.clients()
    try:
        await app.accounts(clients).add(organization.id, new)
    finally:
        await clients.aclose()


def begin(stage: Stage, *, speed: float) -> None:
    """Start the worker, then let the scenario begin, `speed` times faster than it is written."""
    stage.worker.start()
    clock = stage.simulator.simulator.clock
    clock.set_speed(speed)
    clock.restart_scenario()


def strike(stage: Stage) -> None:
    """Stop everything, the worker first."""
    stage.worker.stop()
    stage.simulator.stop()
    stage.app.close()
