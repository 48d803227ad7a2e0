"""A small world for tests of runs: actions that do as a playbook tells them, the effects they had, and a clock."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar, cast

import sqlalchemy as sa
from pydantic import Field

from ringfence import clock
from ringfence.actions import ActionError, Connector, ContainmentPort, Context, DefenderPort, Effect, Json, Result, Wait
from ringfence.actions.catalogue import Catalogue
from ringfence.connectors.playbook import connector as calling
from ringfence.playbooks import rounds
from ringfence.runs import rows, wakes
from ringfence.runs.model import Run, StepRun
from ringfence.runs.runner import Runner
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import organizations, playbook_versions, playbooks, run_logs, runs
from ringfence.storage.tables import wakes as waiting

T = TypeVar("T")
LEASE = 30.0
NEVER = datetime.max.replace(tzinfo=UTC)
NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


class Crash(BaseException):
    """The process ends here."""


@dataclass
class Time:
    """The time, which only the test moves."""

    now: datetime = NOON

    def start(self) -> "Time":
        """Let it be everybody's time."""
        clock.replace(lambda: self.now.timestamp())
        return self

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


@dataclass
class World:
    """What happened outside: effects by key, every call as (step, attempt, resumed), and as (step, iteration)."""

    effects: list[tuple[str, str]] = field(default_factory=list)
    calls: list[tuple[str, int, Json]] = field(default_factory=list)
    order: list[tuple[str, int]] = field(default_factory=list)
    inputs: dict[str, Json] = field(default_factory=dict)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    begun: dict[str, asyncio.Event] = field(default_factory=dict)
    hooks: dict[str, Callable[[Context], Awaitable[Any]]] = field(default_factory=dict)
    crash_at: int | None = None
    moments: int = 0

    def moment(self) -> None:
        """Pass a moment at which the process may end."""
        self.moments += 1
        if self.crash_at == self.moments:
            raise Crash

    def gate(self, step: str) -> asyncio.Event:
        """Make calls of a step wait until the event is set."""
        self.begun[step] = asyncio.Event()
        return self.gates.setdefault(step, asyncio.Event())

    def keys(self) -> list[str]:
        """List the steps that had an effect, each time that it was had."""
        return [key.split(":")[1] for key, _ in self.effects]

    async def act(self, context: Context, do: Json, *, kind: str) -> Result | Wait:
        """Do as told: `do` lists for each attempt what its calls do, one after the other."""
        step = context.step_key.split(":")[1]
        script = cast("list[list[str]]", do) or [["ok"]]
        resumed = context.resumed
        number = cast("int", resumed) if resumed is not None else 0
        self.calls.append((step, context.attempt, resumed))
        self.order.append((step, int(context.step_key.split(":")[2])))
        self.moment()
        if step in self.begun:
            self.begun[step].set()
        if step in self.gates:
            await self.gates[step].wait()
        if step in self.hooks:
            return cast("Result | Wait", await self.hooks[step](context))
        if kind not in ("pure", "read"):
            self.effects.append((context.step_key, kind))
            self.moment()
        # Each further try of a call in which it stands begins later in the script.
        path = rounds.path_of(int(context.step_key.split(":")[2]))
        later = sum(rounds.number_of(each) - 1 for each in path if rounds.is_try(each))
        verb, _, rest = script[min(context.attempt + later, len(script)) - 1][number].partition(" ")
        if verb == "wait":
            return Wait(until=clock.now() + timedelta(seconds=float(rest)), state=number + 1)
        if verb == "topic":
            return Wait(topics=(rest,), state=number + 1)
        if verb == "error":
            raise ActionError("Not now.", code="busy", permanent=False)
        if verb == "refuse":
            raise ActionError("Never.", code="refused", permanent=True)
        if verb == "bug":
            raise KeyError("a bug")
        output: Json = {"step": step, "effects": self.keys().count(step) if kind == "once" else 0}
        return Result("success" if verb == "ok" else verb, output)


