"""A world in which drills are held: a tenant, a poller, a driver, and a stand-in for the playbook's contain step."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import sqlalchemy as sa

from accounts_samples import VAULT
from alert_samples import publish
from containment_world import ADDRESS, World, a_world
from ringfence.accounts import records as accounts
from ringfence.accounts.clients import Clients, purpose
from ringfence.containment.model import FINAL
from ringfence.defender import RetryPolicy
from ringfence.drills import records
from ringfence.drills.model import Drill
from ringfence.drills.rehearsal import Rehearsals
from ringfence.ingestion.poller import Poller
from ringfence.services import records as services
from ringfence.settings import Settings
from ringfence.storage import Database
from ringfence.storage.tables import containments, runs

PLAYBOOK = "Contain malware"
MATCHING = "{type: defender.alert, category: [Malware], changes: [created]}"
HOST = "wks-001"
ROUND = 3.0


async def _no_sleep(_: float) -> None:
    return None


def keep_secret(world: World, secret: str) -> None:
    """Store the secret of the world's account."""
    world.set_account(secret_sealed=VAULT.seal(world.organization_id, purpose(world.account_id), secret))


class Stage:
    """What a drill needs around it; `contains` says whether runs get as far as their contain step."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.transport: httpx.AsyncBaseTransport = world.wire
        self.contains = True
        self.poller = Poller(world.database, world.clients, Settings(), lambda found: None)
        world.database.run_now(lambda tx: services.follow(tx, world.organization_id, world.account_id, "contoso"))

    def rehearsals(self) -> Rehearsals:
        """Make those of another process."""
        return Rehearsals(self.world.database, self.world.clients, transport=self.transport)

    def publish(self, trigger: str = MATCHING, name: str = PLAYBOOK) -> None:
        publish(self.world.database, self.world.organization_id, name, trigger)

    def allow(self, name: str = HOST) -> records.Device:
        world, machine = self.world, self.world.machine(name)
        where = {"name": name, "os_platform": "Windows11"}
        return world.database.run_now(
            lambda tx: records.add_device(tx, world.organization_id, world.account_id, machine.id, "mara", **where)
        )

    def begin(self, device: records.Device | None = None, **options: Any) -> Drill:
        where = device or self.allow()
        values: dict[str, Any] = {"real": False, "by": "mara"} | options
        return self.world.database.run_now(lambda tx: records.begin(tx, where, PLAYBOOK, **values))

    def look(self, drill: Drill) -> Drill:
        return self.world.database.read_now(lambda tx: records.get(tx, drill.id))

    def abort(self, drill: Drill) -> None:
        organization = self.world.organization_id
        self.world.database.run_now(lambda tx: records.abort(tx, drill.id, organization_id=organization, by="mara"))

    async def round(self, rehearsals: Rehearsals) -> None:
        """Let three seconds pass, in which everybody has a look."""
        world = self.world
        world.advance(ROUND)
        followed = world.database.read_now(lambda tx: services.of_account(tx, world.account_id))[0]
        await self.poller.poll(followed)
        started = world.database.read_now(lambda tx: tx.all(sa.select(runs.c.id, runs.c.alert_id, runs.c.account_id)))
        for run in started if self.contains else ():
            world.request(world.machine(HOST).id, key=f"{run['id']}:1", run_id=run["id"], alert_id=run["alert_id"])
        await world.drive()
        await rehearsals.tick()

    async def play(self, drill: Drill, *, rounds: int = 60) -> Drill:
        """Go on until the drill is over."""
        rehearsals = self.rehearsals()
        for _ in range(rounds):
            found = self.look(drill)
            if found.over:
                return found
            await self.round(rehearsals)
        raise AssertionError(self.look(drill))

    async def until(self, drill: Drill, state: str, *, rounds: int = 60) -> Drill:
        """Go on until the drill has a state."""
        rehearsals = self.rehearsals()
        for _ in range(rounds):
            found = self.look(drill)
            if found.state == state:
                return found
            assert not found.over, found
            await self.round(rehearsals)
        raise AssertionError(self.look(drill))

    def held(self) -> int:
        """Return how many hosts are or may be cut off by us."""
        shown = self.world.database.read_now(lambda tx: tx.all(sa.select(containments.c.state)))
        return len([row for row in shown if row["state"] not in FINAL])


def marks(drill: Drill) -> dict[str, str]:
    """Return the lines of the scorecard and what became of them."""
    return {step.name: step.mark.value for step in drill.steps}


@asynccontextmanager
async def a_stage(database: Database) -> AsyncIterator[Stage]:
    """Make a stage whose account leads to the simulator by its address."""
    async with a_world(database) as world:
        keep_secret(world, world.app.secrets[0].value)
        world.set_account(login_url=ADDRESS, api_url=ADDRESS)

        async def wait(seconds: float) -> None:
            world.advance(seconds)

        retry = RetryPolicy(attempts=1, sleep=_no_sleep)
        world.clients = clients = Clients(world.database, VAULT, transport=world.wire, retry=retry, wait=wait)
        assert world.database.read_now(lambda tx: accounts.by_id(tx, world.account_id)).api_url == ADDRESS
        try:
            yield Stage(world)
        finally:
            await clients.aclose()
