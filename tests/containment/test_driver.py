import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import TypeVar

import httpx
import pytest
import sqlalchemy as sa
from structlog.typing import EventDict

from accounts_samples import VAULT
from containment_world import ADDRESS, World
from ringfence import clock
from ringfence.accounts import records
from ringfence.accounts.clients import Clients, purpose
from ringfence.containment import claims, policies, service
from ringfence.containment.driver import Driver
from ringfence.containment.model import Containment, State
from ringfence.defender import RetryPolicy
from ringfence.simulator.faults import Fault
from ringfence.simulator.specs import MachineSpec
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import containments
from ringfence.storage.tables import policies as policy_rows

T = TypeVar("T")
HOST = "wks-001"


async def _no_sleep(_: float) -> None:
    return None


@pytest.fixture
async def accounted(world: World) -> AsyncIterator[World]:
    """Give the world in which clients are those of the stored account."""
    keep_secret(world, world.app.secrets[0].value)
    world.set_account(login_url=ADDRESS, api_url=ADDRESS)
    retry = RetryPolicy(attempts=1, sleep=_no_sleep)
    clients = Clients(world.database, VAULT, transport=world.wire, retry=retry)
    world.clients = clients
    yield world
    await clients.aclose()


def keep_secret(world: World, secret: str) -> None:
    world.set_account(secret_sealed=VAULT.seal(world.organization_id, purpose(world.account_id), secret))


def prove(world: World, secret: str) -> None:
    """Enter a secret that was proven."""
    world.advance(1)
    sealed = VAULT.seal(world.organization_id, purpose(world.account_id), secret)
    world.database.run_now(
        lambda tx: records.replace_credential(
            tx, replace(records.by_id(tx, world.account_id), secret_sealed=sealed), None
        )
    )


async def test_without_a_working_secret_a_request_waits_visibly_and_goes_on_once_it_is_proven(accounted: World) -> None:
    good = accounted.app.secrets[0].value
    keep_secret(accounted, "not-the-secret")
    asked = accounted.request(HOST)
    await accounted.drive()
    waiting = accounted.look(asked)
    assert waiting.state == State.REQUESTED
    assert waiting.detail.startswith("Waiting for a working credential: ")
    assert "make a new secret" in waiting.detail
    sign_ins = len(accounted.sent("token_client_credentials"))
    await accounted.pass_time(300)
    assert "has failed: The tenant does not accept this client secret" in accounted.look(asked).detail
    assert len(accounted.sent("token_client_credentials")) == sign_ins
    assert accounted.sent("get_machine") == []
    prove(accounted, good)
    await accounted.settle(asked, State.CONTAINED)
    assert len(accounted.sent("isolate_machine")) == 1


async def test_a_credential_that_fails_while_a_host_is_held_delays_the_release_and_forgets_nothing(
    accounted: World,
) -> None:
    asked = await accounted.settle(accounted.request(HOST, auto_release_after=3600.0), State.CONTAINED)
    secret = accounted.app.secrets.pop()
    accounted.advance(7200)
    await accounted.drive()
    waiting = accounted.look(asked)
    assert waiting.state == State.RELEASING
    assert waiting.detail.startswith("Waiting")
    assert accounted.machine(HOST).isolated
    accounted.app.secrets.append(secret)
    prove(accounted, secret.value)
    await accounted.settle(asked, State.RELEASED)


async def test_waiting_for_a_credential_ends_at_the_deadline_or_when_it_is_taken_back(accounted: World) -> None:
    accounted.set_account(state="failed", state_reason="It expired.")
    late, unwanted = accounted.request("wks-001"), accounted.request("wks-002")
    await accounted.drive()
    assert "It expired." in accounted.look(late).detail
    accounted.let_go(unwanted)
    await accounted.settle(unwanted, State.CANCELLED)
    accounted.advance(4 * 3600)
    await accounted.settle(late, State.WITHDRAWN)
    assert [entry for entry in accounted.simulator.journal.entries if entry.operation] == []


async def test_a_secret_that_cannot_be_opened_makes_the_request_wait_with_the_reason(accounted: World) -> None:
    accounted.set_account(secret_sealed=VAULT.seal("another organization", "x", "y"))
    asked = accounted.request(HOST)
    await accounted.drive()
    assert accounted.look(asked).state == State.REQUESTED
    assert accounted.look(asked).detail.startswith("Waiting: ")


