"""A storm of matching alerts: read by a service, started by a playbook, braked by policy, told to a person once; and the kill
switch in the middle of the next wave. RINGFENCE_TEST_STORM=1000 makes it a thousand.

Everything between Defender's API and the channel is the product's own, in one process; only time is the test's.
"""

import os
from dataclasses import dataclass
from typing import Final

import httpx
import pytest
import sqlalchemy as sa

from alert_samples import publish
from containment_world import World, a_world
from notification_world import Post, a_channel
from ringfence import clock
from ringfence.actions.catalogue import discover
from ringfence.containment import brakes, policies, service
from ringfence.containment.model import State
from ringfence.containment.policies import PROVIDER
from ringfence.ingestion.poller import Poller
from ringfence.notifications.feed import CURSOR, Feed
from ringfence.runs.door import Defender
from ringfence.runs.ports import Containments
from ringfence.runs.runner import Runner
from ringfence.runs.wakes import wake
from ringfence.services import records
from ringfence.settings import Settings
from ringfence.simulator import Simulator, portal
from ringfence.simulator.specs import AlertSpec, MachineSpec
from ringfence.storage import Database, changes
from ringfence.storage.cursors import position
from ringfence.storage.tables import containments, runs

STORM: Final = int(os.environ.get("RINGFENCE_TEST_STORM", "250"))
WAVE: Final = 20
ALLOWED: Final = 7
SWITCH_WITHIN: Final = 1.0
TRIGGER: Final = "{type: defender.alert, category: [Malware], changes: [created]}"
STEPS: Final = """{isolate: {action: containment.contain, with: {
  machine: "${trigger.alert.machineId}", type: Full, reason: "${trigger.alert.title}", alert: "${trigger.alert.id}"}}}"""


@dataclass
class Storm:
    """The parts of a worker that stand between an alert and a host, and between a brake and a person."""

    world: World
    poller: Poller
    runner: Runner
    feed: Feed
    post: Post
    read: int = 0

    @classmethod
    def over(cls, world: World) -> "Storm":
        database = world.database
        database.run_now(lambda tx: records.follow(tx, world.organization_id, world.account_id, "contoso"))
        publish(database, world.organization_id, "Contain malware", TRIGGER, steps=STEPS)
        a_channel(database, world.organization_id, pause=0.0)
        database.run_now(lambda tx: position(tx, CURSOR))
        runner = Runner(
            database,
            discover(),
            lambda run: (Defender(run, world.clients, database), Containments(run, database, deadline=14_400.0)),
            owner="one",
            lease=30.0,
        )
        poller = Poller(database, world.clients, Settings(), lambda found: None)
        return cls(world, poller, runner, Feed(database), Post())

    def strike(self, many: int, prefix: str) -> None:
        """Raise one alert on each of so many hosts."""
        now = self.world.simulator.clock.now()
        for number in range(many):
            name = f"{prefix}-{number:04}"
            self.world.tenant.add_machine(MachineSpec(name=name), now)
            spec = AlertSpec(machine=name, title="Ransomware", category="Malware", severity="High")
            portal.raise_alert(self.world.tenant, spec, now)

    async def start(self) -> int:
        """Read the alerts and carry each run that they started to where it waits; returns how many."""
        followed = self.world.database.read_now(lambda tx: records.of_account(tx, self.world.account_id))[0]
        self.world.advance(3.0)
        await self.poller.poll(followed)
        query = sa.select(runs.c.id).where(runs.c.status == "requested")
        found = [row["id"] for row in self.world.database.read_now(lambda tx: tx.all(query))]
        for run_id in found:
            await self.runner.advance(run_id)
        return len(found)

    async def drive(self) -> None:
        driver = self.world.driver()
        while await driver.drive_due():
            pass

    async def follow(self) -> None:
        """Wake whoever waits for what changed, as far as the host is confirmed, and tell people."""
        while batch := self.world.database.read_now(lambda tx: changes.after(tx, self.read)):
            self.read = batch[-1].id
            await self.feed.handle(batch)
            held = [f"{each.noun}:{each.noun_id}" for each in batch if each.kind == State.CONTAINED]
            for run_id, _, _ in self.world.database.run_now(lambda tx, topics=held: wake(tx, topics)):  # type: ignore[misc]
                await self.runner.advance(run_id)
        await self.post.delivery(self.world.database).deliver()

    def states(self) -> dict[str, int]:
        query = sa.select(containments.c.state, sa.func.count().label("many")).group_by(containments.c.state)
        return {row["state"]: row["many"] for row in self.world.database.read_now(lambda tx: tx.all(query))}

    def ended(self) -> dict[str, int]:
        query = sa.select(runs.c.status, sa.func.count().label("many")).group_by(runs.c.status)
        return {row["status"]: row["many"] for row in self.world.database.read_now(lambda tx: tx.all(query))}


