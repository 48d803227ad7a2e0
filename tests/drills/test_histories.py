"""Random drills with random faults: whatever happens, a drill ends, and its device is free or is said not to be.

Each history is told by its seed alone: RINGFENCE_DRILLS=1000 plays so many instead of the few that every test run plays,
RINGFENCE_DRILL=SEED plays one again.
"""

import os
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import httpx
import pytest
import sqlalchemy as sa

from drill_stage import HOST, Stage, a_stage
from ringfence.containment.model import FINAL
from ringfence.defender import DefenderError
from ringfence.drills.model import Drill, State
from ringfence.errors import RingfenceError
from ringfence.services import records as services
from ringfence.storage import Database
from ringfence.storage.tables import containments, runs

FEW: Final = 3
PATIENCE: Final = 240.0
LONGEST: Final = 4 * 3600.0
FAULTS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("status", {"status": 503}),
    ("status", {"status": 429, "headers": {"Retry-After": "40"}}),
    ("status", {"status": 500, "times": 3}),
    ("status", {"status": 403, "times": 2}),
    ("drop_before_effect", {}),
    ("drop_reply_after_effect", {"times": 2}),
    ("late_finish", {"seconds": 400.0}),
    ("malformed_body", {}),
)
OPERATIONS: Final = (
    "isolate_machine",
    "unisolate_machine",
    "list_machine_actions",
    "get_machine",
    "list_machines",
    "list_alerts",
)


class Crash(BaseException):
    """The process ends here; nothing that handles exceptions may handle it."""