async def test_a_policy_that_cannot_be_read_makes_the_request_wait_with_the_reason(world: World) -> None:
    broken = {"id": clock.new_id(), "scope_key": policies.Scope(world.organization_id).key, "version": 1}
    written = {"document": {"max_per_hour": "many"}, "made_by": "another release", "made_at": clock.now()}
    world.database.run_now(lambda tx: tx.execute(sa.insert(policy_rows).values(broken | written)))
    asked = world.request(HOST)
    await world.drive()
    assert world.look(asked).state == State.REQUESTED
    assert "The policy cannot be read" in world.look(asked).detail
    world.set_policy()
    await world.settle(asked, State.CONTAINED)


@pytest.mark.parametrize("operation", ["get_machine", "list_machine_actions", "isolate_machine"])
async def test_throttling_is_waited_out_as_long_as_defender_asks(world: World, operation: str) -> None:
    world.fault("status", operation, status=429, headers={"Retry-After": "600"})
    asked = world.request(world.machine(HOST).id)
    began = world.simulator.clock.now()
    await world.drive()
    waiting = world.look(asked)
    assert waiting.detail.startswith("Waiting to try again: ")
    assert waiting.next_at is not None
    assert waiting.next_at.timestamp() == pytest.approx(began + 600, abs=2)
    assert waiting.state in (State.REQUESTED, State.APPROVED)
    await world.settle(asked, State.CONTAINED, within=900)
    assert len(world.actions("Isolate")) == 1


@pytest.mark.parametrize("operation", ["get_machine", "list_machine_actions", "isolate_machine"])
async def test_a_missing_permission_fails_the_request_with_advice(world: World, operation: str) -> None:
    text = "Missing application roles. API required roles: Machine.Isolate, application roles: Alert.Read.All."
    body = {"error": {"code": "Forbidden", "message": text}}
    world.fault("status", operation, status=403, body=body)
    asked = world.request(world.machine(HOST).id)
    done = await world.settle(asked, State.FAILED)
    assert "Grant the application one of the required permissions" in done.detail
    assert world.actions("Isolate") == []


async def test_an_application_without_the_role_is_refused_by_the_tenant_itself(world: World) -> None:
    world.app.roles = [role for role in world.app.roles if role != "Machine.Isolate"]
    done = await world.settle(world.request(HOST), State.FAILED)
    assert "Grant the application" in done.detail
    assert not world.machine(HOST).isolated


async def test_a_permanent_failure_after_something_was_sent_forgets_nothing(world: World) -> None:
    world.fault("drop_reply_after_effect", "isolate_machine")
    forbidden = {"error": {"code": "Forbidden", "message": "Missing application roles."}}
    world.fault("status", "list_machine_actions", skip=1, times=2, status=403, body=forbidden)
    asked = world.request(HOST)
    await world.drive()
    world.advance(5)
    await world.drive()
    assert world.look(asked).state == State.SUBMITTING
    assert world.look(asked).detail.startswith("Waiting to try again: ")
    await world.settle(asked, State.CONTAINED)


async def test_an_address_that_answers_nothing_is_not_read_as_an_unknown_machine(world: World) -> None:
    world.fault("status", "get_machine", status=404, body="")
    done = await world.settle(world.request(world.machine(HOST).id), State.FAILED)
    assert "Check the API host" in done.detail


async def test_several_awaited_actions_are_read_by_one_call(world: World) -> None:
    asked = [world.request(f"wks-00{number}") for number in (1, 2)]
    await world.drive()
    world.advance(5)
    before = world.simulator.journal.sequence
    await world.drive()
    assert [entry.operation for entry in world.simulator.journal.find(after=before)] == ["list_machine_actions"]
    for each in asked:
        await world.settle(each, State.CONTAINED)


def add_machines(world: World, count: int) -> list[str]:
    """Put more machines into the tenant and return their ids."""
    spec = MachineSpec.model_validate({"name": "many-", "count": count})
    return [machine.id for machine in world.tenant.add_machine(spec, world.simulator.clock.now())]