def catalogue_of(world: World) -> Catalogue:
    """Declare one action of each kind; `do` is a script, `value` anything."""
    connector = Connector(
        "contoso", title="Contoso", version="1.0.0", description="A pretend service.", category="Test"
    )

    def declare(name: str, effect: Effect, *, repeatable: bool = False, **more: Any) -> None:
        async def action(
            context: Context,
            do: Annotated[Json, Field(description="What each call does.")] = None,
            value: Annotated[Json, Field(description="Anything.")] = None,
        ) -> Result | Wait:
            """Do as told."""
            world.inputs[context.step_key.split(":")[1]] = value
            return await world.act(context, do, kind=name)

        connector.action(
            effect=effect, repeatable=repeatable, outcomes=("success", "yes", "no", "stopped_failed"), name=name, **more
        )(action)

    declare("pure", Effect.PURE)
    declare("read", Effect.READ)
    declare("write", Effect.WRITE, repeatable=True)
    declare("once", Effect.WRITE)
    declare("contain", Effect.CONTAIN, repeatable=True, permissions=("Machine.Isolate",), undo="contoso.contain")
    return Catalogue([("test", connector), ("playbook", calling)])


class Fragile(Database):
    """A database under which the process may end: before a call, or after its commit and before its answer."""

    world: World
    ends: str = "before"

    async def run(self, work: Callable[[Transaction], T]) -> T:
        return await self._at(super().run, work)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        return await self._at(super().read, work)

    async def _at(
        self, call: Callable[[Callable[[Transaction], T]], Awaitable[T]], work: Callable[[Transaction], T]
    ) -> T:
        if self.ends == "before":
            self.world.moment()
            return await call(work)
        answer = await call(work)
        self.world.moment()
        return answer


def _no_ports(_run: Run) -> tuple[DefenderPort, ContainmentPort]:
    return cast("DefenderPort", None), cast("ContainmentPort", None)


