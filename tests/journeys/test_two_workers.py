"""Two workers on one PostgreSQL: one is killed for good, and the other finishes its runs within a minute."""

from pathlib import Path

import sqlalchemy as sa

from databases import Postgres
from journey import ended, journey, names
from ringfence.storage import Transaction
from ringfence.storage.tables import runs


def _held_by_two(tx: Transaction) -> bool:
    """Be done when something was asked of Defender and runs are still open."""
    waiting = tx.scalar(sa.select(sa.func.count()).select_from(runs).where(runs.c.status.in_(["running", "waiting"])))
    return bool(waiting == 3)


async def test_the_other_finishes_what_the_dead_one_carried(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.new_url()
    try:
        async with journey(tmp_path / "data", url, watch="3 s") as trip:
            first, second = trip.start_worker(), trip.start_worker()
            await trip.until_logged(first, "worker started")
            await trip.until_logged(second, "worker started")
            hosts = names(trip, 3)
            for host in hosts:
                await trip.alert(host)
            await trip.until(_held_by_two)
            first.kill()
            first.wait()
            # With the usual settings: a worker counts as dead after 15 seconds without a heartbeat.
            await trip.until(ended(len(hosts)), patience=60)
            expected = sorted(trip.machine(host) for host in hosts)
            assert sorted(await trip.asked("isolate_machine")) == expected
            assert sorted(await trip.asked("unisolate_machine")) == expected
    finally:
        postgres.drop(url)


async def test_a_worker_killed_while_an_isolation_is_on_its_way_leaves_it_to_the_other(
    postgres: Postgres, tmp_path: Path
) -> None:
    url = postgres.new_url()
    try:
        async with journey(tmp_path / "data", url) as trip:
            host = names(trip, 1)[0]
            doomed = trip.start_worker(crash={"reply": ["POST", "/isolate"]})
            await trip.until_logged(doomed, "worker started")
            await trip.alert(host)
            assert doomed.wait(timeout=60) == -9
            trip.start_worker()
            await trip.until(ended(1), patience=60)
            machine = trip.machine(host)
            assert await trip.asked("isolate_machine") == [machine]
            assert await trip.asked("unisolate_machine") == [machine]
    finally:
        postgres.drop(url)
