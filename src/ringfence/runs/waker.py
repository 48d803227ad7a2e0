"""Start what became possible: runs that were requested, steps whose awaited change came, runs that a crash left behind.

The change feed brings the first two within milliseconds; the sweep finds, every few seconds, whatever the feed did not
bring to anybody: a crash between commit and start, a change in the moment of parking, a timer that was lost.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

import sqlalchemy as sa

from ringfence import clock, logs
from ringfence.alerts import ledger, writes
from ringfence.containment import claims as containment_claims
from ringfence.responses import claims as response_claims
from ringfence.runs import cancelling, limits, rows, wakes
from ringfence.runs.model import OPEN, RunStatus
from ringfence.runs.runner import Runner
from ringfence.storage import Database, Transaction, changes, turns
from ringfence.storage.changes import Change
from ringfence.storage.tables import workers

log = logs.get(__name__)

_HOURLY = 3600.0
# The nouns whose changes wake nobody at once; there are many, and what waits for one is found by the sweep.
_UNAWAITED = ("run", "alert")
# Seconds in which changes gather that follow on others: in a burst one look serves many.
_GATHER = 0.05
_OVER = frozenset(status.value for status in RunStatus if status not in OPEN)
_TO_BE_LOOKED_AT = frozenset({RunStatus.REQUESTED.value, cancelling.REQUESTED})
_BACKLOG = 0.25


def may_end_a_wait(change: Change) -> bool:
    """Say whether a step that waits for this thing may be able to go on."""
    return change.noun not in _UNAWAITED and not (change.noun == "containment" and change.kind in wakes.PASSING)


def _free(tx: Transaction, owner: str) -> None:
    for claimed in (rows, containment_claims, response_claims):
        claimed.free_leases(tx, owner)


class Starter(Protocol):
    """What starts segments of runs; see `Engine`."""

    async def start(self, addresses: list[wakes.Address]) -> None: ...
    def restart(self, addresses: list[wakes.Address]) -> int: ...
    def among(self, workers: int) -> None: ...
    async def adopt(self, executor_id: str) -> int: ...
    async def forget_finished(self) -> int: ...


class Waker:
    """The follower and the sweeper of one worker. Durations are in seconds."""

    def __init__(
        self,
        database: Database,
        engine: Starter,
        runner: Runner,
        *,
        owner: str,
        host: str,
        sweep_interval: float,
        dead_after: float,
        lease: float,
        why_days: float = 30.0,
        pools: Sequence[str] = ("default",),
    ) -> None:
        self._database = database
        self._engine = engine
        self._runner = runner
        self._owner = owner
        self._host = host
        self._sweep_interval = sweep_interval
        self._dead_after = timedelta(seconds=dead_after)
        self._lease = lease
        self._why_kept = timedelta(days=why_days)
        self._pools = list(pools)
        self._tidied = 0.0
        self._buried: set[str] = set()
        self._seen = 0
        self._swept = False

    async def follow(self) -> None:
        """Follow the change feed from where it was on arrival, for ever, also through failures of the database."""
        while True:
            try:
                async for batch in changes.follow(self._database, self._seen, gather=_GATHER):
                    await self._engine.start(await self._possible(batch))
                    self._seen = batch[-1].id
            except Exception:
                log.exception("the change feed broke off; it is followed on from the same place")
            await asyncio.sleep(self._sweep_interval)

    async def _possible(self, batch: list[Change]) -> list[wakes.Address]:
        requested = [each.noun_id for each in batch if each.noun == "run" and each.kind in _TO_BE_LOOKED_AT]
        topics = list({f"{each.noun}:{each.noun_id}" for each in batch if may_end_a_wait(each)})
        found = await self._database.read(lambda tx: wakes.addresses(tx, requested)) if requested else []
        ended = [each.noun_id for each in batch if each.noun == "run" and each.kind in _OVER]
        if ended:
            found += await self._database.read(lambda tx: limits.next_in_line(tx, ended))
        if topics:
            awaited = await self._database.read(lambda tx: wakes.waited_for(tx, topics))
            if awaited:
                found += await self._database.run(lambda tx: wakes.wake(tx, topics))
        return found

    async def sweep_for_ever(self) -> None:
        """Sweep, and beat this worker's heart, again and again; soon again while there is more than the places could take."""
        while True:
            started = 0
            try:
                started = await self.sweep()
            except Exception:
                log.exception("the sweep failed; it is tried again")
            await asyncio.sleep(min(_BACKLOG, self._sweep_interval) if started else self._sweep_interval)

    async def sweep(self) -> int:
        """Find and start what was left behind; returns how many runs."""
        carrying = list(self._runner.carrying)
        with turns.patience(turns.URGENT):
            # A heart that beats late is taken for dead.
            self._engine.among(await self._database.run(lambda tx: self._beat(tx, carrying)))
        self._buried.update(await self._database.run(self._bury))
        # Asked for without writing, since there is nearly never one.
        missed = await self._database.run(wakes.wake_missed) if await self._database.read(wakes.missed) else []
        # Others see to what is younger, but of what was requested before we came the feed has told us nothing.
        age = timedelta(seconds=min(self._sweep_interval, 2.0)) if self._swept else timedelta(0)
        self._swept = True
        left = await self._database.read(lambda tx: wakes.stranded(tx, older_than=age) + limits.overlooked(tx))
        found = self._engine.restart(list({each[0]: each for each in missed + left}.values()))
        await self._clear_up()
        return found

    async def _clear_up(self) -> None:
        """Remove from the engine what will not be carried on from there; nothing waits for it."""
        for dead in sorted(self._buried):
            log.warning("a worker has died; its runs are carried on from their rows", worker=dead)
            # A process that was only paused may hold locks, and our own heart must go on beating.
            await asyncio.wait_for(self._engine.adopt(dead), self._dead_after.total_seconds() / 3)
            self._buried.discard(dead)
        if clock.timestamp() - self._tidied > _HOURLY:
            self._tidied = clock.timestamp()
            await self._engine.forget_finished()
            await self._database.run(changes.forget)
            await self._database.run(writes.forget)
            await self._database.run(lambda tx: ledger.forget(tx, older_than=self._why_kept))

    def _beat(self, tx: Transaction, carrying: list[str]) -> int:
        """Show that this worker lives and goes on with what it carries; returns how many workers there are."""
        now = clock.now()
        sign = {"heartbeat_at": now, "pools": self._pools}
        if not tx.execute(sa.update(workers).where(workers.c.id == self._owner).values(sign)).rowcount:
            tx.insert_new(workers, [sign | {"id": self._owner, "host": self._host, "started_at": now}])
        rows.renew_leases(tx, self._owner, carrying, lease=self._lease)
        return int(tx.scalar(sa.select(sa.func.count()).select_from(workers)))

    def _bury(self, tx: Transaction) -> list[str]:
        """Take the workers without a heartbeat off the list, each by one of us, and free what they held."""
        since = clock.now() - self._dead_after
        silent = tx.all(sa.select(workers.c.id).where(workers.c.heartbeat_at < since, workers.c.id != self._owner))
        dead = []
        for row in silent:
            still = sa.delete(workers).where(workers.c.id == row["id"], workers.c.heartbeat_at < since)
            if tx.execute(still).rowcount:
                _free(tx, row["id"])
                dead.append(row["id"])
        return dead

    async def arrive(self) -> None:
        """Begin, before `follow`: free what an earlier process of the same name held, and show that this one lives."""

        def work(tx: Transaction) -> int:
            _free(tx, self._owner)
            self._beat(tx, [])
            return changes.latest(tx)

        self._seen = await self._database.run(work)

    async def leave(self) -> None:
        """End: free what is still held, and take this worker off the list."""

        def work(tx: Transaction) -> None:
            _free(tx, self._owner)
            tx.execute(sa.delete(workers).where(workers.c.id == self._owner))

        await self._database.run(work)
