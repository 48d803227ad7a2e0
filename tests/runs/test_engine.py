"""The engine below: starts, timers, recovery, retention, and that it keeps to our logs and to JSON."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from databases import Postgres
from ringfence import clock
from ringfence.runs.engine import Engine
from ringfence.storage import Database

pytestmark = pytest.mark.xdist_group("dbos")

Answer = tuple[int, datetime] | None
ADDRESS = ("run-1", "contoso", 0)


@dataclass
class Carrier:
    """Stands in for the runner: keeps who was carried, and answers as told."""

    answers: list[Answer] = field(default_factory=list)
    carried: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    gate: asyncio.Event | None = None
    cut_off: int = 0

    async def advance(self, run_id: str) -> Answer:
        self.carried.put_nowait(run_id)
        if self.gate is not None:
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.cut_off += 1
                raise
        return self.answers.pop(0) if self.answers else None

    async def next(self) -> str:
        return await asyncio.wait_for(self.carried.get(), 90)


@asynccontextmanager
async def launched(
    database: Database,
    advance: Callable[[str], Awaitable[Answer]],
    *,
    executor_id: str = "one",
    concurrency: int = 4,
    most_here: int = 1000,
) -> AsyncIterator[Engine]:
    """Launch an engine and destroy it at the end, whatever is still at work."""
    engine = Engine(database, executor_id=executor_id, concurrency=concurrency, most_here=most_here, polling=0.05)
    engine.launch(advance)
    try:
        await engine.register()
        yield engine
    finally:
        await engine.drain(0.0)
        await asyncio.to_thread(engine.destroy)


def below(database: Database, query: str) -> list[list[object]]:
    """Ask the engine's own tables."""
    if not database.sqlite:
        with database.engine.connect() as connection:
            rows = connection.exec_driver_sql(query.replace("workflow_status", "dbos.workflow_status"))
            return [list(row) for row in rows]
    assert database.url.database is not None
    path = database.url.database.replace("ringfence.sqlite3", "engine.sqlite3")
    engine = sa.create_engine(database.url.set(database=path))
    try:
        with engine.connect() as connection:
            return [list(row) for row in connection.exec_driver_sql(query)]
    finally:
        engine.dispose()


async def settled(database: Database, workflow_id: str) -> str:
    """Return the status of a workflow once it has one that lasts."""
    async with asyncio.timeout(90):
        while True:
            query = f"SELECT status FROM workflow_status WHERE workflow_uuid = '{workflow_id}'"
            found = await asyncio.to_thread(below, database, query)
            if found and found[0][0] in ("SUCCESS", "ERROR", "CANCELLED"):
                return str(found[0][0])
            await asyncio.sleep(0.01)


async def over(engine: Engine, address: tuple[str, str, int]) -> None:
    """Wait until a run is no longer at work here, and start it again, as the sweep does."""
    async with asyncio.timeout(90):
        while True:
            if engine.restart([address]):
                return
            await asyncio.sleep(0)


async def test_a_segment_that_is_at_work_here_is_not_started_beside_itself(database: Database) -> None:
    carrier = Carrier(gate=asyncio.Event())
    assert carrier.gate is not None
    async with launched(database, carrier.advance) as engine:
        await engine.start([ADDRESS, ADDRESS])
        assert await carrier.next() == "run-1"
        await engine.start([ADDRESS, ("run-2", "contoso", 3)])
        assert await carrier.next() == "run-2"
        carrier.gate.set()
        await over(engine, ADDRESS)
        assert await carrier.next() == "run-1"
        assert carrier.carried.empty()


async def test_nothing_is_written_of_a_start_that_finds_room(embedded: Database) -> None:
    carrier = Carrier()
    async with launched(embedded, carrier.advance) as engine:
        await engine.start([(f"run-{number}", "contoso", 0) for number in range(30)])
        for _ in range(30):
            await carrier.next()
        assert below(embedded, "SELECT workflow_uuid FROM workflow_status") == []


async def test_among_other_workers_what_finds_no_place_soon_is_left_to_all_of_them(embedded: Database) -> None:
    carrier = Carrier(gate=asyncio.Event())
    assert carrier.gate is not None
    async with launched(embedded, carrier.advance, concurrency=1) as engine:
        engine.among(2)
        await engine.start([(f"run-{number}", "contoso", 0) for number in range(4)])
        queued = "SELECT workflow_uuid FROM workflow_status ORDER BY 1"
        assert below(embedded, queued) == [["run-2:0"], ["run-3:0"]]
        carrier.gate.set()
        assert {await carrier.next() for _ in range(4)} == {"run-0", "run-1", "run-2", "run-3"}
        engine.among(1)
        await engine.start([(f"run-{number}", "contoso", 1) for number in range(4)])
        for _ in range(4):
            await carrier.next()
        assert below(embedded, queued) == [["run-2:0"], ["run-3:0"]]


