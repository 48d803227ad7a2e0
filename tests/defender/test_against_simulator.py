"""The library against the pretend Microsoft: real MSAL tokens, the documented bodies, faults on the wire."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from ringfence import clock
from ringfence.defender import (
    CLOUDS,
    ActionStatus,
    AlertStatus,
    Call,
    ClientSecret,
    Cloud,
    DefenderClient,
    RetryPolicy,
    errors,
    odata,
    parse_alert,
)
from ringfence.simulator import Simulator, create_app, portal
from ringfence.simulator.faults import Fault
from ringfence.simulator.specs import AlertSpec
from ringfence.simulator.tenant import App, Tenant


@dataclass
class World:
    """A simulator, and what a client of it did."""

    simulator: Simulator
    slept: list[float] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    @property
    def tenant(self) -> Tenant:
        return next(iter(self.simulator.tenants.values()))

    @property
    def app(self) -> App:
        return next(iter(self.tenant.apps.values()))

    def machine(self, name: str) -> str:
        """Return the id of a machine."""
        return next(machine.id for machine in self.tenant.machines.values() if machine.name.startswith(name))

    def client(
        self,
        cloud: Cloud | None = None,
        *,
        tenant_id: str = "",
        client_id: str = "",
        secret: str = "",
        attempts: int = 3,
    ) -> DefenderClient:
        """Make a client that calls the simulator in process."""
        return DefenderClient(
            cloud or Cloud.simulator("http://127.0.0.1:8900"),
            tenant_id or self.tenant.id,
            ClientSecret(client_id or self.app.client_id, secret or self.app.secrets[0].value),
            transport=httpx.ASGITransport(create_app(self.simulator)),
            retry=RetryPolicy(attempts=attempts, sleep=self.sleep, chance=lambda: 0.0),
            observer=self.calls.append,
        )

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.simulator.clock.advance(seconds)

    def fault(self, kind: str, operation: str, **options: Any) -> None:
        self.simulator.faults.add(Fault.model_validate({"kind": kind, "operation": operation, **options}))

    def raise_alert(self, machine: str, **options: Any) -> str:
        """Raise an alert and return its id."""
        spec = AlertSpec.model_validate({"machine": machine, **options})
        return portal.raise_alert(self.tenant, spec, self.simulator.clock.now())


@pytest.fixture
def world() -> World:
    made = World(Simulator.from_scenario("quiet", frozen=True))
    clock.replace(made.simulator.clock.now)
    return made


@pytest.fixture
async def defender(world: World) -> AsyncIterator[DefenderClient]:
    async with world.client() as client:
        yield client


async def test_a_machine_is_isolated_confirmed_and_released(world: World, defender: DefenderClient) -> None:
    machine_id = world.machine("wks-001")
    begun = await defender.isolate_machine(machine_id, comment="Alert 1", external_id="run-1")
    assert (begun.type, begun.status, begun.external_id) == ("Isolate", "Pending", "run-1")
    with pytest.raises(errors.ActiveRequestAlreadyExists):
        await defender.isolate_machine(machine_id, comment="Alert 1")
    world.simulator.clock.advance(60)
    done = await defender.get_machine_action(begun.id)
    assert done.status == ActionStatus.SUCCEEDED
    assert done.is_final
    assert world.tenant.machines[machine_id].isolated
    await defender.unisolate_machine(machine_id, comment="Clean")
    world.simulator.clock.advance(60)
    found = [
        action.type
        async for action in defender.list_machine_actions(
            filter=odata.eq("machineId", machine_id), order_by="creationDateTimeUtc desc"
        )
    ]
    assert found == ["Unisolate", "Isolate"]
    assert not world.tenant.machines[machine_id].isolated


async def test_a_pending_action_is_cancelled(world: World, defender: DefenderClient) -> None:
    begun = await defender.isolate_machine(world.machine("lap-001"), comment="Alert 1")
    cancelled = await defender.cancel_machine_action(begun.id, comment="Mistake")
    assert cancelled.status == ActionStatus.CANCELLED
    assert cancelled.cancellation_comment == "Mistake"


async def test_an_alert_is_read_changed_and_traced_to_its_machine(world: World, defender: DefenderClient) -> None:
    alert_id = world.raise_alert(
        "wks-001", severity="High", title="O'Brien's tool", evidence=[{"entityType": "File", "fileName": "x.exe"}]
    )
    world.simulator.clock.advance(5)
    found = [
        alert
        async for alert in defender.list_alerts(
            filter=odata.both(odata.eq("severity", "High"), odata.eq("status", "New")),
            order_by="lastUpdateTime asc",
            expand=("evidence",),
        )
    ]
    assert [alert.id for alert in found] == [alert_id]
    assert found[0].evidence[0].file_name == "x.exe"
    changed = await defender.update_alert(
        alert_id, status=AlertStatus.IN_PROGRESS, assigned_to="analyst@contoso.com", comment="Looking"
    )
    assert (changed.status, changed.assigned_to) == ("InProgress", "analyst@contoso.com")
    again = await defender.get_alert(alert_id)
    assert [comment.comment for comment in again.comments] == ["Looking"]
    machine = await defender.get_alert_machine(alert_id)
    assert machine.id == again.machine_id == world.machine("wks-001")
    assert [alert.id for alert in await defender.get_machine_alerts(machine.id)] == [alert_id]


async def test_machines_are_found_by_every_way_that_there_is(world: World, defender: DefenderClient) -> None:
    listed = [machine async for machine in defender.list_machines(top=4)]
    assert {machine.id for machine in listed} == set(world.tenant.machines)
    one = next(machine for machine in listed if machine.id == world.machine("wks-001"))
    assert one.computer_dns_name is not None
    assert (await defender.get_machine(one.id)).id == one.id
    assert (await defender.get_machine(one.computer_dns_name)).id == one.id
    now = datetime.fromtimestamp(world.simulator.clock.now(), UTC)
    assert [machine.id for machine in await defender.find_machines_by_ip("10.20.0.11", now)] == [one.id]
    assert [user.account_name for user in await defender.get_machine_logon_users(one.id)] == ["asmith"]
    named = [each.id async for each in defender.list_machines(filter=odata.startswith("computerDnsName", "wks-001"))]
    assert one.id in named


async def test_pages_of_raw_alerts_are_complete_and_without_repeats(world: World, defender: DefenderClient) -> None:
    raised = {world.raise_alert("wks-001") for _ in range(25)}
    world.simulator.clock.advance(5)
    pages = [page async for page in defender.alert_pages(order_by="lastUpdateTime asc", top=10)]
    assert [len(page) for page in pages] == [10, 10, 5]
    seen = [parse_alert(document).id for page in pages for document in page]
    assert len(seen) == len(raised)
    assert set(seen) == raised


async def test_what_does_not_exist_is_not_found(defender: DefenderClient) -> None:
    with pytest.raises(errors.NotFound) as raised:
        await defender.get_machine("f" * 40)
    assert type(raised.value) is errors.NotFound
    with pytest.raises(errors.NotFound):
        await defender.get_alert("da1_1")
    with pytest.raises(errors.BadRequest):
        await defender.get_machine_action("not-a-guid")


async def test_a_filter_that_the_service_cannot_read_is_a_bad_request(defender: DefenderClient) -> None:
    with pytest.raises(errors.BadRequest):
        [alert async for alert in defender.list_alerts(filter="this is not a filter")]


@pytest.mark.parametrize("form", [1, 2])
async def test_a_missing_role_is_named(world: World, form: int) -> None:
    world.app.roles = ["Alert.Read.All"]
    world.tenant.settings.forbidden_form = 1 if form == 1 else 2
    async with world.client() as defender:
        with pytest.raises(errors.MissingRole) as raised:
            await defender.isolate_machine(world.machine("wks-001"), comment="Alert 1")
        assert await defender.roles() == ("Alert.Read.All",)
    assert raised.value.required == ("Machine.Isolate",)


async def test_the_token_s_roles_are_the_granted_ones(world: World, defender: DefenderClient) -> None:
    roles = await defender.roles()
    assert roles is not None
    assert set(roles) <= set(world.app.roles)
    assert "Machine.Isolate" in roles


async def test_an_expired_token_is_replaced_unnoticed(world: World, defender: DefenderClient) -> None:
    await defender.get_machine(world.machine("wks-001"))
    # The service's clock alone moves on, as if this computer's were behind.
    behind = world.simulator.clock.now()
    clock.replace(lambda: behind)
    world.simulator.clock.advance(7200)
    await defender.get_machine(world.machine("wks-001"))
    assert [call.status for call in world.calls] == [200, 401, 200]


@pytest.mark.parametrize(
    ("tenant_id", "client_id", "secret", "expected"),
    [
        ("", "", "wrong", errors.WrongSecret),
        ("", "00000000-0000-0000-0000-0000000000aa", "", errors.UnknownApplication),
        ("00000000-0000-0000-0000-0000000000bb", "", "", errors.UnknownTenant),
        ("fabrikam.example", "", "", errors.UnknownTenant),
    ],
)
async def test_a_wrong_secret_an_unknown_app_and_an_unknown_tenant_are_told_apart(
    world: World, tenant_id: str, client_id: str, secret: str, expected: type[errors.DefenderError]
) -> None:
    async with world.client(tenant_id=tenant_id, client_id=client_id, secret=secret) as defender:
        with pytest.raises(expected):
            await defender.roles()


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (7000222, errors.ExpiredSecret),
        (7000112, errors.DisabledApplication),
        (500011, errors.ApiNotProvisioned),
        (90055, errors.Throttled),
    ],
)
async def test_other_refusals_of_the_login_host_have_their_class(
    world: World, number: int, expected: type[errors.DefenderError]
) -> None:
    world.fault("token_error", "token_client_credentials", code=number, times=None)
    async with world.client() as defender:
        with pytest.raises(expected):
            await defender.roles()


async def test_a_lost_reply_of_an_isolation_is_told_and_the_action_can_be_found(
    world: World, defender: DefenderClient
) -> None:
    machine_id = world.machine("wks-001")
    world.fault("drop_reply_after_effect", "isolate_machine")
    with pytest.raises(errors.ReplyLost):
        await defender.isolate_machine(machine_id, comment="Alert 1", external_id="run-1")
    found = [each async for each in defender.list_machine_actions(filter=odata.eq("machineId", machine_id))]
    assert [action.external_id for action in found] == ["run-1"]


@pytest.mark.parametrize("kind", ["status", "malformed_body", "drop_before_effect"])
async def test_an_isolation_is_never_sent_twice_by_itself(world: World, defender: DefenderClient, kind: str) -> None:
    world.fault(kind, "isolate_machine")
    with pytest.raises(errors.ReplyLost):
        await defender.isolate_machine(world.machine("wks-001"), comment="Alert 1")
    assert len([call for call in world.calls if call.operation == "isolate_machine"]) == 1


@pytest.mark.parametrize("kind", ["status", "malformed_body", "drop_before_effect", "drop_reply_after_effect"])
async def test_a_read_outlasts_a_fault(world: World, defender: DefenderClient, kind: str) -> None:
    world.fault(kind, "list_machines")
    assert len([machine async for machine in defender.list_machines()]) == len(world.tenant.machines)


async def test_throttling_is_waited_out_in_each_form(world: World, defender: DefenderClient) -> None:
    world.fault("status", "isolate_machine", status=429, headers={"Retry-After": "4"})
    world.fault("status", "isolate_machine", status=429, retry_after_date=20.0)
    action = await defender.isolate_machine(world.machine("wks-001"), comment="Alert 1")
    assert action.status == ActionStatus.PENDING
    assert world.slept[0] == 4.0
    assert 19.0 <= world.slept[1] <= 20.0
    world.slept.clear()
    world.fault("status", "get_machine", status=429)
    await defender.get_machine(world.machine("wks-001"))
    assert world.slept == [8.0]


@pytest.mark.parametrize("cloud", ["commercial", "gcc", "gcc_high", "dod"])
async def test_each_cloud_signs_in_with_its_own_audience(world: World, cloud: str) -> None:
    async with world.client(CLOUDS[cloud]) as defender:
        assert (await defender.get_machine(world.machine("wks-001"))).id == world.machine("wks-001")