async def test_a_hundred_pending_containments_cost_about_one_call_a_round_and_so_does_watching_them(
    world: World,
) -> None:
    world.set_policy(max_per_hour=1000)
    world.tenant.settings.pending_seconds = 3600.0
    asked = [world.request(machine_id) for machine_id in add_machines(world, 100)]
    await world.drive()
    assert {world.look(each).state for each in asked} == {State.PENDING}
    before = world.simulator.journal.sequence
    driver = world.driver()
    for _ in range(12):
        world.advance(5)
        while await driver.drive_due():
            continue
    sent = [entry.operation for entry in world.simulator.journal.find(after=before)]
    assert set(sent) == {"list_machine_actions"}
    assert len(sent) <= 12
    world.tenant.settings.pending_seconds = 0.0
    world.advance(3700)
    while await driver.drive_due():
        continue
    assert {world.look(each).state for each in asked} == {State.CONTAINED}
    before = world.simulator.journal.sequence
    for _ in range(30):
        world.advance(20)
        while await driver.drive_due():
            continue
    sent = [entry.operation for entry in world.simulator.journal.find(after=before)]
    assert set(sent) == {"list_machine_actions"}
    assert len(sent) <= 10


async def test_a_list_that_is_refused_holds_up_those_alone_who_wait_for_it(world: World) -> None:
    held = await world.settle(world.request("wks-0012"), State.CONTAINED)
    asked = [world.request(f"wks-00{number}") for number in (1, 2)]
    await world.drive()
    world.advance(5)
    world.let_go(held)
    # The first list of the round is the one for those who wait, or the history of the host that is let go.
    world.fault("status", "list_machine_actions", status=429, headers={"Retry-After": "600"}, times=2)
    await world.drive()
    waiting = [world.look(each) for each in asked]
    assert all(each.state == State.PENDING and each.detail.startswith("Waiting to try again") for each in waiting)
    await world.settle(held, State.RELEASED, within=700)


async def test_those_who_were_throttled_together_do_not_come_back_together_and_releases_are_first(
    world: World,
) -> None:
    held = await world.settle(world.request("wks-0012"), State.CONTAINED)
    world.let_go(held)
    asked = [world.request(world.machine(f"wks-00{number}").id) for number in (1, 2)]
    storm = {"kind": "status", "path": "/api/*", "status": 429, "headers": {"Retry-After": "600"}, "times": None}
    world.simulator.faults.add(Fault.model_validate(storm))
    began = clock.now()
    await world.drive()
    waits = [((world.look(each).next_at or began) - began).total_seconds() for each in (held, *asked)]
    assert 599.9 <= waits[0] < 600.5
    assert all(600.5 <= each <= 603.0 for each in waits[1:])
    assert waits[1] != waits[2]


async def test_there_is_room_for_a_release_while_as_many_as_may_be_are_being_driven(world: World) -> None:
    held = await world.settle(world.request("wks-0012"), State.CONTAINED)
    driver = Driver(world.database, world.clients, owner="a busy worker", at_a_time=1)
    asked, let_go = asyncio.Event(), asyncio.Event()
    world.request(world.machine("wks-001").id)

    async def hold(request: httpx.Request) -> None:
        if request.url.path.endswith(world.machine("wks-001").id):
            asked.set()
            await let_go.wait()

    world.wire.hold = hold
    busy = asyncio.create_task(driver.drive_due())
    await asyncio.wait_for(asked.wait(), 90)
    world.request(world.machine("wks-002").id)
    world.let_go(held)
    assert await driver.drive_due() == 1
    assert world.look(held).state == State.RELEASING
    assert len(world.sent("unisolate_machine")) == 1
    let_go.set()
    assert await busy == 1


async def test_one_odd_action_in_the_tenant_holds_up_nobody(world: World) -> None:
    asked = [world.request(f"wks-00{number}") for number in (1, 2)]
    await world.drive()
    odd = {"value": [{"id": 7, "status": None}, *(action.record.document for action in world.tenant.actions.values())]}
    world.fault("status", "list_machine_actions", status=200, body=odd, times=None)
    for each in asked:
        await world.settle(each, State.CONTAINED)


