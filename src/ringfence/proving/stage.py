"""Where a scene is played: a simulated tenant, an installation in a folder that is thrown away, and one clock for both."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import sqlalchemy as sa

from ringfence import clock
from ringfence.accounts.clients import Clients
from ringfence.accounts.entering import NewAccount
from ringfence.app import App
from ringfence.defender import Limits
from ringfence.playbooks import library
from ringfence.playbooks.library import PlaybookState, StoredPlaybook
from ringfence.playbooks.model import DefenderAlertTrigger, Playbook
from ringfence.playbooks.proof import Subject
from ringfence.services import records as services
from ringfence.services import service as listening
from ringfence.services.service import Wanted
from ringfence.settings import Settings
from ringfence.simulator import Simulator, create_app, portal
from ringfence.simulator.specs import AlertSpec
from ringfence.simulator.tenant import Machine, Tenant
from ringfence.storage import Database, Transaction
from ringfence.storage.database import make_url
from ringfence.storage.tables import playbook_versions, playbooks
from ringfence.tables import service as tables

BY: Final = "the proof"
_ORIGIN: Final = "http://127.0.0.1:8900"
_SCENARIO: Final = "quiet"
_MACHINE: Final = "wks-001"
_ACCOUNT: Final = "simulated"


class Wire(httpx.AsyncBaseTransport):
    """The network, which ends at the simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self._app = httpx.ASGITransport(create_app(simulator))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Hand a request to the simulator, whatever host it is for."""
        return await self._app.handle_async_request(request)


@dataclass(frozen=True, slots=True)
class Stage:
    """A simulated tenant and an installation that knows it."""

    app: App
    clients: Clients
    simulator: Simulator
    organization_id: str
    account_id: str
    account: str
    name: str

    @property
    def tenant(self) -> Tenant:
        """The simulated tenant."""
        return next(iter(self.simulator.tenants.values()))

    @property
    def machine(self) -> Machine:
        """The machine that is played with: one that nothing protects."""
        return portal.require_machine(self.tenant, _MACHINE)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.simulator.clock.advance(max(seconds, 0.0))
        self.simulator.settle()

    def raise_alert(self, spec: AlertSpec) -> str:
        """Raise an alert a second from now and return its id."""
        self.advance(1)
        return portal.raise_alert(self.tenant, spec, self.simulator.clock.now())

    def publish(self, subject: Subject) -> StoredPlaybook:
        """Keep the version, and the components that it calls under the versions by which it calls them."""

        def work(tx: Transaction) -> StoredPlaybook:
            for each in subject.components:
                _put(tx, self.organization_id, each.name, each.version, each.source)
            _put(tx, self.organization_id, self.name, "1.0", subject.source)
            return library.get(tx, self.organization_id, self.name)

        return self.app.database.run_now(work)


def pretended() -> Machine:
    """Return the machine that every scene is played with, as it is in any of them."""
    return portal.require_machine(
        next(iter(Simulator.from_scenario(_SCENARIO, frozen=True).tenants.values())), _MACHINE
    )


def prepared(folder: Path) -> Path:
    """Make the empty database once; each scene gets a copy."""
    App.open(_settings(folder)).close()
    return folder


@asynccontextmanager
async def a_stage(prepared_in: Path, folder: Path, subject: Subject, playbook: Playbook) -> AsyncIterator[Stage]:
    """Set a stage in an empty folder: from now on the clock of this process is the simulator's."""
    shutil.copytree(prepared_in, folder)
    simulator = Simulator.from_scenario(_SCENARIO, frozen=True)
    clock.replace(simulator.clock.now)
    # The copy is of this release already: asking Alembic again would cost as much as the play.
    settings = _settings(folder)
    app = App(settings, Database(make_url(settings)), Wire(simulator), Limits(times=1000))
    clients = app.clients()
    try:
        yield await _furnished(app, clients, simulator, subject, playbook)
    finally:
        await clients.aclose()
        app.close()


async def _furnished(app: App, clients: Clients, simulator: Simulator, subject: Subject, playbook: Playbook) -> Stage:
    organization = app.organization()
    tenant = next(iter(simulator.tenants.values()))
    application = next(iter(tenant.apps.values()))
    service_name = playbook.trigger.service if isinstance(playbook.trigger, DefenderAlertTrigger) else None
    name = playbook.trigger.account or subject.services.get(service_name or "") or _ACCOUNT
    account, _ = await app.accounts(clients).add(
        organization.id,
        NewAccount(
            name=name,
            tenant_id=tenant.id,
            client_id=application.client_id,
            secret=application.secrets[0].value,
            login_url=_ORIGIN,
            api_url=_ORIGIN,
        ),
    )

    def furnish(tx: Transaction) -> None:
        for service in services.of_account(tx, account.id):
            listening.edit(tx, service, Wanted(name=service_name, start_at_once=True))
        for table in subject.tables:
            tables.make(tx, organization.id, table.name, table.kind, "", by=BY)

    app.database.run_now(furnish)
    return Stage(app, clients, simulator, organization.id, account.id, account.name, playbook.name)


def _put(tx: Transaction, organization_id: str, name: str, version: str, source: str) -> None:
    """Keep a version as it is, under its own number; they are not examined again."""
    now, version_id = clock.now(), clock.new_id()
    known = tx.one(sa.select(playbooks.c.id).where(playbooks.c.name == name))
    playbook_id = clock.new_id() if known is None else known["id"]
    if known is None:
        row = {"id": playbook_id, "organization_id": organization_id, "name": name, "state": PlaybookState.ACTIVE}
        tx.execute(
            sa.insert(playbooks), [row | {"active_version_id": version_id, "created_at": now, "updated_at": now}]
        )
    major, _, minor = version.partition(".")
    number = {"major": int(major), "minor": int(minor or 0), "published_at": now, "published_by": BY}
    tx.execute(
        sa.insert(playbook_versions), [{"id": version_id, "playbook_id": playbook_id, "source": source, **number}]
    )


def _settings(folder: Path) -> Settings:
    # Nothing of the installation's own settings counts here, whatever the environment says.
    return Settings(
        data=folder, database_url=None, poll_overlap=60.0, public_url=None, egress_private="", egress_hosts=""
    )
