"""Ten minutes in which Microsoft refuses every call: what is sent meanwhile, who goes first after it, and that all get through.

Real clients, the budget in the database, the driver, and the simulator; its clock is everybody's, and nobody really waits.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from accounts_samples import VAULT
from containment_world import ADDRESS, World, a_world
from ringfence import clock
from ringfence.accounts import budgets, records
from ringfence.accounts.clients import Clients, purpose
from ringfence.containment import claims
from ringfence.containment.driver import Driver
from ringfence.containment.model import State
from ringfence.defender import BudgetSpent, Priority, RetryPolicy, Throttled, priority
from ringfence.simulator.faults import Fault
from ringfence.simulator.journal import Entry
from ringfence.simulator.specs import MachineSpec
from ringfence.storage import Database

STORM = 600.0
HOSTS = 25


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    """Give a tenant and an account whose clients and budget are those of the product."""
    async with a_world(database) as made:

        async def wait(seconds: float) -> None:
            made.advance(seconds)

        secret = made.app.secrets[0].value
        made.set_account(
            secret_sealed=VAULT.seal(made.organization_id, purpose(made.account_id), secret),
            login_url=ADDRESS,
            api_url=ADDRESS,
        )
        made.set_policy(max_per_hour=1000)
        clients = Clients(database, VAULT, transport=made.wire, retry=RetryPolicy(sleep=wait), wait=wait)
        made.clients = clients
        yield made
        await clients.aclose()


def calls(world: World) -> list[Entry]:
    """Return the requests that reached the API."""
    return [entry for entry in world.simulator.journal.entries if entry.path.lower().startswith("/api/")]


def seconds(entry: Entry) -> float:
    return datetime.fromisoformat(entry.time).timestamp()


def most_within(times: list[float], span: float) -> int:
    """Return how many of the moments lie within any stretch of so many seconds."""
    most = first = 0
    for last, at in enumerate(times):
        while times[first] <= at - span:
            first += 1
        most = max(most, last - first + 1)
    return most


async def enrich(world: World) -> bool:
    """Read a machine as a playbook does; returns whether it was let through."""
    client = await world.clients.get(world.account_id)
    with priority(Priority.ENRICH):
        try:
            await client.get_machine(world.machine("wks-001").id)
        except Throttled:
            return False
    return True


async def ingest(world: World) -> bool:
    """Read alerts as a poll does, which may wait a while for its budget."""
    client = await world.clients.get(world.account_id)
    with priority(Priority.INGEST):
        try:
            async for _ in client.alert_pages(top=1):
                break
        except Throttled:
            return False
    return True


@pytest.mark.parametrize(
    "headers",
    [{"Retry-After": "60"}, {}, {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}],
    ids=["a minute", "without Retry-After", "absurd"],
)
async def test_a_storm_of_429_is_obeyed_and_drained_by_priority(world: World, headers: dict[str, str]) -> None:
    driver = Driver(world.database, world.clients, owner="worker", chance=lambda: 0.5)
    held = await world.settle(world.request("wks-0012"), State.CONTAINED)
    world.let_go(held)
    spec = MachineSpec.model_validate({"name": "many-", "count": HOSTS})
    machines = world.tenant.add_machine(spec, world.simulator.clock.now())
    asked = [world.request(machine.id) for machine in machines]
    began = world.simulator.clock.now()
    before = len(calls(world))
    body = {"error": {"code": "TooManyRequests", "message": "Slow down."}}
    world.simulator.faults.add(
        Fault.model_validate(
            {"kind": "status", "path": "/api/*", "status": 429, "headers": headers, "body": body, "times": None}
        )
    )
    while world.simulator.clock.now() < began + STORM:
        await driver.drive_due()
        assert not await enrich(world)
        assert not await ingest(world)
        world.advance(15)
    refused = calls(world)[before:]
    # However many wish to call, nobody knocks more often than the pauses allow.
    assert {entry.status for entry in refused} == {429}
    assert len(refused) <= 40
    assert world.look(held).state == State.RELEASING
    assert all(world.look(each).state in (State.REQUESTED, State.APPROVED) for each in asked)
    assert all(world.look(each).detail.startswith("Waiting to try again: ") for each in asked)
    world.simulator.faults.clear()
    after = len(calls(world))
    while not all(world.look(each).state == State.CONTAINED for each in asked):
        await driver.drive_due()
        due = world.database.read_now(claims.next_due)
        assert due is not None
        world.advance(max((due - clock.now()).total_seconds(), 1.0))
        assert clock.timestamp() < began + 3 * 3600.0
    drained = calls(world)[after:]
    assert world.look(held).state in (State.RELEASING, State.RELEASED)
    assert len(world.sent("unisolate_machine")) >= 1
    effects = [entry.operation for entry in drained if entry.operation in ("unisolate_machine", "isolate_machine")]
    assert effects[0] == "unisolate_machine"
    assert len(world.actions("Isolate")) == HOSTS + 1
    times = [seconds(entry) for entry in calls(world)]
    assert most_within(times, 60.0) <= 100
    assert most_within(times, 3600.0) <= 1500


async def test_while_a_tenant_is_drained_by_others_a_release_gets_through_at_once(world: World) -> None:
    held = await world.settle(world.request("wks-0012"), State.CONTAINED)
    world.advance(120)
    while await enrich(world):
        continue
    client = await world.clients.get(world.account_id)
    with priority(Priority.CONTAIN), pytest.raises(BudgetSpent):
        await asyncio.gather(*(client.get_machine(world.machine("wks-001").id) for _ in range(40)))
    waiting = world.request(world.machine("wks-001").id)
    world.let_go(held)
    await world.drive()
    assert world.look(held).release_action_id is not None
    assert world.look(waiting).detail.startswith("Waiting to try again: The budget for")
    account = world.database.read_now(lambda tx: records.by_id(tx, world.account_id))
    minute = world.database.read_now(lambda tx: budgets.left(tx, account))[0]
    assert minute.left["contain"] == 0
    assert minute.left["release"] > 0
