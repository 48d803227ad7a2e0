"""Random histories with random faults: whatever happens and in whatever order, the promises of containment hold.

Each history is told by its seed alone: RINGFENCE_HISTORIES=10000 plays so many instead of the few that every test run plays,
RINGFENCE_HISTORY=SEED plays one again.
"""

import os
import random
from collections.abc import Callable
from typing import Any, Final

import httpx
import pytest

from containment_world import World, a_world
from ringfence.approvals import service as approvals
from ringfence.approvals.model import Subject
from ringfence.containment import asking
from ringfence.containment.claims import LEASE
from ringfence.containment.model import HELD, Containment, State
from ringfence.errors import RingfenceError
from ringfence.simulator import Simulator, portal
from ringfence.simulator.specs import PortalAction
from ringfence.simulator.tenant import Action
from ringfence.storage import Database

FEW: Final = 15
STEPS: Final = 18
HOSTS: Final = ("wks-001", "wks-002", "srv1")
"""Near namesakes stand beside them in the tenant, and must never be touched."""
QUARTERS: Final = 4
"""Of a day, that everything is given to end once all troubles are over."""

FAULTS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("status", {"status": 503}),
    ("status", {"status": 429, "headers": {"Retry-After": "40"}}),
    ("status", {"status": 429}),
    ("status", {"status": 500, "times": 3}),
    ("drop_before_effect", {}),
    ("drop_reply_after_effect", {}),
    ("drop_reply_after_effect", {"times": 2}),
    ("late_finish", {"seconds": 400.0}),
    ("malformed_body", {}),
)
OPERATIONS: Final = (
    "isolate_machine",
    "unisolate_machine",
    "list_machine_actions",
    "get_machine_action",
    "get_machine",
    "cancel_machine_action",
)


class Crash(BaseException):
    """The process ends here; nothing that handles exceptions may handle it."""


