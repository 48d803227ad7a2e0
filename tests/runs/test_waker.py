"""What became possible is started: at once by the change feed, and by the sweep where nobody saw it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from response_world import responding
from ringfence import clock
from ringfence.containment.model import FINAL, State
from ringfence.responses import claims
from ringfence.responses.kinds import Kind
from ringfence.runs import rows
from ringfence.runs.engine import Engine
from ringfence.runs.runner import Runner
from ringfence.runs.waker import Starter, Waker, may_end_a_wait
from ringfence.runs.wakes import Address
from ringfence.storage import Database, changes
from ringfence.storage.changes import Change
from ringfence.storage.tables import changes as changes_table
from ringfence.storage.tables import workers
from run_world import LEASE, Crash, Stage

WAITS: dict[str, dict[str, Any]] = {"one": {"action": "contoso.contain", "with": {"do": [["topic case:7", "ok"]]}}}


@dataclass
class Starts:
    """Stands in for the engine: keeps what it was asked to start."""

    failures: int = 0
    adoption: Exception | None = None
    started: asyncio.Queue[Address] = field(default_factory=asyncio.Queue)
    restarted: list[Address] = field(default_factory=list)
    restarts: asyncio.Queue[int] = field(default_factory=asyncio.Queue)
    adopted: list[str] = field(default_factory=list)
    tried: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    tidied: int = 0
    workers: int = 0

    def among(self, workers: int) -> None:
        self.workers = workers

    async def start(self, addresses: list[Address]) -> None:
        if self.failures and addresses:
            self.failures -= 1
            raise ConnectionError("The database has gone away.")
        for address in addresses:
            self.started.put_nowait(address)

    def restart(self, addresses: list[Address]) -> int:
        self.restarted += addresses
        self.restarts.put_nowait(len(addresses))
        return len(addresses)

    async def adopt(self, executor_id: str) -> int:
        self.adopted.append(executor_id)
        self.tried.put_nowait(executor_id)
        if self.adoption is not None:
            raise self.adoption
        return 1

    async def forget_finished(self) -> int:
        self.tidied += 1
        return 0


def waker(stage: Stage, starts: Starter, owner: str = "first", runner: Runner | None = None) -> Waker:
    return Waker(
        stage.database,
        starts,
        runner or stage.runner(owner),
        owner=owner,
        host="contoso:1",
        sweep_interval=0.01,
        dead_after=15.0,
        lease=LEASE,
    )


@asynccontextmanager
async def following(one: Waker) -> AsyncIterator[None]:
    await one.arrive()
    task = asyncio.create_task(one.follow())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def soon(starts: Starts) -> Address:
    return await asyncio.wait_for(starts.started.get(), 90)


async def test_a_requested_run_is_started_through_the_change_feed(database: Database) -> None:
    stage, starts = Stage.set(database, WAITS), Starts()
    await asyncio.to_thread(stage.request)
    async with following(waker(stage, starts)):
        run_id = await asyncio.to_thread(stage.request)
        # What was asked for before it arrived is left to the sweep.
        assert await soon(starts) == (run_id, stage.organization_id, 0)


async def test_a_change_starts_the_runs_that_wait_for_it(database: Database) -> None:
    stage, starts = Stage.set(database, WAITS), Starts()
    run_id, other = stage.request(), stage.request()
    await stage.runner().advance(run_id)
    async with following(waker(stage, starts)):
        await asyncio.to_thread(stage.change, "case:8", wake=False)
        await asyncio.to_thread(stage.change, "case:7", wake=False)
        assert await soon(starts) == (run_id, stage.organization_id, 1)
    assert stage.run(other)["nudges"] == 0
    await stage.runner().advance(run_id)
    assert stage.run(run_id)["status"] == "succeeded"


async def test_the_follower_goes_on_from_the_same_place_after_a_failure(database: Database) -> None:
    stage, starts = Stage.set(database, WAITS), Starts(failures=2)
    async with following(waker(stage, starts)):
        asked = [await asyncio.to_thread(stage.request) for _ in range(3)]
        seen: set[str] = set()
        while seen != set(asked):
            seen.add((await soon(starts))[0])
    assert starts.failures == 0


async def test_the_sweep_finds_a_change_that_nobody_saw(database: Database) -> None:
    stage, starts = Stage.set(database, WAITS), Starts()
    run_id = stage.request()
    await stage.runner().advance(run_id)
    one = waker(stage, starts)
    assert await one.sweep() == 0
    stage.change("case:7", wake=False)
    assert await one.sweep() == 1
    assert starts.restarted == [(run_id, stage.organization_id, 1)]
    await stage.runner().advance(run_id)
    assert stage.run(run_id)["status"] == "succeeded"


async def test_the_sweep_finds_what_was_requested_cut_off_or_is_overdue_and_nothing_else(database: Database) -> None:
    steps = WAITS | {"two": {"action": "contoso.write", "after": "one", "with": {"do": [["wait 60", "ok"]]}}}
    stage, starts = Stage.set(database, steps), Starts()
    one = waker(stage, starts)
    assert await one.sweep() == 0
    requested, cut_off, overdue, waits = (stage.request() for _ in range(4))
    assert await one.sweep() == 0
    for run_id in (overdue, waits):
        await stage.runner().advance(run_id)
    for run_id in (overdue, cut_off):
        stage.change("case:7")
        stage.world.crash_at = stage.world.moments + 1 if run_id == cut_off else None
        try:
            await stage.runner("second").advance(run_id)
        except Crash:
            stage.world.crash_at = None
    stage.time.pass_by(LEASE + 60)
    stage.database.run_now(lambda tx: rows.claim(tx, waits, owner="third", lease=LEASE))
    assert await one.sweep() == 3
    assert {address[0] for address in starts.restarted} == {requested, cut_off, overdue}


async def test_the_first_sweep_finds_what_was_requested_a_moment_before_the_worker_came(embedded: Database) -> None:
    stage, starts = Stage.set(embedded, WAITS), Starts()
    run_id = stage.request()
    one = waker(stage, starts)
    await one.arrive()
    assert await one.sweep() == 1
    assert [address[0] for address in starts.restarted] == [run_id]
    assert await one.sweep() == 0


async def test_a_dead_worker_is_buried_once_and_its_runs_are_started_anew(database: Database) -> None:
    stage = Stage.set(database, WAITS)
    run_id = stage.request()
    dead = waker(stage, Starts(), "dead")
    await dead.arrive()
    stage.database.run_now(lambda tx: rows.claim(tx, run_id, owner="dead", lease=600))
    first, second = Starts(), Starts()
    wakers = waker(stage, first, "first"), waker(stage, second, "second")
    stage.time.pass_by(14)
    for one in wakers:
        await one.arrive()
        await one.sweep()
    assert first.adopted == second.adopted == []
    stage.time.pass_by(2)
    await asyncio.gather(*(one.sweep() for one in wakers))
    assert first.adopted + second.adopted == ["dead"]
    assert (run_id, stage.organization_id, 1) in first.restarted + second.restarted
    assert _workers(stage) == ["first", "second"]
    assert stage.run(run_id)["lease_owner"] is None


async def test_what_a_dead_worker_carried_of_responses_is_free_for_the_others(embedded: Database) -> None:
    async with responding(embedded) as desk:
        response = desk.request(Kind.SCAN)
        (carried,) = embedded.run_now(lambda tx: claims.claim_due(tx, owner="dead"))
        assert (carried.id, embedded.run_now(lambda tx: claims.claim_due(tx, owner="first"))) == (response.id, [])
        await waker(Stage.set(embedded, WAITS), Starts(), "dead").arrive()
        (taken,) = embedded.run_now(lambda tx: claims.claim_due(tx, owner="first"))
        assert taken.id == response.id


def _workers(stage: Stage) -> list[str]:
    query = sa.select(workers.c.id).order_by(workers.c.id)
    return list(stage.database.read_now(lambda tx: tx.execute(query).scalars().all()))


async def test_an_adoption_that_fails_is_tried_again_and_holds_up_no_run(database: Database) -> None:
    stage = Stage.set(database, WAITS)
    await waker(stage, Starts(), "dead").arrive()
    stage.time.pass_by(20)
    run_id = stage.request()
    stage.time.pass_by(20)
    starts = Starts(adoption=TimeoutError())
    one = waker(stage, starts)
    with pytest.raises(TimeoutError):
        await one.sweep()
    assert [address[0] for address in starts.restarted] == [run_id]
    starts.adoption = None
    await one.sweep()
    assert starts.adopted == ["dead", "dead"]
    await one.sweep()
    assert len(starts.adopted) == 2


async def test_a_sweep_shows_that_this_worker_lives_and_renews_what_it_carries(database: Database) -> None:
    stage = Stage.set(database, {"one": {"action": "contoso.write"}})
    run_id = stage.request()
    gate, runner = stage.world.gate("one"), stage.runner()
    carried = asyncio.create_task(runner.advance(run_id))
    await stage.world.begun["one"].wait()
    one = waker(stage, Starts(), runner=runner)
    for _ in range(4):
        stage.time.pass_by(LEASE - 1)
        assert await one.sweep() == 0
    assert stage.run(run_id)["lease_until"] == clock.now() + timedelta(seconds=LEASE)
    gate.set()
    await carried
    assert stage.run(run_id)["status"] == "succeeded"


async def test_a_sweep_tells_the_engine_how_many_share_the_work(database: Database) -> None:
    stage, starts = Stage.set(database, WAITS), Starts()
    await waker(stage, starts).sweep()
    assert starts.workers == 1
    await waker(stage, starts, "second").sweep()
    assert starts.workers == 2


async def test_who_arrives_frees_what_an_earlier_process_of_that_name_held_and_who_leaves_too(
    database: Database,
) -> None:
    stage = Stage.set(database, WAITS)
    run_id = stage.request()
    one = waker(stage, Starts())
    for leave in (False, True):
        stage.database.run_now(lambda tx: rows.claim(tx, run_id, owner="first", lease=LEASE))
        await (one.leave() if leave else one.arrive())
        assert stage.run(run_id)["lease_owner"] is None
        assert _workers(stage) == ([] if leave else ["first"])


async def test_old_work_is_forgotten_once_an_hour(database: Database) -> None:
    stage, starts = Stage.set(database, WAITS), Starts()
    one = waker(stage, starts)
    await asyncio.to_thread(stage.change, "case:7", wake=False)
    await one.sweep()
    stage.time.pass_by(3000)
    await one.sweep()
    assert starts.tidied == 1
    stage.time.pass_by(8 * 86_400)
    await one.sweep()
    assert starts.tidied == 2
    assert stage.database.read_now(lambda tx: tx.all(sa.select(changes_table))) == []


async def test_a_sweep_that_fails_is_not_the_last(embedded: Database) -> None:
    stage, starts = Stage.set(embedded, WAITS), Starts(adoption=ConnectionError())
    await waker(stage, Starts(), "dead").arrive()
    stage.time.pass_by(20)
    task = asyncio.create_task(waker(stage, starts).sweep_for_ever())
    for _ in range(2):
        assert await asyncio.wait_for(starts.tried.get(), 90) == "dead"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


@pytest.mark.parametrize("kind", ["requested", "approved", "submitting", "pending", "releasing", "detail", "held"])
def test_a_containment_on_its_way_ends_no_wait(kind: str) -> None:
    change = Change(1, "contoso", "containment", "c", kind, clock.now())
    assert not may_end_a_wait(change)


@pytest.mark.parametrize("state", [*sorted(FINAL), State.CONTAINED, State.RELEASE_FAILED])
def test_a_containment_that_has_come_somewhere_may_end_a_wait(state: State) -> None:
    assert may_end_a_wait(Change(1, "contoso", "containment", "c", state, clock.now()))


async def test_a_backlog_is_taken_up_without_waiting_for_the_next_sweep(embedded: Database) -> None:
    stage, starts = Stage.set(embedded, WAITS), Starts()
    stage.request()
    stage.time.pass_by(20)
    patient = Waker(
        stage.database,
        starts,
        stage.runner("first"),
        owner="first",
        host="contoso:1",
        sweep_interval=3600.0,
        dead_after=15.0,
        lease=LEASE,
    )
    task = asyncio.create_task(patient.sweep_for_ever())
    # The run is never carried here, so each sweep finds it again: the second comes long before the hour is over.
    for _ in range(2):
        assert await asyncio.wait_for(starts.restarts.get(), 90) == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.xdist_group("dbos")
async def test_with_the_real_engine_a_run_goes_from_request_through_a_wait_to_its_end(embedded: Database) -> None:
    steps = WAITS | {"two": {"action": "contoso.write", "after": "one", "with": {"do": [["error"], ["ok"]]}}}
    steps["two"]["retry"] = {"attempts": 2, "backoff": "200 ms"}
    stage = Stage.set(embedded, steps)
    clock.replace(None)
    runner = stage.runner()
    engine = Engine(embedded, executor_id="first", concurrency=4, polling=0.05)
    engine.launch(runner.advance)
    await engine.register()
    one = waker(stage, engine, runner=runner)
    await one.arrive()
    async with following(one):
        run_id = await asyncio.to_thread(stage.request)
        await _until(stage, run_id, "waiting")
        await asyncio.to_thread(stage.change, "case:7", wake=False)
        await _until(stage, run_id, "succeeded")
    await engine.drain(10)
    await asyncio.to_thread(engine.destroy)
    await one.leave()
    assert stage.world.calls == [("one", 1, None), ("one", 1, 1), ("two", 1, None), ("two", 2, None)]


async def _until(stage: Stage, run_id: str, status: str) -> None:
    async with asyncio.timeout(90):
        async for _ in changes.follow(stage.database, 0):
            if (await asyncio.to_thread(stage.run, run_id))["status"] == status:
                return