async def test_a_fault_of_our_own_costs_one_containment_a_pause_and_the_others_nothing(
    world: World, logged: list[EventDict]
) -> None:
    broken, sound = world.request("wks-001"), world.request("wks-002")
    where = containments.c.id == broken.id
    # No code of ours leaves a containment approved without its machine.
    values = {"state": State.APPROVED.value, "machine_id": None}
    world.database.run_now(lambda tx: tx.execute(sa.update(containments).where(where).values(values)))
    await world.settle(sound, State.CONTAINED)
    assert "internal error" in world.look(broken).detail
    assert world.look(broken).state == State.APPROVED
    logged.clear()


async def test_two_drivers_never_drive_one_containment_at_a_time(world: World) -> None:
    asked = world.request(HOST)
    counts = await asyncio.gather(*(world.driver().drive_due() for _ in range(4)))
    assert sorted(counts) == [0, 0, 0, 1]
    await world.settle(asked, State.CONTAINED)


async def test_a_driver_that_lost_its_lease_writes_nothing_more(world: World) -> None:
    asked = world.request(HOST)

    def take_over(_: object) -> None:
        world.wire.before = lambda _: None
        world.database.run_now(lambda tx: claims.free_leases(tx, "worker-1"))
        taken = world.database.run_now(lambda tx: claims.claim_due(tx, owner="somebody else"))
        assert [each.id for each in taken] == [asked.id]

    world.wire.before = take_over
    await world.driver().drive_due()
    assert world.look(asked).state == State.REQUESTED
    assert world.look(asked).lease_owner == "somebody else"
    assert world.sent("isolate_machine") == []


async def _until(database: Database, containment: Containment, state: State) -> None:
    """Wait for a running driver, woken by each change that it writes."""
    changed = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ring(_: frozenset[str]) -> None:
        loop.call_soon_threadsafe(changed.set)

    take_off = database.on_change(ring)
    try:
        async with asyncio.timeout(90):
            while database.read_now(lambda tx: service.get(tx, containment.id)).state != state:
                await changed.wait()
                changed.clear()
    finally:
        take_off()


async def test_a_running_driver_wakes_for_requests_and_releases_and_stops_when_told(world: World) -> None:
    world.tenant.settings.pending_seconds = world.tenant.settings.running_seconds = 0
    stop = asyncio.Event()
    driver = Driver(world.database, world.clients, owner="runner", interval=0.01)
    running = asyncio.create_task(driver.run(stop))
    asked = world.request(HOST)
    await _until(world.database, asked, State.PENDING)
    world.advance(1)
    second = world.request("wks-002")
    await _until(world.database, asked, State.CONTAINED)
    world.let_go(asked)
    await _until(world.database, asked, State.RELEASING)
    world.advance(1)
    world.request("wks-0012")
    await _until(world.database, asked, State.RELEASED)
    await _until(world.database, second, State.CONTAINED)
    stop.set()
    await asyncio.wait_for(running, 90)
    assert world.look(asked).lease_owner is None


class Flaky(Database):
    """A database that fails once."""

    failed: threading.Event

    async def run(self, work: Callable[[Transaction], T]) -> T:
        if not self.failed.is_set():
            self.failed.set()
            raise OSError("the database is away")
        return await super().run(work)


async def test_a_driver_outlives_a_database_that_fails_for_a_moment(world: World, logged: list[EventDict]) -> None:
    flaky = Flaky(world.database.url, threads=2)
    flaky.failed = threading.Event()
    asked = world.request(HOST)
    stop = asyncio.Event()
    running = asyncio.create_task(Driver(flaky, world.clients, owner="runner", interval=0.01).run(stop))
    while not flaky.failed.is_set():  # noqa: ASYNC110 - one turn of the loop at a time, no waiting
        await asyncio.sleep(0)
    # A change wakes the driver, which tries again by itself a few seconds later.
    flaky.run_now(lambda tx: tx.changed(world.organization_id, "containment", asked.id, "held"))
    await _until(flaky, asked, State.PENDING)
    stop.set()
    await asyncio.wait_for(running, 90)
    flaky.close()
    assert [entry["event"] for entry in logged if entry["log_level"] == "error"] == [
        "what is due could not be read; it is tried again"
    ]
    logged.clear()