class History:
    """One drill in a world of its own."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage = stage
        self.seed = seed
        self.chance = random.Random(seed)
        self.told: list[str] = []
        self.fuse = 0
        self.rehearsals = stage.rehearsals()
        stage.world.wire.before = stage.world.wire.after = self._step
        self.drill = stage.begin(patience=PATIENCE)

    def _step(self, _request: httpx.Request) -> None:
        self.fuse -= 1
        if self.fuse == 0:
            raise Crash

    def note(self, text: str) -> None:
        self.told.append(f"{self.stage.world.simulator.clock.now():.0f} {text}")

    # --- what may happen ---------------------------------------------------------------------------------------------

    def fault(self) -> None:
        kind, options = self.chance.choice(FAULTS)
        operation = self.chance.choice(OPERATIONS)
        self.stage.world.fault(kind, operation, **options)
        self.note(f"fault {kind} {options} at {operation}")

    def power(self) -> None:
        online = self.chance.random() < 0.5
        self.stage.world.change(HOST, online=online)
        self.note(f"the device is {'on' if online else 'off'}")

    def outcome(self) -> None:
        how = self.chance.choice(["Failed", "TimeOut"])
        self.stage.world.change(HOST, next_outcome=how)
        self.note(f"the next action ends as {how}")

    def abort(self) -> None:
        if not self.look().over:
            self.stage.abort(self.drill)
            self.note("somebody aborts it")

    def portal(self) -> None:
        kind = self.chance.choice(["Isolate", "Unisolate"])
        try:
            self.stage.world.portal(HOST, kind)
        except Exception as error:
            # The portal refuses what is in progress already, as the service does.
            self.note(f"the portal refused {kind}: {type(error).__name__}")
            return
        self.note(f"an analyst: {kind}")

    def policy(self) -> None:
        values: dict[str, Any] = self.chance.choice(
            [{"frozen": True}, {"approvals": {"always": True}}, {"servers": "allow"}, {}]
        )
        self.stage.world.set_policy(**{"frozen": False, **values})
        self.note(f"policy {values}")

    def nothing(self) -> None:
        """Let it go on."""

    # --- how it goes on ----------------------------------------------------------------------------------------------

    def look(self) -> Drill:
        return self.stage.look(self.drill)

    async def play(self) -> Drill:
        acts: list[tuple[int, Callable[[], object]]] = [
            (5, self.fault),
            (2, self.power),
            (2, self.outcome),
            (1, self.abort),
            (1, self.portal),
            (1, self.policy),
            (14, self.nothing),
        ]
        deck = [act for weight, act in acts for _ in range(weight)]
        began = self.stage.world.simulator.clock.now()
        while not self.look().over:
            spent = self.stage.world.simulator.clock.now() - began
            assert spent < LONGEST, self.story(f"the drill never ends: {self.look().state}, {self.look().detail}")
            # What goes wrong goes wrong while the drill was given time; after that it has to end.
            self.chance.choice(deck if spent < PATIENCE else [self.nothing])()
            if self.chance.random() < 0.2:
                self.fuse = self.chance.randrange(1, 9)
            await self.round(self.chance.choice([3.0, 3.0, 10.0, 40.0]) if spent < PATIENCE else 60.0)
        return self.look()

    async def round(self, seconds: float) -> None:
        """Let time pass, in which everybody has a look, or dies."""
        world = self.stage.world
        world.advance(seconds)
        try:
            followed = world.database.read_now(lambda tx: services.of_account(tx, world.account_id))[0]
            with suppress(DefenderError, RingfenceError):
                await self.stage.poller.poll(followed)
            query = sa.select(runs.c.id, runs.c.alert_id).where(runs.c.organization_id == world.organization_id)
            for run in world.database.read_now(lambda tx: tx.all(query)):
                key, of = f"{run['id']}:1", {"run_id": run["id"], "alert_id": run["alert_id"]}
                with suppress(RingfenceError):
                    world.request(world.machine(HOST).id, key=key, **of)
            await world.driver().drive_due()
            await self.rehearsals.tick()
        except Crash:
            self.note("the process dies")
            self.rehearsals = self.stage.rehearsals()
        finally:
            self.fuse = 0

    async def settle(self) -> None:
        """Let all troubles end; nothing of ours may then be left on the device."""
        world = self.stage.world
        world.simulator.faults.clear()
        world.set_policy(frozen=False)
        world.change(HOST, online=True)
        self.note("all troubles are over")
        for _ in range(40):
            await self.round(60.0)
        assert self.holding() == [], self.story(f"still held: {self.holding()}")

    # --- what must hold ----------------------------------------------------------------------------------------------

    def holding(self) -> list[str]:
        mine = containments.c.organization_id == self.stage.world.organization_id
        query = sa.select(containments.c.state, containments.c.detail).where(mine)
        rows = self.stage.world.database.read_now(lambda tx: tx.all(query))
        return [f"{row['state']}: {row['detail']}" for row in rows if row["state"] not in FINAL]

    def judge(self, done: Drill) -> None:
        """Hold the scorecard against what Defender says."""
        world = self.stage.world
        touched = {each.machine_id for kind in ("Isolate", "Unisolate") for each in world.actions(kind)}
        assert touched <= {world.machine(HOST).id}, self.story("another machine was touched")
        said = " ".join((done.detail, *(step.detail for step in done.steps)))
        if done.state is State.PASSED:
            ours = [each for kind in ("Isolate", "Unisolate") for each in world.actions(kind)]
            assert {each.type for each in ours if each.status == "Succeeded"} == {"Isolate", "Unisolate"}, self.story(
                "a drill passed that did not isolate and release"
            )
        if held := self.holding():
            assert done.state is not State.PASSED, self.story(f"passed, and {held}")
            assert "not known to be released" in said, self.story(f"over and {held}, and it only says: {said}")

    def story(self, what: str) -> str:
        lines = "\n".join(self.told)
        return f"{what}\nRINGFENCE_DRILL={self.seed} plays it again.\n{lines}"


def seeds() -> range:
    """Return the seeds to be played."""
    if "RINGFENCE_DRILL" in os.environ:
        first = int(os.environ["RINGFENCE_DRILL"])
        return range(first, first + 1)
    return range(int(os.environ.get("RINGFENCE_DRILLS", FEW)))


@pytest.mark.timeout(0)
async def test_in_every_history_a_drill_ends_and_its_device_is_free_or_said_not_to_be(
    embedded: Database,
) -> None:
    ends: dict[str, int] = {}
    for seed in seeds():
        async with a_stage(embedded) as stage:
            stage.publish()
            history = History(stage, seed)
            done = await history.play()
            history.judge(done)
            await history.settle()
            ends[done.state.value] = ends.get(done.state.value, 0) + 1
    if len(seeds()) > 1:
        # Drills that all end alike prove little.
        assert len(ends) > 1, ends
