"""A storm: many hosts are asked for at once, and no more are cut off than a brake allows; people are told once."""

from containment_world import World
from ringfence.containment import brakes, fleet, service
from ringfence.containment.model import State
from ringfence.simulator.specs import MachineSpec
from ringfence.storage import Transaction, changes


def hosts(world: World, many: int, prefix: str = "storm") -> list[str]:
    """Add hosts to the tenant and return their ids."""
    now = world.simulator.clock.now()
    names = [f"{prefix}-{number:04}" for number in range(many)]
    for name in names:
        world.tenant.add_machine(MachineSpec(name=name), now)
    return [world.machine(name).id for name in names]


def ask_for_all(world: World, machines: list[str]) -> None:
    def work(tx: Transaction) -> None:
        for machine in machines:
            service.request(
                tx,
                organization_id=world.organization_id,
                account_id=world.account_id,
                target=machine,
                reason="Ransomware",
                requested_by="playbook Contain 1",
                key=f"storm:{machine}",
            )

    world.database.run_now(work)


async def drive(world: World) -> None:
    driver = world.driver()
    while await driver.drive_due():
        pass


def pages(world: World) -> list[str]:
    feed = world.database.read_now(lambda tx: changes.after(tx, 0, limit=100_000))
    return [each.kind for each in feed if each.noun == "brake"]


async def test_a_share_of_the_fleet_counts_what_is_on_its_way(world: World) -> None:
    machines = hosts(world, 60)
    world.set_policy(max_per_hour=1000, max_share_of_fleet=0.05)
    await fleet.FleetCounter(world.database, world.clients).count_due()
    size = world.database.read_now(lambda tx: fleet.size(tx, world.organization_id))
    assert size is not None
    ask_for_all(world, machines)
    await drive(world)
    assert len(world.actions("Isolate")) == int(size * 0.05)
    assert pages(world) == ["tripped"]


async def test_a_brake_that_waits_for_a_person_holds_when_the_hour_is_over(world: World) -> None:
    world.set_policy(max_per_hour=2, brake_until_lifted=True)
    ask_for_all(world, hosts(world, 5))
    await drive(world)
    assert len(world.actions("Isolate")) == 2
    world.advance(2 * 3600)
    late = world.request("wks-001")
    await world.drive()
    assert world.look(late).state is State.DENIED
    assert "nobody has lifted the brake" in world.look(late).detail
    organization = world.organization_id
    world.database.run_now(lambda tx: brakes.lift(tx, organization, seconds=3600, by="megan", reason="Real", more=1))
    more = hosts(world, 3, "late")
    # The first by the lift, the second by the hour, in which the first counts too.
    for machine in more[:2]:
        await world.settle(world.request(machine), State.CONTAINED)
    last = world.request(more[2])
    await world.drive()
    assert world.look(last).state is State.DENIED
    assert pages(world).count("tripped") == 2
