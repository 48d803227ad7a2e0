"""A tenant in the simulator, an organization that contains hosts in it, and one clock for both, for tests.

Time stands still unless a test moves it, so that hours and days pass in milliseconds.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization
from ringfence import clock
from ringfence.containment import claims, policies, service
from ringfence.containment.driver import ClientSource, Driver
from ringfence.containment.model import Containment, State
from ringfence.defender import ClientSecret, Cloud, DefenderClient, DefenderError, RetryPolicy
from ringfence.simulator import Simulator, create_app, portal
from ringfence.simulator.faults import Fault
from ringfence.simulator.journal import Entry
from ringfence.simulator.specs import MachineChange, PortalAction
from ringfence.simulator.tenant import Action, App, Machine, Tenant
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import accounts, containment_events, containment_holds, containments

ADDRESS = "http://127.0.0.1:8900"
MOST_ROUNDS = 200


class Wire(httpx.AsyncBaseTransport):
    """The network to a simulator; `before` and `after` see each request to the API as it leaves and as its reply comes.

    `hold` may keep a request back.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._app = httpx.ASGITransport(create_app(simulator))
        self.before: Callable[[httpx.Request], None] = _nothing
        self.after: Callable[[httpx.Request], None] = _nothing
        self.hold: Callable[[httpx.Request], Awaitable[None]] = _no_wait

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.startswith("/api/"):
            return await self._app.handle_async_request(request)
        self.before(request)
        await self.hold(request)
        response = await self._app.handle_async_request(request)
        self.after(request)
        return response


def _nothing(_: httpx.Request) -> None:
    return None


async def _no_wait(_: httpx.Request) -> None:
    return None


class OneClient:
    """A ClientSource that gives one opened client for every account and keeps what it is told."""

    def __init__(self, client: DefenderClient) -> None:
        self._client = client
        self.reported: list[DefenderError] = []

    async def get(self, account_id: str) -> DefenderClient:
        return self._client

    async def report(self, account_id: str, error: DefenderError) -> bool:
        self.reported.append(error)
        return True


