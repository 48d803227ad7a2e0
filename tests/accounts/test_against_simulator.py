"""What connecting, failing and recovering look like against the pretend Microsoft, through the real client."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from accounts_samples import VAULT, an_organization
from outside import key_pair
from ringfence import clock
from ringfence.accounts import certificates, records
from ringfence.accounts.checking import Checker
from ringfence.accounts.clients import Clients
from ringfence.accounts.entering import NewAccount
from ringfence.accounts.model import Account, AccountState
from ringfence.accounts.proof import NEEDED_ROLES
from ringfence.accounts.service import Accounts, NotProven
from ringfence.defender import AuthenticationFailed, DefenderError, RetryPolicy
from ringfence.ingestion.loop import Follower, Means
from ringfence.ingestion.poller import Poller, PollReport
from ringfence.services.heartbeats import Heartbeats
from ringfence.settings import Settings
from ringfence.simulator import Simulator, SimulatorControl, create_app
from ringfence.storage import Database
from service_samples import put, the_service

BASE = "http://127.0.0.1:9"


class _Line(httpx.AsyncBaseTransport):
    """The line to the simulator, which can be cut."""

    def __init__(self, simulator: Simulator) -> None:
        self.cut = False
        self._app = httpx.ASGITransport(app=create_app(simulator))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.cut:
            raise httpx.ConnectError("No route to host.")
        return await self._app.handle_async_request(request)


class World:
    """A simulator, its tenant's first application, and an organization that connects to it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.simulator = Simulator.from_scenario("quiet", frozen=True)
        self.line = _Line(self.simulator)
        self.control = SimulatorControl(BASE, transport=self.line)
        self.tenant = next(iter(self.simulator.tenants.values()))
        app = next(iter(self.tenant.apps.values()))
        self.organization = an_organization(database)
        self.new = NewAccount(
            name="contoso",
            tenant_id=self.tenant.id,
            client_id=app.client_id,
            secret=app.secrets[0].value,
            login_url=BASE,
            api_url=BASE,
        )
        self.secret_id = app.secrets[0].id
        self.clients = Clients(database, VAULT, transport=self.line, retry=RetryPolicy(attempts=1))
        self.accounts = Accounts(database, VAULT, self.clients)
        self.poller = Poller(database, self.clients, Settings(), lambda runs: None)

    @property
    def machine(self) -> str:
        return next(iter(self.tenant.machines.values())).name

    async def poll(self, account_id: str) -> PollReport:
        return await self.poller.poll(the_service(self.database, account_id))

    def row(self) -> Account:
        return self.database.read_now(lambda tx: records.by_name(tx, self.organization, "contoso"))

    async def refused(self, new: NewAccount) -> str:
        """Return what adding an account is refused with; nothing may be saved."""
        with pytest.raises(NotProven) as caught:
            await self.accounts.add(self.organization, new)
        assert self.database.read_now(lambda tx: records.every(tx, self.organization)) == []
        return str(caught.value)


@pytest.fixture
async def world(embedded: Database) -> AsyncIterator[World]:
    made = World(embedded)
    yield made
    await made.clients.aclose()
    await made.control.close()


async def test_an_account_is_connected_and_its_alerts_are_read(world: World) -> None:
    await world.control.inject_alerts(world.machine, severity="High", count=3)
    account, report = await world.accounts.add(world.organization, world.new)
    assert account.state is AccountState.HEALTHY
    assert {"machines", "alerts"} <= {check.name for check in report.checks if check.ok}
    assert (await world.poll(account.id)).new == 3
    assert (await world.poll(account.id)).new == 0


async def test_a_wrong_secret_is_said_and_not_saved(world: World) -> None:
    assert "does not accept this client secret" in await world.refused(replace(world.new, secret="wr0ng~value"))


async def test_a_secrets_id_is_recognised(world: World) -> None:
    assert "secret's id, not its value" in await world.refused(replace(world.new, secret=world.secret_id))


async def test_an_expired_secret_is_said(world: World) -> None:
    await world.control.expire_secret(world.new.client_id, world.secret_id)
    await world.control.advance(1)
    assert "expired" in await world.refused(world.new)


async def test_a_certificate_takes_the_place_of_a_secret_and_of_another_certificate(world: World) -> None:
    # Assertions live by the machine's clock.
    world.simulator.clock.thaw()
    app = next(iter(world.tenant.apps.values()))
    account, _ = await world.accounts.add(world.organization, world.new)
    assert (await world.poll(account.id)).new == 0
    pairs = [key_pair(), key_pair()]
    for pair in pairs:
        certificate = certificates.read((pair.key + pair.certificate).encode())
        with pytest.raises(NotProven, match="does not accept this certificate"):
            await world.accounts.renew(world.organization, "contoso", certificate)
        app.certificates = [pair.certificate]
        renewed, report = await world.accounts.renew(world.organization, "contoso", certificate)
        assert report.ok
        assert (renewed.certificate_thumbprint, renewed.secret_expires_on) == (
            certificate.thumbprint,
            certificate.expires_at.date(),
        )
        app.secrets = []
        await world.control.inject_alerts(world.machine, count=1)
        assert (await world.poll(account.id)).new == 1


async def test_an_unknown_tenant_and_an_unknown_application_are_told_apart(world: World) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    assert "no such tenant" in await world.refused(replace(world.new, tenant_id=nobody))
    assert "no application" in await world.refused(replace(world.new, client_id=nobody))


async def test_a_missing_permission_is_named(world: World) -> None:
    roles = [role for role in NEEDED_ROLES if role not in ("Machine.Read.All", "Machine.Isolate")]
    await world.control.edit_app(world.new.client_id, roles=roles)
    said = await world.refused(world.new)
    assert "Machine.Isolate is missing" in said
    assert "Reading machines failed: the permission Machine.Read.All" in said


