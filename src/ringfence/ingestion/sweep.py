"""Sweep a service: slowly re-read the last days, take in what its polls have missed, and judge its cursor.

What is young is the polls' own and left to them; everything else goes the way of any page, so that it is stored exactly once and
starts what it should. A sweep spends the budget as the least important call, and each is one row (`sweep_ledger`) that only one
worker can write.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

from ringfence import clock, logs
from ringfence.accounts.model import USABLE
from ringfence.accounts.proof import describe
from ringfence.defender import DefenderError, Priority, priority
from ringfence.errors import Invalid, RingfenceError
from ringfence.ingestion import sweep_ledger
from ringfence.ingestion.completeness import GRACE, Reading, problem
from ringfence.ingestion.pages import Page, prepare, store
from ringfence.ingestion.poller import ClientSource
from ringfence.ingestion.sources import source
from ringfence.services import records
from ringfence.services.model import COMPLETENESS, Service
from ringfence.services.service import poll_start
from ringfence.settings import Settings
from ringfence.storage import Database, Transaction
from ringfence.triggers.registry import Registry

_LOOK: Final = 30.0
_log = logs.get(__name__)


@dataclass(slots=True)
class _Seen:
    """What one sweep has met so far."""

    pages: int = 0
    seen: int = 0
    alerts: int = 0
    newest: datetime | None = None
    taken: list[tuple[str, int]] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)


class Sweeper:
    """Sweeps any service; `on_runs` is told, after each page's commit, of the runs that it requested."""

    def __init__(
        self,
        database: Database,
        clients: ClientSource,
        settings: Settings,
        on_runs: Callable[[list[str]], None] = lambda runs: None,
    ) -> None:
        self._database = database
        self._clients = clients
        self._settings = settings
        self._on_runs = on_runs
        self._registry = Registry()

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Sweep each service when it is due, one after the other, until `stop` is set."""
        while not stop.is_set():
            try:
                await self.sweep_due(stop)
            except Exception:
                # Whatever it was, the next look begins anew.
                _log.exception("sweeping_failed")
            try:
                await asyncio.wait_for(stop.wait(), min(_LOOK, self._settings.completeness_interval))
            except TimeoutError:
                continue

    async def sweep_due(self, stop: asyncio.Event | None = None) -> list[str]:
        """Sweep the services that are due and that no other worker has taken; return the ids of their sweeps."""
        done: list[str] = []
        pools = self._settings.served_pools
        for service in await self._database.read(lambda tx: records.switched_on(tx, pools)):
            if stop is not None and stop.is_set():
                break
            due_at = self.due_at(service)
            if service.packaged or service.account_state not in USABLE or service.polled_at is None:
                continue
            if due_at is None or due_at <= service.activated_at:
                continue
            sweep_id = await self.sweep(service, due_at=due_at)
            if sweep_id is not None:
                done.append(sweep_id)
        return done

    def due_at(self, service: Service) -> datetime | None:
        """Return when the last sweep was due, each service at its own moment; None where sweeps are switched off."""
        interval = self._settings.completeness_interval
        if interval <= 0:
            return None
        shift = int.from_bytes(blake2b(service.id.encode(), digest_size=4).digest()) % 1000 / 1000 * interval
        turns = (clock.timestamp() - shift) // interval
        return datetime.fromtimestamp(turns * interval + shift, UTC)

    async def sweep(self, service: Service, *, due_at: datetime | None = None) -> str | None:
        """Sweep a service once and return the id of its row; None if another worker has the sweep of that `due_at`.

        A failure of the account or of Defender ends the sweep early and stands in its row; what it took in by then stays.
        """
        if service.packaged:
            raise Invalid(f"{service.name} reads no alerts that could be missed.")
        now = clock.now()
        due_at = now if due_at is None else due_at
        try:
            reach = await asyncio.to_thread(poll_start, service, self._settings.poll_history, service.activated_at)
        except RingfenceError:
            # The words about its history mean nothing, which its polls say; what is young can be swept all the same.
            reach = service.activated_at
        since = max(now - timedelta(hours=self._settings.completeness_hours), reach)
        sweep_id = await self._database.run(lambda tx: sweep_ledger.claim(tx, service, due_at=due_at, since=since))
        if sweep_id is None:
            return None
        seen, error = _Seen(), ""
        try:
            with priority(Priority.ENRICH):
                await self._read(service, since, now, seen)
        except DefenderError as failure:
            await self._clients.report(service.account_id, failure)
            error = f"Reading alerts failed: {describe(failure)} {failure.advice}"
        except RingfenceError as failure:
            error = str(failure)
        await self._database.run(lambda tx: self._conclude(tx, service, sweep_id, due_at, since, now, seen, error))
        return sweep_id

    async def _read(self, service: Service, since: datetime, now: datetime, seen: _Seen) -> None:
        client = await self._clients.get(service.account_id)
        origin = source(service.source)
        passed = self._passed(service)
        young = now - self._grace(service)
        async with aclosing(origin.pages(client, since, top=self._settings.poll_page_size)) as pages:
            async for documents in pages:
                page = await asyncio.to_thread(prepare, documents, origin.id)
                seen.pages += 1
                seen.seen += len(documents)
                if page.newest is not None:
                    newest = min(page.newest, clock.now())
                    seen.newest = newest if seen.newest is None else max(seen.newest, newest)
                seen.times += [each.values.updated_at for each in page.alerts if each.values.updated_at is not None]
                await self._store(service, _old(page, passed, young), seen)

    async def _store(self, service: Service, page: Page, seen: _Seen) -> None:
        if not page.alerts and not page.rejected:
            return

        def work(tx: Transaction) -> Any:
            return store(tx, service.account_id, page, self._registry, found_by=sweep_ledger.FOUND_BY)

        stored = await self._database.run(work)
        seen.alerts += stored.new
        seen.taken += stored.taken
        if stored.runs:
            self._on_runs(list(stored.runs))

    def _passed(self, service: Service) -> datetime | None:
        """Return the time before which no poll will look again."""
        if service.watermark is None:
            return None
        return service.watermark - timedelta(seconds=self._settings.poll_overlap)

    def _grace(self, service: Service) -> timedelta:
        pause = timedelta()
        if service.polled_at is not None and service.next_poll_at is not None:
            pause = service.next_poll_at - service.polled_at
        return max(GRACE, 3 * pause)

    def _conclude(
        self,
        tx: Transaction,
        service: Service,
        sweep_id: str,
        due_at: datetime,
        since: datetime,
        now: datetime,
        seen: _Seen,
        error: str,
    ) -> None:
        missed = sweep_ledger.missed(tx, seen.taken)
        told = sweep_ledger.seen_late(tx, service, since)
        said = ""
        if not error:
            before = sweep_ledger.before(tx, service.id, due_at)
            reading = Reading(
                now, since, service.watermark, seen.newest, service.polled_at, self._grace(service), known=0, missed=0
            )
            if before is not None and before.watermark is not None and service.watermark is not None:
                low, high = before.watermark, service.watermark
                new = sum(
                    each.version == 1 and each.updated_at is not None and low < each.updated_at <= high
                    for each in missed
                )
                all_there = sum(low < at <= high for at in seen.times)
                reading = replace(reading, missed=new, known=max(0, all_there - new))
            said = problem(reading, before)
            if said:
                records.flag(tx, service.id, COMPLETENESS, said)
            else:
                records.clear(tx, service.id, COMPLETENESS)
        if missed:
            _log.warning("alerts_missed", service=service.name, alerts=seen.alerts, versions=len(missed))
        sweep_ledger.finish(
            tx,
            service,
            sweep_id,
            {
                "until": now,
                "newest": seen.newest,
                "pages": seen.pages,
                "seen": seen.seen,
                "missed_alerts": seen.alerts,
                "missed_versions": len(missed),
                "missed": sweep_ledger.named(missed),
                "delays": asdict(told) if told else None,
                "problem": said,
                "error": error,
            },
        )


def _old(page: Page, passed: datetime | None, young: datetime) -> Page:
    """Return what the polls will not bring any more, or should have brought long ago; what has no time is theirs."""

    def is_old(at: datetime | None) -> bool:
        return at is not None and (at < young or (passed is not None and at < passed))

    return Page(tuple(each for each in page.alerts if is_old(each.values.updated_at)), page.rejected)