@dataclass
class World:
    """Everything a history of containments needs."""

    database: Database
    simulator: Simulator
    wire: Wire
    clients: ClientSource
    organization_id: str
    account_id: str
    slept: list[float] = field(default_factory=list)
    drivers: int = 0

    # --- the tenant --------------------------------------------------------------------------------------------------

    @property
    def tenant(self) -> Tenant:
        return next(iter(self.simulator.tenants.values()))

    @property
    def app(self) -> App:
        return next(iter(self.tenant.apps.values()))

    def machine(self, name: str) -> Machine:
        found = self.tenant.find_machine(name)
        assert found is not None
        return found

    def change(self, name: str, **changes: Any) -> None:
        """Change a machine: online, tags, next_outcome, fields."""
        self.simulator.settle()
        now = self.simulator.clock.now()
        change = MachineChange.model_validate(changes)
        portal.edit_machine(self.tenant, self.machine(name), change, self.simulator.clock, now)

    def portal(self, name: str, kind: str) -> None:
        """Let an analyst isolate or release a machine in the portal."""
        self.simulator.settle()
        request = PortalAction.model_validate({"machine": name, "type": kind})
        portal.act(self.tenant, request, self.simulator.clock, self.simulator.clock.now())

    def fault(self, kind: str, operation: str, **options: Any) -> None:
        self.simulator.faults.add(Fault.model_validate({"kind": kind, "operation": operation, **options}))

    def actions(self, kind: str, name: str | None = None, *, ours: bool = True) -> list[Action]:
        """Return the machine actions that came through the API (or, not `ours`, from the portal)."""
        source = "PublicApi" if ours else "Portal"
        wanted = None if name is None else self.machine(name).id
        return [
            action
            for action in self.tenant.actions.values()
            if action.type == kind
            and action.record.document["requestSource"] == source
            and wanted in (None, action.machine_id)
        ]

    def sent(self, operation: str) -> list[Entry]:
        """Return the requests of an operation that reached the simulator."""
        return self.simulator.journal.find(operation=operation)

    # --- time --------------------------------------------------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        self.simulator.clock.advance(seconds)
        self.simulator.settle()

    async def drive(self) -> None:
        """Drive until nothing is due."""
        for _ in range(MOST_ROUNDS):
            if not await self.driver().drive_due():
                return
        raise AssertionError("there is no end to what is due")

    async def pass_time(self, seconds: float, *, rounds: int = MOST_ROUNDS) -> None:
        """Let time pass, driving at each moment at which something falls due."""
        end = self.simulator.clock.now() + seconds
        for _ in range(rounds):
            await self.drive()
            due = self.database.read_now(claims.next_due)
            now = self.simulator.clock.now()
            if due is None or due.timestamp() >= end:
                self.advance(end - now)
                await self.drive()
                return
            self.advance(due.timestamp() - now + 0.001)
        raise AssertionError("something falls due again and again")

    def driver(self) -> Driver:
        """Make the driver of another process."""
        self.drivers += 1
        return Driver(self.database, self.clients, owner=f"worker-{self.drivers}")

    async def settle(self, containment: Containment, state: State, *, within: float = 300.0) -> Containment:
        """Let time pass until a containment has a state."""
        end = self.simulator.clock.now() + within
        while True:
            await self.drive()
            found = self.look(containment)
            if found.state == state or self.simulator.clock.now() >= end or found.final:
                assert found.state == state, (found.state, found.detail)
                return found
            due = self.database.read_now(claims.next_due)
            assert due is not None
            self.advance(max(due.timestamp() - self.simulator.clock.now(), 0) + 0.001)

    # --- containments ------------------------------------------------------------------------------------------------

    def request(self, target: str, *, key: str | None = None, **options: Any) -> Containment:
        """Ask for a host to be contained."""
        values: dict[str, Any] = {"reason": "Ransomware", "requested_by": "playbook test 1"} | options
        return self.database.run_now(
            lambda tx: service.request(
                tx,
                organization_id=self.organization_id,
                account_id=self.account_id,
                target=target,
                key=key or clock.new_id(),
                **values,
            )
        )

    def let_go(self, containment: Containment, *, holder_prefix: str | None = None) -> Containment:
        return self.database.run_now(
            lambda tx: service.let_go(tx, containment.id, by="asmith", reason="Clean", holder_prefix=holder_prefix)
        )

    def look(self, containment: Containment) -> Containment:
        return self.database.read_now(lambda tx: service.get(tx, containment.id))

    def states(self, containment: Containment) -> list[str]:
        """Return the states that a containment went through."""
        rows = self.database.read_now(
            lambda tx: tx.all(
                sa.select(containment_events.c.before, containment_events.c.after)
                .where(containment_events.c.containment_id == containment.id)
                .order_by(containment_events.c.id)
            )
        )
        return [row["after"] for row in rows if row["before"] != row["after"]]

    def details(self, containment: Containment) -> list[str]:
        """Return the sentences of a containment's events."""
        query = sa.select(containment_events.c.detail).where(containment_events.c.containment_id == containment.id)
        rows = self.database.read_now(lambda tx: tx.all(query.order_by(containment_events.c.id)))
        return [row["detail"] for row in rows]

    def holders(self, containment: Containment) -> set[str]:
        """Return who still holds a containment."""
        holds = containment_holds.c
        query = sa.select(holds.holder).where(holds.containment_id == containment.id, holds.let_go_at.is_(None))
        return {row["holder"] for row in self.database.read_now(lambda tx: tx.all(query))}

    def set_policy(self, **values: Any) -> None:
        """Write the next version of the organization's policy."""
        scope = policies.Scope(self.organization_id)

        def work(tx: Transaction) -> None:
            before = policies.newest(tx, scope)
            policies.write(tx, scope, values, expected_version=before.version, by="tests")

        self.database.run_now(work)

    def set_containment(self, containment: Containment, **values: Any) -> None:
        where = containments.c.id == containment.id
        self.database.run_now(lambda tx: tx.execute(sa.update(containments).where(where).values(**values)))

    def set_account(self, **values: Any) -> None:
        where = accounts.c.id == self.account_id
        self.database.run_now(lambda tx: tx.execute(sa.update(accounts).where(where).values(**values)))


@asynccontextmanager
async def a_world(
    database: Database, simulator: Simulator | None = None, *, name: str | None = None
) -> AsyncIterator[World]:
    """Make a world with a client that is signed in as the tenant's first app and never really waits."""
    simulator = simulator or Simulator.from_scenario("quiet", frozen=True)
    clock.replace(simulator.clock.now)
    wire = Wire(simulator)
    tenant = next(iter(simulator.tenants.values()))
    app = next(iter(tenant.apps.values()))
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        simulator.clock.advance(seconds)

    credential = ClientSecret(app.client_id, app.secrets[0].value)
    retry = RetryPolicy(attempts=2, sleep=sleep, chance=lambda: 0.0)
    organization_id = an_organization(database, name or f"Contoso {clock.new_id()}")
    account = a_stored_account(database, organization_id, tenant_id=tenant.id, client_id=app.client_id)
    async with DefenderClient(Cloud.simulator(ADDRESS), tenant.id, credential, transport=wire, retry=retry) as client:
        yield World(database, simulator, wire, OneClient(client), organization_id, account.id, slept)
