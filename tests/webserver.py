"""The pages on a real server: uvicorn in a thread, a SQLite database with Contoso's rows, a recording of what was asked."""

import asyncio
import socket
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn

from accounts_samples import a_page
from contoso import Contoso, seed
from microsoft import Microsoft
from ringfence import clock
from ringfence.accounts.clients import Clients
from ringfence.accounts.entering import NewAccount
from ringfence.accounts.permissions import FEATURES
from ringfence.accounts.service import Accounts
from ringfence.accounts.simulated import NAME, SimulatedTenant
from ringfence.actions import Json
from ringfence.actions.catalogue import discover
from ringfence.alerts import queue
from ringfence.alerts.model import Alert
from ringfence.api import create_api
from ringfence.containment.explaining import Explanation
from ringfence.containment.verdict import Outcome
from ringfence.defender import RetryPolicy
from ringfence.errors import Conflict
from ringfence.ingestion.compare import Comparison, differences
from ringfence.ingestion.trial import Trial
from ringfence.listeners.receiving import Receiver
from ringfence.notifications.delivery import Sender
from ringfence.organizations.model import Organization
from ringfence.playbooks import needs
from ringfence.rehearsals.desk import DryRun, Wish
from ringfence.rehearsals.report import How, Report, StepReport
from ringfence.runs.alert_changes import AlertChange
from ringfence.runs.by_hand import GoingOn
from ringfence.runs.one_action import Carried
from ringfence.security import links
from ringfence.security.crypto import Vault
from ringfence.security.egress import networks
from ringfence.services.model import Service
from ringfence.settings import Settings
from ringfence.storage import Database
from ringfence.web import Services, create_web

VAULT = Vault(bytes(32))
# The name by which tests ask, as often as they like.
NEW: dict[str, Any] = {
    "allowed_hosts": "ringfence.test",
    "rate_address": 0,
    "rate_session": 0,
    "rate_organization": 0,
}
# Those who test what is behind the door come in by one factor; NEW is what a new installation demands.
OPEN = NEW | {"second_factor": "nobody"}


class Pretended(SimulatedTenant):
    """Says what connects its tenant, and starts nothing."""

    async def start(self) -> NewAccount:
        return NewAccount(
            name=NAME,
            tenant_id="7a1f3c52-aa",
            client_id="7a1f3c52-bb",
            secret="s3cret~of-the-simulator",
            features=tuple(FEATURES),
            login_url="http://127.0.0.1:8900",
            api_url="http://127.0.0.1:8900",
        )


@dataclass
class Asked:
    """What the pages asked for."""

    contained: list[dict[str, object]] = field(default_factory=list)
    released: list[dict[str, object]] = field(default_factory=list)
    compared: list[tuple[str, str]] = field(default_factory=list)
    tried: list[Wish] = field(default_factory=list)
    explained: list[dict[str, object]] = field(default_factory=list)
    acted: list[tuple[str, dict[str, Json], str | None, str]] = field(default_factory=list)
    changed: list[tuple[str, AlertChange, str]] = field(default_factory=list)
    microsoft: Microsoft = field(default_factory=lambda: Microsoft(otherwise=a_page()))
    outcome: Outcome = Outcome.ASK
    answer: str = ""
    refuse: str = ""

    async def contain(self, **values: object) -> str:
        """Take note of a containment."""
        self._refuse()
        self.contained.append(values)
        return self.answer

    async def release(self, **values: object) -> None:
        """Take note of a release."""
        self._refuse()
        self.released.append(values)

    async def compare(self, service: Service, since: str) -> Comparison:
        """Find that two sources without alerts are alike."""
        self._refuse()
        self.compared.append((service.name, since))
        return differences({}, {}, since=clock.now(), until=clock.now())

    async def explain(self, *, target: str, **values: object) -> Explanation:
        """Find that a person has to be asked about the host."""
        self._refuse()
        name = target if target.endswith(".contoso.com") else "dc-01.contoso.com"
        self.explained.append({"target": target} | values)
        return Explanation(
            target=target,
            machine_id="a" * 40,
            machine_name=name,
            device_group=None,
            outcome=self.outcome,
            reasons=("The device runs a server's operating system (WindowsServer2022).",),
            facts={"name": name, "tags": ["<b>Blue</b>"], "fleet": None},
            candidates=(),
            approvers=("megan",),
            needed=1,
            policy_version="organization 1",
            overruled=(),
            held_by=None,
            at="2026-01-31T12:00:00.000Z",
        )

    async def dry_run(self, organization: Organization, wish: Wish) -> DryRun:
        """Note what is to be tried, and find one step that would have acted."""
        self._refuse()
        self.tried.append(wish)
        said = ("Would isolate <b>ws-1</b>, Full.", "Policy allows it: Because.")
        step = StepReport("isolate", "containment.contain", "contain", How.DESCRIBED, "succeeded", "success", said=said)
        return DryRun(
            "Ransomware",
            False,
            "The severity is Low, not High.",
            "contoso",
            (),
            Report("One", "succeeded", "", (step,)),
        )

    async def change_alert(
        self, database: Database, *, organization: Organization, alert_id: str, wanted: AlertChange, by: str
    ) -> Alert:
        """Take note of a change of an alert, and return the alert as it was."""
        self._refuse()
        self.changed.append((alert_id, wanted, by))
        return await database.read(lambda tx: queue.get(tx, organization.id, alert_id))

    @asynccontextmanager
    async def accounts(self, database: Database) -> AsyncIterator[Accounts]:
        """Give what tests and connects accounts; its whole network is `microsoft`, and the playbooks are the database's."""
        clients = Clients(database, VAULT, transport=self.microsoft.transport, retry=RetryPolicy(attempts=1))
        try:
            yield Accounts(database, VAULT, clients, wishes=needs.asking(discover))
        finally:
            await clients.aclose()

    async def act(
        self, organization: Organization, action: str, inputs: Mapping[str, Json], *, account: str | None, by: str
    ) -> Carried:
        """Note what was to be done; what contains goes on, and all else has ended with what it was given."""
        self._refuse()
        self.acted.append((action, dict(inputs), account, by))
        going_on = GoingOn("containment", self.answer) if action.startswith("containment.") else None
        outcome, output = (None, None) if going_on else ("success", dict(inputs))
        return Carried(action, account, outcome, output, going_on, (("info", "Done."),), ())

    async def try_service(self, service: Service) -> Trial:
        """Find that the source of a service answers."""
        self._refuse()
        sentence = "Reading alerts of Defender for Endpoint works; 3 were updated in the last day."
        return Trial(True, sentence, "", 0.4, 3)

    def _refuse(self) -> None:
        if self.refuse:
            raise Conflict(self.refuse, advice="Look at the board.")