async def test_what_is_too_much_here_is_queued_and_carried_once_for_one_segment(database: Database) -> None:
    carrier = Carrier(gate=asyncio.Event())
    assert carrier.gate is not None
    async with launched(database, carrier.advance, most_here=1) as engine:
        await engine.start([ADDRESS, ("run-2", "contoso", 3), ("run-2", "contoso", 3)])
        assert {await carrier.next(), await carrier.next()} == {"run-1", "run-2"}
        carrier.gate.set()
        assert await settled(database, "run-2:3") == "SUCCESS"
        await over(engine, ADDRESS)
        assert await carrier.next() == "run-1"
        carrier.gate.clear()
        await engine.start([ADDRESS])
        await engine.start([("run-2", "contoso", 3), ("run-3", "contoso", 0)])
        assert {await carrier.next(), await carrier.next()} == {"run-1", "run-3"}
        assert carrier.carried.empty()


async def test_a_run_that_is_to_go_on_at_a_time_is_started_again_then(database: Database) -> None:
    carrier = Carrier([(1, clock.now() + timedelta(milliseconds=300)), None])
    async with launched(database, carrier.advance) as engine:
        await engine.start([ADDRESS])
        assert [await carrier.next(), await carrier.next()] == ["run-1", "run-1"]
        assert await settled(database, "run-1:1:timer") == "SUCCESS"


async def test_what_does_not_fit_waits_and_no_more_than_its_places_are_at_work(embedded: Database) -> None:
    carrier = Carrier(gate=asyncio.Event())
    assert carrier.gate is not None
    async with launched(embedded, carrier.advance, concurrency=2) as engine:
        await engine.start([(f"run-{number}", "contoso", 0) for number in range(9)])
        begun = {await carrier.next(), await carrier.next()}
        assert carrier.carried.empty()
        assert engine.restart([("run-1", "contoso", 0), ("run-9", "contoso", 0)]) == 0
        carrier.gate.set()
        for _ in range(7):
            begun.add(await carrier.next())
        assert begun == {f"run-{number}" for number in range(9)}


async def test_a_stranded_run_is_started_again_unless_it_is_at_work_here(embedded: Database) -> None:
    carrier = Carrier()
    async with launched(embedded, carrier.advance) as engine:
        await engine.start([ADDRESS])
        assert await carrier.next() == "run-1"
        carrier.gate = asyncio.Event()
        await over(engine, ADDRESS)
        assert await carrier.next() == "run-1"
        assert engine.restart([ADDRESS]) == 0


async def test_an_error_in_a_segment_ends_its_workflow_and_nothing_else(embedded: Database) -> None:
    carrier = Carrier()

    async def advance(run_id: str) -> Answer:
        await carrier.advance(run_id)
        if run_id == "run-1":
            raise RuntimeError("a bug")
        return None

    async with launched(embedded, advance, most_here=1) as engine:
        await engine.start([("run-2", "contoso", 0), ADDRESS])
        assert {await carrier.next(), await carrier.next()} == {"run-1", "run-2"}
        assert await settled(embedded, "run-1:0") == "SUCCESS"
        await over(engine, ADDRESS)
        await over(engine, ADDRESS)


async def test_the_next_launch_carries_what_was_queued_and_keeps_the_timers(embedded: Database) -> None:
    first = Carrier([(1, clock.now() + timedelta(seconds=1))])
    engine = Engine(embedded, executor_id="one", concurrency=4, most_here=0, polling=0.05)
    engine.launch(first.advance)
    await engine.register()
    await engine.start([ADDRESS])
    await first.next()
    assert await settled(embedded, "run-1:0") == "SUCCESS"
    first.gate = asyncio.Event()
    await engine.start([("run-2", "contoso", 0)])
    await first.next()
    # As after a crash: what is at work is not let end.
    await asyncio.to_thread(engine.destroy)
    second = Carrier()
    async with launched(embedded, second.advance):
        assert {await second.next(), await second.next()} == {"run-1", "run-2"}
    first.gate.set()


async def test_draining_lets_segments_end_and_cuts_off_those_that_do_not(embedded: Database) -> None:
    carrier = Carrier(gate=asyncio.Event())
    engine = Engine(embedded, executor_id="one", concurrency=1, polling=0.05)
    engine.launch(carrier.advance)
    await engine.register()
    await engine.start([ADDRESS, ("run-2", "contoso", 0)])
    await carrier.next()
    await engine.drain(0.05)
    assert carrier.cut_off == 1
    assert carrier.carried.empty()
    await asyncio.to_thread(engine.destroy)