async def test_an_unreachable_host_is_said(world: World) -> None:
    world.line.cut = True
    assert "could not be reached" in await world.refused(world.new)


async def test_a_secret_that_expires_pauses_the_polling_until_it_is_renewed_and_nothing_is_lost(world: World) -> None:
    account, _ = await world.accounts.add(world.organization, world.new)
    await world.control.inject_alerts(world.machine, count=2)
    assert (await world.poll(account.id)).new == 2
    await world.control.inject_alerts(world.machine, count=2)
    await world.control.expire_secret(world.new.client_id, world.secret_id)
    # The token outlives its secret: only a new sign-in meets the refusal.
    await world.control.advance(7_200)
    row = put(world.database, the_service(world.database, account.id).id, start_at_once=True)
    beats = Heartbeats(world.database)
    means = Means(world.database, world.poller, world.accounts, Settings(), beats, chance=lambda: 0.5)
    follower = Follower(row, means)
    assert await follower.step() == 5.0
    assert world.row().state is AccountState.FAILED
    assert "expired" in world.row().state_reason
    assert "expired" in the_service(world.database, account.id).poll_error
    follower.notice(the_service(world.database, account.id))
    assert await follower.step() == 10.0
    fresh = await world.control.add_secret(world.new.client_id)
    await world.accounts.renew(world.organization, "contoso", fresh["value"])
    assert world.row().state is AccountState.HEALTHY
    assert (await world.poll(account.id)).new == 2


async def test_a_line_that_is_cut_is_recorded_and_the_account_stays_healthy(world: World) -> None:
    account, _ = await world.accounts.add(world.organization, world.new)
    await world.control.inject_alerts(world.machine, count=2)
    world.line.cut = True
    with pytest.raises(DefenderError):
        await world.poll(account.id)
    assert world.row().state is AccountState.HEALTHY
    world.line.cut = False
    # The client remembers a failed sign-in for a few seconds.
    later = clock.timestamp() + 10
    clock.replace(lambda: later)
    assert (await world.poll(account.id)).new == 2


async def test_a_malformed_alert_costs_only_itself(world: World) -> None:
    account, _ = await world.accounts.add(world.organization, world.new)
    await world.control.inject_alerts(world.machine, count=1)
    await world.control.inject_document({"id": "da-odd_1", "title": ["no", "text"], "lastUpdateTime": "soon"})
    await world.control.inject_alerts(world.machine, count=1)
    report = await world.poll(account.id)
    assert (report.new, report.rejected) == (3, 0)


async def test_many_pages_are_read_in_full(world: World) -> None:
    account, _ = await world.accounts.add(world.organization, world.new)
    await world.control.inject_alerts(world.machine, count=25)
    poller = Poller(world.database, world.clients, Settings(poll_page_size=4), lambda runs: None)
    report = await poller.poll(the_service(world.database, account.id))
    assert report.new == 25
    assert report.pages > 1


async def test_a_refused_sign_in_in_the_middle_of_the_work_fails_the_account(world: World) -> None:
    account, _ = await world.accounts.add(world.organization, world.new)
    await world.control.remove_secret(world.new.client_id, world.secret_id)
    with pytest.raises(AuthenticationFailed):
        await world.poll(account.id)
    assert world.row().state is AccountState.FAILED


async def test_a_clock_that_is_wrong_is_told_apart_from_a_wrong_certificate(world: World) -> None:
    # Assertions live by the machine's clock, and the tenant's is an hour ahead of it.
    world.simulator.clock.thaw()
    await world.control.advance(3600)
    app = next(iter(world.tenant.apps.values()))
    made = certificates.generate("contoso")
    app.certificates = [certificates.public_part(made.pem)]
    refused = await world.refused(replace(world.new, secret="", certificate=made))
    assert "AADSTS700024" in refused
    assert "clock" in refused


async def test_a_permission_that_is_withdrawn_degrades_the_account_and_granting_it_again_heals_it(world: World) -> None:
    account, _ = await world.accounts.add(world.organization, world.new)
    await world.control.edit_app(world.new.client_id, roles=[*NEEDED_ROLES])
    client = await world.clients.get(account.id)
    with pytest.raises(DefenderError) as refused:
        await client.get_file("a" * 40)
    assert not await world.clients.report(account.id, refused.value)
    assert world.row().state is AccountState.DEGRADED
    # Nothing but that call needs it: for a day it is missed.
    assert (await Checker(world.database, world.accounts).look(), world.row().state) == (1, AccountState.DEGRADED)
    assert "File.Read.All is missing" in world.row().state_reason
    await world.control.edit_app(world.new.client_id, roles=[*NEEDED_ROLES, "File.Read.All"])
    await world.accounts.prove(account.id)
    assert (world.row().state, world.row().refused) == (AccountState.HEALTHY, {})


async def test_a_refused_secret_is_replaced_by_the_one_beside_it_and_polling_goes_on(world: World) -> None:
    account, _ = await world.accounts.add(world.organization, world.new)
    app = next(iter(world.tenant.apps.values()))
    spare = replace(app.secrets[0], id="spare", value="sp4re~value")
    app.secrets = [*app.secrets, spare]
    await world.accounts.offer(world.organization, "contoso", spare.value, by="adele")
    app.secrets = [spare]
    with pytest.raises(DefenderError):
        await world.poll(account.id)
    assert world.row().state is AccountState.FAILED
    assert await Checker(world.database, world.accounts).look() == 1
    assert world.row().state is AccountState.HEALTHY
    assert (await world.poll(account.id)).new == 0