def make_services(database: Database, asked: Asked | None = None, settings: Settings | None = None) -> Services:
    """Return services whose actions are noted down only."""
    asked = asked or Asked()
    # Keys are written into the data folder: beside the file of SQLite, and for PostgreSQL into one that nobody else has.
    embedded = database.engine.dialect.name == "sqlite"
    data = Path(database.url.database or "").parent if embedded else Path(tempfile.mkdtemp(prefix="ringfence-data-"))
    return Services(
        database,
        settings or Settings(data=data, **OPEN),
        asked.contain,
        asked.release,
        Receiver(database, VAULT, tolerance=300.0),
        asked.compare,
        asked.explain,
        Sender(VAULT, "http://ringfence.test", networks("127.0.0.1")),
        asked.dry_run,
        partial(asked.change_alert, database),
        partial(asked.accounts, database),
        asked.act,
        asked.try_service,
        simulated=Pretended(data / "simulated"),
    )


@dataclass
class Site:
    """A running server."""

    url: str
    database: Database
    contoso: Contoso
    asked: Asked

    def link(self) -> str:
        """Return the address of a new sign-in link."""
        token = self.database.run_now(lambda tx: links.create(tx, self.contoso.user_id, timedelta(minutes=5)))
        return f"{self.url}/sign-in/link?token={token}"


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: threading.Event) -> None:
        super().__init__(config)
        self._ready = ready
        self.port = 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.servers:
            self.port = self.servers[0].sockets[0].getsockname()[1]
        self._ready.set()


@contextmanager
def serving(database: Database) -> Iterator[Site]:
    """Run the server with Contoso's rows."""
    contoso = database.run_now(lambda tx: seed(tx, now=clock.now()))
    asked = Asked(answer=contoso.containment_id)
    with running(database, asked) as url:
        yield Site(url, database, contoso, asked)


@contextmanager
def running(database: Database, asked: Asked) -> Iterator[str]:
    """Run the server on a free loopback port, and give its address; at the end it must stop although streams are open."""
    started, stopped = threading.Event(), threading.Event()
    ends: list[tuple[asyncio.AbstractEventLoop, asyncio.Event, _Server]] = []
    failures: list[BaseException] = []

    async def main() -> None:
        services = make_services(database, asked)
        app = create_web(services, api=create_api(services))
        config = uvicorn.Config(app, port=0, log_level="warning", lifespan="off", ws="none")
        server = _Server(config, started)
        ends.append((asyncio.get_running_loop(), services.stopping, server))
        await server.serve()

    def run() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            failures.append(error)
        finally:
            started.set()
            stopped.set()

    thread = threading.Thread(target=run, name="webserver")
    thread.start()
    started.wait(60)
    if not ends or ends[0][2].port == 0:
        raise RuntimeError("The server did not start.") from (failures[0] if failures else None)
    try:
        yield f"http://127.0.0.1:{ends[0][2].port}"
    finally:
        loop, stopping, server = ends[0]

        def end() -> None:
            stopping.set()
            server.should_exit = True

        loop.call_soon_threadsafe(end)
        thread.join(20)
        if not stopped.is_set():
            raise RuntimeError("The server did not stop: a stream holds it.")