async def test_segments_that_ended_long_ago_are_forgotten(embedded: Database) -> None:
    carrier = Carrier()
    async with launched(embedded, carrier.advance, most_here=0) as engine:
        await engine.start([ADDRESS])
        await carrier.next()
        assert await settled(embedded, "run-1:0") == "SUCCESS"
        assert await engine.forget_finished() == 0
        later = clock.timestamp() + 2 * 3600
        clock.replace(lambda: later)
        assert await engine.forget_finished() == 1
        for table in ("workflow_status", "workflow_input", "workflow_output"):
            assert below(embedded, f"SELECT * FROM {table}") == []


async def test_a_wake_that_is_far_off_is_left_to_the_sweep(embedded: Database) -> None:
    carrier = Carrier([(1, clock.now() + timedelta(hours=1))])
    async with launched(embedded, carrier.advance, most_here=0) as engine:
        await engine.start([ADDRESS])
        await carrier.next()
        assert await settled(embedded, "run-1:0") == "SUCCESS"
        assert [row[0] for row in below(embedded, "SELECT workflow_uuid FROM workflow_input")] == ["run-1:0"]


async def test_inputs_are_json_and_never_pickle(embedded: Database) -> None:
    carrier = Carrier([(1, clock.now() + timedelta(minutes=1))])
    async with launched(embedded, carrier.advance, most_here=0) as engine:
        await engine.start([ADDRESS])
        await carrier.next()
        assert await settled(embedded, "run-1:0") == "SUCCESS"
        rows = below(embedded, "SELECT workflow_uuid, inputs FROM workflow_input")
        formats = below(embedded, "SELECT DISTINCT serialization FROM workflow_status")
    assert {row[0] for row in rows} == {"run-1:0", "run-1:1:timer"}
    for row in rows:
        assert json.loads(str(row[1]))["positionalArgs"] == ["run-1", "contoso"]
    assert formats == [["portable_json"]]


async def test_its_logs_go_where_ours_go(embedded: Database, capfd: pytest.CaptureFixture[str]) -> None:
    records: list[logging.LogRecord] = []

    class Ours(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    ours = Ours()
    logging.getLogger().addHandler(ours)
    try:
        async with launched(embedded, Carrier().advance):
            logging.getLogger("dbos").error("as the engine says it")
            assert [type(one) for one in logging.getLogger("dbos").handlers] == [logging.NullHandler]
    finally:
        logging.getLogger().removeHandler(ours)
    assert "as the engine says it" in [record.getMessage() for record in records]
    assert "as the engine says it" not in capfd.readouterr().err


async def test_the_engine_s_file_is_beside_ours_and_in_wal_mode(embedded: Database) -> None:
    async with launched(embedded, Carrier().advance):
        assert below(embedded, "PRAGMA journal_mode")[0][0] == "wal"


async def test_the_work_of_a_dead_executor_is_ended_by_a_live_one(postgres: Postgres) -> None:
    url = postgres.new_url()
    database = Database(url, threads=4)
    try:
        dead = Carrier(gate=asyncio.Event())
        engine = Engine(database, executor_id="dead", concurrency=4, most_here=0, polling=0.05)
        engine.launch(dead.advance)
        await engine.register()
        await engine.start([ADDRESS, ("run-2", "contoso", 0)])
        await dead.next()
        await dead.next()
        await asyncio.to_thread(engine.destroy)
        live = Carrier()
        async with launched(database, live.advance, executor_id="live") as heir:
            assert await heir.adopt("dead") == 2
            assert await heir.adopt("dead") == 0
            assert heir.restart([ADDRESS]) == 1
            assert await live.next() == "run-1"
            rows = below(database, "SELECT status FROM workflow_status WHERE executor_id = 'dead'")
            assert [row[0] for row in rows] == ["CANCELLED", "CANCELLED"]
        assert dead.gate is not None
        dead.gate.set()
    finally:
        database.close()
        postgres.drop(url)


async def test_what_the_engine_has_of_runs_that_are_gone_is_deleted_with_timers_and_nothing_else(
    embedded: Database,
) -> None:
    carrier = Carrier([(1, clock.now() + timedelta(seconds=40)), None])
    async with launched(embedded, carrier.advance, most_here=0) as engine:
        await engine.start([ADDRESS])
        await carrier.next()
        assert await settled(embedded, "run-1:0") == "SUCCESS"
        await engine.start([("run-10", "contoso", 0)])
        await carrier.next()
        assert await settled(embedded, "run-10:0") == "SUCCESS"
        assert await engine.forget([]) == 0
        assert await engine.forget(["run-1", "run-2"]) == 2
        assert below(embedded, "SELECT workflow_uuid FROM workflow_status") == [["run-10:0"]]