@pytest.mark.timeout(600)
async def test_of_a_storm_of_alerts_no_more_hosts_are_cut_off_than_the_brake_allows_and_a_person_is_told_once(
    embedded: Database,
) -> None:
    async with a_world(embedded, Simulator.from_scenario("quiet", frozen=True)) as world:
        world.set_policy(max_per_hour=ALLOWED)
        storm = Storm.over(world)
        storm.strike(STORM, "storm")
        assert await storm.start() == STORM
        await storm.drive()
        for _ in range(12):
            world.advance(15.0)
            await storm.drive()
            await storm.follow()
        assert storm.states() == {"contained": ALLOWED, "denied": STORM - ALLOWED}
        assert len({each.machine_id for each in world.actions("Isolate")}) == len(world.actions("Isolate")) == ALLOWED
        assert storm.ended()["succeeded"] == ALLOWED
        (brake,) = world.database.read_now(lambda tx: brakes.holding(tx, world.organization_id))
        assert (brake.limit, brake.refused) == ("hour", STORM - ALLOWED)
        assert sum("A limit was reached" in text for text in storm.post.texts) == 1

        # What was denied does not hold the brake on: it opens an hour after the first that was decided.
        assert brake.opens_at is not None
        world.advance(brake.opens_at.timestamp() - world.simulator.clock.now() + 1)
        world.set_policy(max_per_hour=STORM)
        storm.strike(WAVE, "wave")
        assert await storm.start() == WAVE
        frozen_at: list[float] = []
        late: list[float] = []

        def watch(request: httpx.Request) -> None:
            if not request.url.path.endswith("/isolate"):
                return
            if frozen_at:
                late.append(world.simulator.clock.now() - frozen_at[0])
            elif len(world.actions("Isolate")) >= ALLOWED + 3:
                frozen_at.append(world.simulator.clock.now())
                world.database.run_now(
                    lambda tx: policies.freeze(tx, PROVIDER, on=True, by="megan", reason="False alarm")
                )
                world.simulator.clock.advance(SWITCH_WITHIN)

        world.wire.before = watch
        await storm.drive()
        assert frozen_at
        # Those that were on the wire at that very moment.
        assert all(each <= SWITCH_WITHIN for each in late)
        world.wire.before = lambda request: None
        sent = len(world.actions("Isolate"))
        assert ALLOWED + 3 <= sent < ALLOWED + WAVE

        # Releases go on, and nothing new leaves.
        held = sa.select(containments.c.id).where(containments.c.state == "contained")
        for row in world.database.read_now(lambda tx: tx.all(held)):
            world.let_go(world.database.read_now(lambda tx, one=row["id"]: service.get(tx, one)))  # type: ignore[misc]
        storm.strike(1, "last")
        assert await storm.start() == 1
        await world.pass_time(300.0)
        await storm.follow()
        assert storm.states()["released"] == ALLOWED
        assert len(world.actions("Isolate")) == sent
        assert clock.timestamp() >= frozen_at[0] + 300.0
        assert sum("The kill switch is on" in text for text in storm.post.texts) == 1
        assert sum("A limit was reached" in text for text in storm.post.texts) == 1
