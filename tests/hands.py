"""One action at a time, by the real door to a simulated tenant: what it waits for comes as simulated time passes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import cast

from acting import Desk, Scene
from containment_world import World
from port_world import run_of
from ringfence.actions import Json, Result, Wait
from ringfence.actions.catalogue import discover
from ringfence.responses import claims
from ringfence.responses.driver import Driver
from ringfence.runs.door import Defender
from ringfence.runs.responding import Responses

CATALOGUE = discover()


@dataclass
class Hands:
    """Calls actions as one step of one run would; `waits` are those that it went through."""

    world: World
    scene: Scene = field(init=False)
    waits: list[Wait] = field(default_factory=list)

    def __post_init__(self) -> None:
        run = run_of(self.world)
        responses = Responses(
            self.world.database, run.organization_id, run.account_id, "playbook Example 1.2", 4 * 3_600.0, run.id
        )
        door = Defender(run, self.world.clients, responses=responses)
        self.scene = Scene(defender=cast("Desk", door))

    @property
    def now(self) -> datetime:
        """The simulated time."""
        return datetime.fromtimestamp(self.world.simulator.clock.now(), UTC)

    async def call(self, action_id: str, inputs: Mapping[str, Json], *, resumed: Json = None) -> Result | Wait:
        """Call an action once."""
        action = CATALOGUE.find(action_id)
        assert action is not None
        self.scene = replace(self.scene, resumed=resumed, time=self.now)
        return await action.call(self.scene, inputs)

    async def carry(self, action_id: str, inputs: Mapping[str, Json]) -> Result:
        """Call an action until it ends."""
        answer = await self.call(action_id, inputs)
        for _ in range(600):
            if isinstance(answer, Result):
                return answer
            self.waits.append(answer)
            assert answer.until is not None
            await self._pass(answer)
            answer = await self.call(action_id, inputs, resumed=answer.state)
        raise AssertionError("The action does not end.")

    async def drive(self) -> None:
        """Do what a worker does about responses at this moment."""
        while await Driver(self.world.database, self.world.clients, owner="hands").drive_due():
            pass

    async def _pass(self, wait: Wait) -> None:
        assert wait.until is not None
        until = wait.until
        await self.drive()
        if wait.topics:
            due = self.world.database.read_now(claims.next_due)
            until = min(until, due) if due is not None else self.now
        self.world.advance(max((until - self.now).total_seconds(), 0.0) + 0.001)
        await self.drive()

    def output(self, result: Result) -> dict[str, Json]:
        """Return the output of an action, which is an object."""
        assert isinstance(result.output, dict)
        return result.output
