"""Fleets are counted where policy asks for it, once an hour, by one worker."""

import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization
from containment_world import World
from ringfence import clock
from ringfence.containment import fleet, policies
from ringfence.containment.policies import Scope
from ringfence.simulator.faults import Fault
from ringfence.storage import Database
from ringfence.storage.tables import accounts, fleets


def allow(database: Database, organization: str, group: str | None = None) -> None:
    document = {"max_share_of_fleet": 0.1}
    where = Scope(organization, group)
    database.run_now(lambda tx: policies.write(tx, where, document, expected_version=0, by="tests"))


def count(database: Database, account: str, hosts: int) -> None:
    row = {"onboarded": hosts, "counted_at": clock.now()}
    database.run_now(lambda tx: tx.execute(sa.update(fleets).where(fleets.c.account_id == account).values(row)))


def test_a_fleet_is_due_once_an_hour_and_only_where_policy_asks(database: Database) -> None:
    time = [1_790_000_000.0]
    clock.replace(lambda: time[0])
    organization = an_organization(database)
    account = a_stored_account(database, organization).id
    assert database.run_now(fleet.due) == []
    allow(database, organization, "Plant")
    assert database.run_now(fleet.due) == [account]
    # Somebody is at it.
    assert database.run_now(fleet.due) == []
    time[0] += 301
    assert database.run_now(fleet.due) == [account]
    count(database, account, 50)
    time[0] += 3_000
    assert database.run_now(fleet.due) == []
    time[0] += 601
    assert database.run_now(fleet.due) == [account]
    # A failed attempt leaves the old number, for a day.
    assert database.read_now(lambda tx: fleet.size(tx, organization)) == 50
    time[0] += 86_400
    assert database.read_now(lambda tx: fleet.size(tx, organization)) is None


def test_the_size_is_that_of_all_accounts_and_not_known_if_one_is_not(database: Database) -> None:
    organization = an_organization(database)
    assert database.read_now(lambda tx: fleet.size(tx, organization)) is None
    first = a_stored_account(database, organization, name="one").id
    second = a_stored_account(database, organization, name="two").id
    allow(database, organization)
    assert database.run_now(fleet.due) == sorted([first, second])
    count(database, first, 30)
    assert database.read_now(lambda tx: fleet.size(tx, organization)) is None
    count(database, second, 12)
    assert database.read_now(lambda tx: fleet.size(tx, organization)) == 42
    off = sa.update(accounts).where(accounts.c.id == second).values(state="disabled")
    database.run_now(lambda tx: tx.execute(off))
    assert database.read_now(lambda tx: fleet.size(tx, organization)) == 30


async def test_onboarded_hosts_are_counted_with_one_call(world: World) -> None:
    world.set_policy(max_share_of_fleet=0.5)
    counter = fleet.FleetCounter(world.database, world.clients)
    assert await counter.count_due() == 1
    assert await counter.count_due() == 0
    onboarded = [
        each for each in world.tenant.machines.values() if each.record.document["onboardingStatus"] == "Onboarded"
    ]
    assert world.database.read_now(lambda tx: fleet.size(tx, world.organization_id)) == len(onboarded)
    assert len(world.sent("list_machines")) == 1


async def test_what_cannot_be_counted_is_not_known_and_says_why(world: World) -> None:
    world.set_policy(max_share_of_fleet=0.5)
    world.simulator.faults.add(Fault.model_validate({"kind": "status", "status": 403, "operation": "list_machines"}))
    assert await fleet.FleetCounter(world.database, world.clients).count_due() == 1
    assert world.database.read_now(lambda tx: fleet.size(tx, world.organization_id)) is None
    problem = world.database.read_now(lambda tx: tx.scalar(sa.select(fleets.c.problem)))
    assert problem
