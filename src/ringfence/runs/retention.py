"""Delete runs that are older than they are kept: whole, with their steps, logs, files, and what the engine has of them.

In batches that each take a bounded transaction. A run stays as long as it is under way, as a host that it contained is, or
something else that it did can still be taken back, and as long as a run that goes on from it is under way. What it did to hosts
is kept with the containments themselves, and what it spared people is added up before it goes.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import sqlalchemy as sa

from ringfence import clock, logs
from ringfence.containment.model import FINAL
from ringfence.responses.kinds import TRAITS
from ringfence.responses.model import FINAL as OVER
from ringfence.responses.model import State
from ringfence.runs import saved
from ringfence.runs.model import OPEN, RunStatus
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import (
    attachment_chunks,
    attachments,
    containments,
    responses,
    run_alerts,
    run_logs,
    runs,
    step_runs,
    wakes,
)

log = logs.get(__name__)

BATCH: Final = 50
"""Runs in one transaction."""
CHUNKS: Final = 64
"""Pieces of files in one transaction."""
_HOURLY: Final = 3600.0
_PAUSE: Final = 0.05
_LASTING: Final = [kind.value for kind, traits in TRAITS.items() if traits.undoable]


class Forgetter(Protocol):
    """What keeps rows of its own about runs; see `Engine`."""

    async def forget(self, run_ids: Sequence[str]) -> int: ...


@dataclass(frozen=True, slots=True)
class Kept:
    """For how many days runs are kept after their end, by how they ended; 0: for ever."""

    succeeded: float
    failed: float
    cancelled: float

    def before(self, now: datetime) -> dict[RunStatus, datetime]:
        """Return the moments before which runs of a status may go, without those that are kept for ever."""
        days = {
            RunStatus.SUCCEEDED: self.succeeded,
            RunStatus.PARTLY_FAILED: self.failed,
            RunStatus.FAILED: self.failed,
            RunStatus.CANCELLED: self.cancelled,
        }
        return {status: now - timedelta(days=many) for status, many in days.items() if many > 0}


class Retention:
    """Deletes once an hour; any number of workers may."""

    def __init__(self, database: Database, engine: Forgetter, kept: Kept) -> None:
        self._database = database
        self._engine = engine
        self._kept = kept

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Delete until `stop` is set. A failure is tried again an hour later."""
        while not stop.is_set():
            try:
                await self.sweep(stop)
            except Exception:
                log.exception("old runs could not be deleted; it is tried again")
            await _wait(stop, _HOURLY)

    async def sweep(self, stop: asyncio.Event | None = None) -> int:
        """Delete all runs that may go, and return how many."""
        deleted = 0
        while stop is None or not stop.is_set():
            before = self._kept.before(clock.now())
            going = await self._database.read(lambda tx, before=before: ripe(tx, before))  # type: ignore[misc]
            if not going:
                break
            while await self._database.run(lambda tx, going=going: drop_pieces(tx, going)):  # type: ignore[misc]
                pass
            gone = await self._database.run(lambda tx, going=going, before=before: drop(tx, going, before))  # type: ignore[misc]
            await self._engine.forget(gone)
            deleted += len(gone)
            if not gone or (stop is not None and await _wait(stop, _PAUSE)):
                break
        if deleted:
            log.info("old runs were deleted", runs=deleted)
        return deleted


async def _wait(stop: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True


def ripe(tx: Transaction, before: Mapping[RunStatus, datetime], limit: int = BATCH) -> list[str]:
    """Return runs that may go, the oldest of each status first."""
    found: list[str] = []
    for status, moment in before.items():
        query = _ripe(status, moment).order_by(runs.c.finished_at, runs.c.id).limit(limit - len(found))
        found += [row["id"] for row in tx.all(query)]
        if len(found) >= limit:
            break
    return found


def _ripe(status: RunStatus, moment: datetime) -> sa.Select[tuple[str]]:
    later = runs.alias("later")
    held = sa.exists().where(
        containments.c.run_id == runs.c.id, containments.c.state.not_in([each.value for each in FINAL])
    )
    lasting = sa.exists().where(
        responses.c.run_id == runs.c.id,
        responses.c.state.not_in([each.value for each in OVER]),
        sa.or_(responses.c.state != State.DONE.value, responses.c.kind.in_(_LASTING)),
    )
    continued = sa.exists().where(later.c.rerun_of == runs.c.id, later.c.status.in_([each.value for each in OPEN]))
    return sa.select(runs.c.id).where(
        runs.c.status == status.value, runs.c.finished_at < moment, ~held, ~lasting, ~continued
    )


def drop_pieces(tx: Transaction, run_ids: Sequence[str]) -> int:
    """Delete some of the contents of the files of runs, and return how many pieces: a file may be larger than a transaction."""
    of_runs = sa.select(attachments.c.id).where(attachments.c.run_id.in_(run_ids))
    some = (
        sa.select(attachment_chunks.c.attachment_id, attachment_chunks.c.number)
        .where(attachment_chunks.c.attachment_id.in_(of_runs))
        .limit(CHUNKS)
    )
    key = sa.tuple_(attachment_chunks.c.attachment_id, attachment_chunks.c.number)
    return tx.execute(sa.delete(attachment_chunks).where(key.in_(some))).rowcount


def drop(tx: Transaction, run_ids: Sequence[str], before: Mapping[RunStatus, datetime]) -> list[str]:
    """Delete those of these runs that may still go, whole, and return their ids."""
    may = sa.or_(*(runs.c.id.in_(_ripe(status, moment)) for status, moment in before.items()))
    # Held until the end, so that nothing that would keep one begins meanwhile.
    going = [row["id"] for row in tx.all(sa.select(runs.c.id).where(runs.c.id.in_(run_ids), may).with_for_update())]
    if not going:
        return []
    saved.keep(tx, going)
    for table in (containments, responses):
        # They are evidence of their own, and stay longer than the run that asked for them.
        tx.execute(sa.update(table).where(table.c.run_id.in_(going)).values(run_id=None))
    children: list[Any] = [wakes, run_logs, step_runs, run_alerts, attachments]
    for child in children:
        tx.execute(sa.delete(child).where(child.c.run_id.in_(going)))
    tx.execute(sa.delete(runs).where(runs.c.id.in_(going)))
    return going