class History:
    """One history in a world of its own."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.seed = seed
        self.chance = random.Random(seed)
        self.asked: list[Containment] = []
        self.told: list[str] = []
        self.fuse = 0
        self.checked = 0
        world.wire.before = self._step
        world.wire.after = self._step

    # --- what may happen ---------------------------------------------------------------------------------------------

    def _step(self, _request: httpx.Request) -> None:
        self.fuse -= 1
        if self.fuse == 0:
            raise Crash

    async def play(self) -> None:
        acts: list[tuple[int, Callable[[], object]]] = [
            (6, self.request),
            (4, self.let_go),
            (4, self.in_the_portal),
            (6, self.fault),
            (3, self.power),
            (2, self.outcome),
            (3, self.answer),
            (2, self.policy),
            (8, self.wait),
        ]
        deck = [act for weight, act in acts for _ in range(weight)]
        self.request()
        for _ in range(STEPS):
            act = self.chance.choice(deck)
            # No two things happen at the same moment, as in life.
            self.world.advance(0.01)
            act()
            self.world.advance(0.01)
            if self.chance.random() < 0.3:
                self.fuse = self.chance.randrange(1, 9)
                self.note(f"the process dies at step {self.fuse}")
            await self.drive()
        await self.settle()

    def note(self, text: str) -> None:
        self.told.append(f"{self.world.simulator.clock.now():.0f} {text}")

    def request(self) -> None:
        host = self.chance.choice(HOSTS)
        target = host if self.chance.random() < 0.5 else self.world.machine(host).id
        timer = self.chance.choice([None, None, 600.0, 7200.0])
        deadline = self.chance.choice([4 * 3600.0, 120.0])
        key = f"{self.seed}-{self.chance.choice([len(self.asked), self.chance.randrange(3)])}:1"
        try:
            asked = self.world.request(target, key=key, auto_release_after=timer, deadline=deadline)
        except RingfenceError as error:
            self.note(f"refused: {error.code}")
            return
        self.asked.append(asked)
        self.note(f"{asked.id[-4:]} asked for {target[:12]} by {key}, timer {timer}, deadline {deadline}")

    def let_go(self) -> None:
        if self.asked:
            asked = self.chance.choice(self.asked)
            prefix = self.chance.choice([None, asked.request_key])
            self.world.let_go(asked, holder_prefix=prefix)
            self.note(f"{asked.id[-4:]} let go by {prefix or 'a person'}")

    def in_the_portal(self) -> None:
        host, kind = self.chance.choice(HOSTS), self.chance.choice(["Isolate", "Unisolate"])
        source = self.chance.choice(["Portal", "AttackDisruption"])
        self.world.simulator.settle()
        wanted = PortalAction.model_validate({"machine": host, "type": kind, "source": source})
        try:
            portal.act(self.world.tenant, wanted, self.world.simulator.clock, self.world.simulator.clock.now())
        except Exception as error:
            # The portal refuses what is in progress already, as the service does.
            self.note(f"portal refused {kind} of {host}: {type(error).__name__}")
            return
        self.note(f"{source}: {kind} of {host}")

    def fault(self) -> None:
        kind, options = self.chance.choice(FAULTS)
        operation = self.chance.choice(OPERATIONS)
        self.world.fault(kind, operation, **options)
        self.note(f"fault {kind} {options} at {operation}")

    def power(self) -> None:
        host, online = self.chance.choice(HOSTS), self.chance.random() < 0.5
        self.world.change(host, online=online)
        self.note(f"{host} is {'on' if online else 'off'}")

    def outcome(self) -> None:
        host, how = self.chance.choice(HOSTS), self.chance.choice(["Failed", "TimeOut"])
        self.world.change(host, next_outcome=how)
        self.note(f"the next action on {host} ends as {how}")

    def answer(self) -> None:
        world, yes = self.world, self.chance.random() < 0.7
        for asked in self.asked:
            found = world.database.read_now(lambda tx, each=asked: approvals.open_for(tx, Subject.CONTAINMENT, each.id))  # type: ignore[misc]
            if found is None:
                continue
            world.database.run_now(
                lambda tx, each=found: asking.answer(  # type: ignore[misc]
                    tx, each.id, organization_id=world.organization_id, by="ines", yes=yes, via="page"
                )
            )
            self.note(f"{asked.id[-4:]} is answered {'yes' if yes else 'no'}")

    def policy(self) -> None:
        choices: list[dict[str, Any]] = [
            {},
            {"frozen": True},
            {"protected_names": ["wks-002"]},
            {"approvals": {"always": True, "people_too": True}},
            {"max_per_hour": 1},
        ]
        values = self.chance.choice(choices)
        self.world.set_policy(**{"max_per_hour": 50, "frozen": False, **values})
        self.note(f"policy {values}")

    def wait(self) -> None:
        seconds = self.chance.choice([1.0, 5.0, 30.0, 45.0, 200.0, 900.0, 5000.0, 90_000.0])
        self.world.advance(seconds)
        self.note(f"{seconds} s pass")

    # --- what must hold ----------------------------------------------------------------------------------------------

    async def drive(self) -> None:
        """Drive what is due, twice where the first driver dies, and look."""
        for _ in range(2):
            try:
                await self.world.driver().drive_due()
            except Crash:
                self.told.append("crash")
                self.world.advance(LEASE)
            finally:
                self.fuse = 0
            self.look()

    def look(self) -> None:
        self.world.simulator.settle()
        for asked in self.asked:
            found = self.world.look(asked)
            if found.state in HELD or found.state is State.RELEASED:
                action = self.world.tenant.actions.get(found.isolate_action_id or "")
                assert action is not None, self.story(f"{found.id[-4:]} is {found.state} without an action")
                assert action.status == "Succeeded", self.story(f"{found.id[-4:]} is {found.state}: {action.status}")
                assert action.machine_id == found.machine_id, self.story("another machine was isolated")
            if found.state is State.RELEASED:
                release = self.world.tenant.actions.get(found.release_action_id or "")
                assert release is not None, self.story(f"{found.id[-4:]} is released without an action")
                assert release.status == "Succeeded", self.story(f"{found.id[-4:]} is released: {release.status}")
        self._look_at_defender()

    def _look_at_defender(self) -> None:
        actions = [each for each in self.world.tenant.actions.values() if each.type in ("Isolate", "Unisolate")]
        wanted = {self.world.machine(host).id for host in HOSTS}
        assert {each.machine_id for each in actions} <= wanted, self.story("another machine was touched")
        for machine in wanted:
            mine = sorted((each for each in actions if each.machine_id == machine), key=lambda each: each.place)
            self._look_at_machine(machine, mine)

    def _look_at_machine(self, machine: str, actions: list[Action]) -> None:
        open_ones = [each for each in actions if each.status in ("Pending", "InProgress") and _ours(each)]
        isolations = [each for each in open_ones if each.type == "Isolate"]
        assert len(isolations) <= 1, self.story(f"two isolations of {machine[:6]} are in flight")
        external = [each.record.document.get("externalId") for each in actions if _ours(each)]
        assert len(external) == len(set(external)), self.story(f"one request was sent twice to {machine[:6]}")
        before: Action | None = None
        for each in actions:
            if each.type == "Unisolate" and _ours(each):
                assert before is not None, self.story(f"{machine[:6]} was released though nobody had isolated it")
                foreign = before.type == "Isolate" and not _ours(before) and before.status == "Succeeded"
                assert not foreign, self.story(f"a foreign isolation of {machine[:6]} was released")
            if each.status == "Succeeded":
                before = each

    async def settle(self) -> None:
        """Let all troubles end and time pass: whatever was asked for then ends, or is held as wanted."""
        self.world.simulator.faults.clear()
        self.world.set_policy(max_per_hour=50, frozen=False)
        for host in HOSTS:
            self.world.change(host, online=True)
        self.note("all troubles are over")
        for _ in range(QUARTERS):
            try:
                await self.world.pass_time(6 * 3600.0, rounds=2_000)
            except AssertionError as error:
                states = [(each.id[-4:], each.state.value, each.detail) for each in map(self.world.look, self.asked)]
                raise AssertionError(self.story(f"{error}: {states}")) from None
        self.look()
        for asked in self.asked:
            found = self.world.look(asked)
            held = found.state is State.CONTAINED and found.release_requested_at is None
            rests = found.final or held or self._waits(found)
            assert rests, self.story(f"{found.id[-4:]} never ends: {found.state}, {found.detail}")
            if found.state is State.CONTAINED:
                assert self.world.holders(found), self.story(f"{found.id[-4:]} is held by nobody")
                assert self.world.machine(found.machine_id or "").isolated, self.story("shown contained, and is free")

    def _waits(self, found: Containment) -> bool:
        """Whether Defender itself has not ended what was asked for, and that is said."""
        asked_for = found.release_action_id if found.state is State.RELEASING else found.isolate_action_id
        action = self.world.tenant.actions.get(asked_for or "")
        return action is not None and action.status in ("Pending", "InProgress") and action.status in found.detail

    def story(self, what: str) -> str:
        lines = "\n".join(self.told)
        return f"{what}\nRINGFENCE_HISTORY={self.seed} plays it again.\n{lines}"


def _ours(action: Action) -> bool:
    return str(action.record.document.get("externalId") or "").startswith("ringfence:")


def seeds() -> range:
    """Return the seeds to be played."""
    if "RINGFENCE_HISTORY" in os.environ:
        first = int(os.environ["RINGFENCE_HISTORY"])
        return range(first, first + 1)
    first = int(os.environ.get("RINGFENCE_HISTORIES_FROM", "0"))
    return range(first, first + int(os.environ.get("RINGFENCE_HISTORIES", FEW)))


@pytest.mark.timeout(0)
async def test_in_every_history_the_promises_of_containment_hold(embedded: Database, logged: list[Any]) -> None:
    isolated = released = crashed = 0
    for seed in seeds():
        simulator = Simulator.from_scenario("quiet", frozen=True)
        async with a_world(embedded, simulator) as world:
            world.set_policy(max_per_hour=50)
            world.tenant.settings.duplicates = random.Random(seed).choice(["refuse", "return_pending"])
            history = History(world, seed)
            await history.play()
            isolated += len(world.sent("isolate_machine"))
            released += len(world.sent("unisolate_machine"))
            crashed += history.told.count("crash")
        # Malformed replies are logged as what they are.
        logged.clear()
    # Histories in which nothing happens prove nothing.
    assert min(isolated, released, crashed) >= len(seeds()) // 4, (isolated, released, crashed)