@dataclass
class Stage:
    """A playbook in a database, its runs, and who carries them."""

    database: Database
    world: World
    time: Time
    organization_id: str
    playbook_id: str
    version_id: str
    catalogue: Catalogue

    @classmethod
    def set(
        cls, database: Database, steps: Mapping[str, Mapping[str, Any]], *, log_level: str = "info", **more: Any
    ) -> "Stage":
        """Set up a playbook with these steps; `more` is what else it says. The time stands still from now on."""
        world, time = World(), Time().start()
        organization_id, playbook_id, version_id = clock.new_id(), clock.new_id(), clock.new_id()
        made = cls(database, world, time, organization_id, playbook_id, version_id, catalogue_of(world))
        database.run_now(lambda tx: made._seed(tx, source_of(steps, log_level, **more)))
        return made

    def _seed(self, tx: Transaction, source: str) -> None:
        now = clock.now()
        tx.execute(sa.insert(organizations).values(id=self.organization_id, name=self.organization_id, created_at=now))
        tx.execute(
            sa.insert(playbooks).values(
                id=self.playbook_id,
                organization_id=self.organization_id,
                name="Example",
                state="active",
                active_version_id=self.version_id,
                created_at=now,
                updated_at=now,
            )
        )
        tx.execute(
            sa.insert(playbook_versions).values(
                id=self.version_id,
                playbook_id=self.playbook_id,
                major=1,
                minor=2,
                source=source,
                published_at=now,
                published_by="megan.bowen",
            )
        )

    def component(self, name: str, steps: Mapping[str, Mapping[str, Any]], **head: Any) -> None:
        """Publish a component; each time it is published it is its next version, from 1.0."""
        document = {"ringfence": 1, "kind": "component", "name": name, **head, "steps": steps}

        def work(tx: Transaction) -> None:
            mine = playbooks.c.organization_id == self.organization_id
            known = sa.select(playbooks.c.id).where(mine, playbooks.c.name == name)
            playbook_id, now = tx.scalar(known) or clock.new_id(), clock.now()
            version_id, of = clock.new_id(), playbook_versions.c.playbook_id == playbook_id
            minor = tx.scalar(sa.select(sa.func.count()).select_from(playbook_versions).where(of))
            row = {"organization_id": self.organization_id, "name": name, "state": "active", "created_at": now}
            if not minor:
                tx.execute(sa.insert(playbooks).values(row | {"id": playbook_id, "updated_at": now}))
            version = {"id": version_id, "playbook_id": playbook_id, "major": 1, "minor": minor, "published_at": now}
            source = {"source": json.dumps(document), "published_by": "megan.bowen"}
            tx.execute(sa.insert(playbook_versions).values(version | source))
            newest = sa.update(playbooks).where(playbooks.c.id == playbook_id)
            tx.execute(newest.values(active_version_id=version_id))

        self.database.run_now(work)

    def request(self, cause: str | None = None, **trigger: Any) -> str:
        """Ask for a run."""
        return self.database.run_now(
            lambda tx: rows.request(
                tx,
                organization_id=self.organization_id,
                playbook_id=self.playbook_id,
                playbook_version_id=self.version_id,
                cause_key=cause or clock.new_id(),
                trigger=trigger,
            )
        )

    def runner(
        self, owner: str = "first", *, database: Database | None = None, catalogue: Catalogue | None = None
    ) -> Runner:
        """Make a worker's runner."""
        return Runner(
            database or self.database,
            catalogue or self.catalogue,
            _no_ports,
            owner=owner,
            lease=LEASE,
            patience=0.02,
        )

    def steps(self, run_id: str) -> dict[str, StepRun]:
        """Read the step rows."""
        return self.database.read_now(lambda tx: rows.steps_of(tx, run_id))

    def rounds(self, run_id: str) -> dict[tuple[str, int], StepRun]:
        """Read the step rows with those of the items of loops, by name and iteration."""
        found = self.database.read_now(lambda tx: rows.every_step(tx, run_id))
        return {(step.step, step.iteration): step for step in found}

    def run(self, run_id: str) -> sa.RowMapping:
        """Read the run's row."""
        found = self.database.read_now(lambda tx: tx.one(sa.select(runs).where(runs.c.id == run_id)))
        assert found is not None
        return found

    def told(self, run_id: str) -> list[tuple[str, str, str]]:
        """Read the run's log as (step, level, message)."""
        query = sa.select(run_logs).where(run_logs.c.run_id == run_id).order_by(run_logs.c.id)
        return [(row["step"], row["level"], row["message"]) for row in self.database.read_now(lambda tx: tx.all(query))]

    def change(self, topic: str, *, wake: bool = True, kind: str = "moved") -> list[wakes.Address]:
        """Let a change happen, and wake who waits for it unless nobody sees it."""

        def work(tx: Transaction) -> None:
            noun, _, noun_id = topic.partition(":")
            tx.changed(self.organization_id, noun, noun_id, kind)

        self.database.run_now(work)
        return self.database.run_now(lambda tx: wakes.wake(tx, [topic])) if wake else []

    async def crash_and_inherit(self, run_id: str, database: "Fragile") -> bool:
        """Carry a run to its end by a worker that crashes where the world says so, and by its heir; returns whether it did."""
        try:
            await self.carry(run_id, self.runner(f"worker {run_id}", database=database))
        except Crash:
            self.world.crash_at = None
            self.time.pass_by(LEASE)
            await self.carry(run_id, self.runner(f"heir {run_id}"))
            return True
        return False

    async def carry(
        self, run_id: str, runner: Runner | None = None, *, topics: list[str] | None = None
    ) -> sa.RowMapping:
        """Carry a run to its end: time passes to the next wake; where that is an hour away, the next topic changes first."""
        worker = runner or self.runner()
        left = topics if topics is not None else []
        for _ in range(100):
            await worker.advance(run_id)
            run = self.run(run_id)
            if run["status"] not in ("requested", "running", "waiting"):
                return run
            at = [step.wake_at for step in self.rounds(run_id).values() if step.wake_at is not None]
            if left and min(at, default=NEVER) - self.time.now > timedelta(hours=1):
                self.change(left.pop(0))
            elif at:
                self.time.now = max(self.time.now, min(at))
        raise AssertionError("The run did not end.")


def source_of(steps: Mapping[str, Mapping[str, Any]], log_level: str = "info", **more: Any) -> str:
    """Write a playbook; JSON is YAML."""
    playbook = {"ringfence": 1, "name": "Example", "log_level": log_level, "trigger": {"type": "manual"}}
    return json.dumps(playbook | more | {"steps": steps})


def states(stage: Stage, run_id: str) -> dict[str, str]:
    """Say how each step of a run stands."""
    return {name: step.status.value for name, step in stage.steps(run_id).items()}


def waiting_topics(stage: Stage) -> list[str]:
    """List the topics on which steps wait."""
    return list(stage.database.read_now(lambda tx: tx.execute(sa.select(waiting.c.topic)).scalars().all()))


def held_back(times: int, then: Result | Wait, *, wait: Wait | None = None) -> Callable[[Context], Awaitable[Any]]:
    """Wait where there is a wait, then be not let through so many times, and then end."""
    answers: list[Wait | ActionError | Result] = [*([wait] if wait else [])]
    answers += [ActionError("The budget is spent.", code="BudgetSpent", permanent=False, retry_after=40.0)] * times
    answers.append(then)

    async def act(_: Context) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, ActionError):
            raise answer
        return answer

    return act
