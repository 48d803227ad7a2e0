"""Old runs go whole and in time, and none that still means something."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import sqlalchemy as sa

from contoso import NOW, Contoso, seed
from ringfence import clock
from ringfence.runs import attachments, retention, saved
from ringfence.runs.model import RunStatus
from ringfence.runs.retention import Kept, Retention
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import (
    attachment_chunks,
    containments,
    responses,
    run_logs,
    runs,
    step_runs,
    time_saved,
)

KEPT = Kept(succeeded=30, failed=60, cancelled=30)
CHILDREN = (run_logs, step_runs, attachment_chunks)


@dataclass
class Engine:
    """What the engine was told to forget."""

    forgotten: list[str] = field(default_factory=list)

    async def forget(self, run_ids: Sequence[str]) -> int:
        self.forgotten += run_ids
        return len(run_ids)


def made(database: Database, days: float) -> Contoso:
    """Seed, and let days pass."""
    clock.replace(NOW.timestamp)
    contoso = database.run_now(seed)
    database.run_now(lambda tx: free(tx))
    clock.replace(lambda: NOW.timestamp() + days * 86_400)
    return contoso


def free(tx: Transaction) -> None:
    tx.execute(sa.update(containments).values(state="released"))
    tx.execute(sa.update(responses).values(state="undone"))


def left(database: Database) -> list[str]:
    return sorted(row["status"] for row in database.read_now(lambda tx: tx.all(sa.select(runs.c.status))))


async def test_runs_go_by_how_they_ended_with_all_that_belongs_to_them(database: Database) -> None:
    contoso = made(database, 45)
    await attachments.store(
        database,
        organization_id=contoso.organization_id,
        run_id=contoso.run_id,
        step="machine",
        iteration=0,
        name="package.zip",
        content=b"x",
        media_type="application/zip",
        largest=10,
    )
    mine = containments.c.run_id == contoso.run_id
    held = database.read_now(lambda tx: [row["id"] for row in tx.all(sa.select(containments.c.id).where(mine))])
    engine = Engine()
    assert await Retention(database, engine, KEPT).sweep() == 1
    assert left(database) == ["failed", "waiting"]
    assert engine.forgotten == [contoso.run_id]
    for child in CHILDREN:
        column = child.c.run_id if "run_id" in child.c else child.c.number
        wanted = column == contoso.run_id if "run_id" in child.c else sa.true()
        assert database.read_now(lambda tx, c=column, w=wanted: tx.all(sa.select(c).where(w))) == []  # type: ignore[misc]
    # What was done to hosts is evidence of its own.
    still = sa.select(containments.c.run_id).where(containments.c.id.in_(held))
    assert [row["run_id"] for row in database.read_now(lambda tx: tx.all(still))] == [None] * len(held)
    clock.replace(lambda: NOW.timestamp() + 100 * 86_400)
    assert await Retention(database, engine, KEPT).sweep() == 1
    assert left(database) == ["waiting"]


async def test_a_run_stays_while_what_it_did_or_what_goes_on_from_it_is_alive(embedded: Database) -> None:
    contoso = made(embedded, 45)
    engine = Engine()

    def change(tx: Transaction) -> None:
        row = tx.one(sa.select(containments.c.id).limit(1))
        assert row is not None
        mine = containments.c.id == row["id"]
        tx.execute(sa.update(containments).where(mine).values(run_id=contoso.run_id, state="contained"))

    embedded.run_now(change)
    assert await Retention(embedded, engine, KEPT).sweep() == 0
    embedded.run_now(free)
    live = runs.c.id == contoso.live_run_id
    embedded.run_now(lambda tx: tx.execute(sa.update(runs).where(live).values(rerun_of=contoso.run_id)))
    assert await Retention(embedded, engine, KEPT).sweep() == 0
    ended = {"status": "succeeded", "finished_at": NOW}
    embedded.run_now(lambda tx: tx.execute(sa.update(runs).where(live).values(**ended)))
    assert await Retention(embedded, engine, KEPT).sweep() == 2
    assert left(embedded) == ["failed"]


async def test_runs_are_kept_for_ever_where_nobody_said_how_long(embedded: Database) -> None:
    made(embedded, 4000)
    assert await Retention(embedded, Engine(), Kept(0, 0, 0)).sweep() == 0
    assert len(left(embedded)) == 3


async def test_very_many_go_in_batches_and_what_they_saved_stays(embedded: Database) -> None:
    contoso = made(embedded, 45)

    def many(tx: Transaction) -> None:
        row = dict(tx.all(sa.select(runs).where(runs.c.id == contoso.run_id))[0])
        new = [row | {"id": f"run-{n}", "cause_key": f"c{n}", "minutes_saved": 2.0} for n in range(retention.BATCH + 1)]
        tx.execute(sa.insert(runs), new)

    embedded.run_now(many)
    before = embedded.read_now(lambda tx: saved.summed(tx, contoso.organization_id))
    going = embedded.read_now(lambda tx: retention.ripe(tx, KEPT.before(clock.now())))
    assert len(going) == retention.BATCH
    assert await Retention(embedded, Engine(), KEPT).sweep() == retention.BATCH + 2
    assert embedded.read_now(lambda tx: saved.summed(tx, contoso.organization_id)) == before
    assert before.minutes == 2.0 * (retention.BATCH + 1)
    kept = embedded.read_now(lambda tx: tx.all(sa.select(time_saved.c.runs)))
    assert [row["runs"] for row in kept] == [retention.BATCH + 1]


async def test_what_was_chosen_but_lives_again_is_not_deleted(embedded: Database) -> None:
    contoso = made(embedded, 45)
    again = sa.update(runs).where(runs.c.id == contoso.run_id).values(status=RunStatus.RUNNING.value)
    embedded.run_now(lambda tx: tx.execute(again))
    gone = embedded.run_now(lambda tx: retention.drop(tx, [contoso.run_id], KEPT.before(clock.now())))
    assert gone == []


async def test_it_ends_when_the_worker_does_and_a_failure_does_not_end_it(embedded: Database) -> None:
    made(embedded, 45)
    stop = asyncio.Event()

    class Broken(Engine):
        async def forget(self, run_ids: Sequence[str]) -> int:
            stop.set()
            raise OSError

    await asyncio.wait_for(Retention(embedded, Broken(), KEPT).run_forever(stop), 30)
    assert left(embedded) == ["failed", "waiting"]


def test_the_days_are_counted_from_the_end_of_a_run() -> None:
    before = Kept(succeeded=1, failed=0, cancelled=2).before(NOW)
    assert before == {RunStatus.SUCCEEDED: NOW - timedelta(days=1), RunStatus.CANCELLED: NOW - timedelta(days=2)}
