"""Poll one service: what was updated since shortly before the last poll, page by page, each page one transaction.

Pages are asked for by the time of the last update, not by number: an alert that is updated while pages are read moves to
the end and would push another one over a page border. Where more alerts than a page holds share one time, larger pages
are asked for, and $skip goes on only beyond the largest.
The watermark follows page by page while the tenant keeps the order, and otherwise only at the end, so that a poll that
breaks off is repeated from where nothing can have been passed over. A page that holds nothing but what the last poll stored
is not written again, so that a poll that meets nothing new costs the database nothing.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from ringfence import clock, logs
from ringfence.defender import DefenderError
from ringfence.ingestion import awaiting
from ringfence.ingestion.pages import Page, Stored, prepare, store
from ringfence.ingestion.sources import AlertSource, source
from ringfence.services import records
from ringfence.services.model import Service
from ringfence.services.service import poll_start
from ringfence.settings import Settings
from ringfence.storage import Database, Transaction
from ringfence.triggers.registry import Registry

_log = logs.get(__name__)
GAP: Final = "gap"
"""The kind of problem that a service has when its history was too short to read on where it stood."""


class ClientSource(Protocol):
    """The part of Clients that a poll needs."""

    async def get(self, account_id: str) -> Any: ...
    async def report(self, account_id: str, error: DefenderError) -> bool: ...


@dataclass(slots=True)
class PollReport:
    """What one poll met: documents seen, of these new alerts and new versions, requests, and its length in seconds.

    `hits` are versions that a playbook was told of, `misses` the others. `lag` is how long the newest alerts took from their
    creation to being stored, None if none was created since the last poll. `awaited`: a playbook waits for what an alert lacks.
    """

    service_id: str
    seen: int = 0
    new: int = 0
    versions: int = 0
    rejected: int = 0
    hits: int = 0
    misses: int = 0
    runs: list[str] = field(default_factory=list)
    pages: int = 0
    duration: float = 0.0
    lag: float | None = None
    watermark: datetime | None = None
    awaited: bool = False

    @property
    def met_news(self) -> bool:
        """Whether there was anything that was not known."""
        return bool(self.new or self.versions or self.rejected)


class Poller:
    """Polls any service; `on_runs` is told, after each page's commit, of the runs that it requested."""

    def __init__(
        self, database: Database, clients: ClientSource, settings: Settings, on_runs: Callable[[list[str]], None]
    ) -> None:
        self._database = database
        self._clients = clients
        self._settings = settings
        self._on_runs = on_runs
        self._registry = Registry()
        self._stored: dict[str, frozenset[tuple[str, str]]] = {}

    async def poll(self, service: Service, *, back_to: datetime | None = None) -> PollReport:
        """Read what is new for a service, from `back_to` where that is earlier, and return what there was.

        The watermark moves on in the service's row; how the poll went is the caller's to record. A DefenderError is reported
        to the clients and raised; what was committed before it stays. AccountUnusable if the account may not be used, Invalid
        if the service's words about history mean nothing.
        """
        client = await self._clients.get(service.account_id)
        report, began = PollReport(service.id), clock.timestamp()
        try:
            await self._read(client, service, report, back_to)
        except DefenderError as error:
            await self._clients.report(service.account_id, error)
            raise
        if back_to is not None:
            report.runs += await self._release(service.account_id)
        report.duration = clock.timestamp() - began
        if report.met_news:
            counts = {"new": report.new, "versions": report.versions, "rejected": report.rejected}
            _log.info("polled", service=service.name, pages=report.pages, seen=report.seen, **counts)
        return report

    async def _read(self, client: Any, service: Service, report: PollReport, back_to: datetime | None) -> None:
        origin = source(service.source)
        begin = await self._begin(service)
        way = _Way(begin if back_to is None else min(begin, back_to), self._settings.poll_page_size, origin)
        known, met = self._stored.get(service.id, frozenset()), set[tuple[str, str]]()
        while not way.done:
            way.done = True
            # Each page is fetched when the one before is stored, so that memory holds one page, however many there are.
            async with aclosing(origin.pages(client, way.cursor, top=way.top)) as open_pages:
                async for documents in open_pages:
                    page = await asyncio.to_thread(prepare, documents, origin.id)
                    way.take(page, len(documents))
                    marks = {(each.values.alert_id, each.fingerprint) for each in page.alerts}
                    report.pages += 1
                    report.seen += len(documents)
                    if page.rejected or not marks <= known:
                        self._count(report, service, page, await self._store(service, page, way))
                    met |= marks
                    if way.restart:
                        way.done = way.restart = False
                        break
        self._stored[service.id] = frozenset(met)
        report.watermark = way.newest
        if way.newest is not None and (service.watermark is None or way.newest > service.watermark):
            await self._database.run(lambda tx: records.advance(tx, service.id, way.newest))

    async def _release(self, account_id: str) -> tuple[str, ...]:
        runs = await self._database.run(lambda tx: awaiting.release(tx, account_id, self._registry))
        if runs:
            self._on_runs(list(runs))
        return runs

    async def _store(self, service: Service, page: Page, way: "_Way") -> Stored:
        def work(tx: Transaction) -> Stored:
            stored = store(tx, service.account_id, page, self._registry)
            records.advance(tx, service.id, way.newest if way.ordered else None)
            return stored

        return await self._database.run(work)

    def _count(self, report: PollReport, service: Service, page: Page, stored: Stored) -> None:
        report.new += stored.new
        report.versions += stored.versions
        report.rejected += stored.rejected
        report.hits += stored.told
        report.misses += stored.versions - stored.told
        report.awaited = report.awaited or stored.awaited
        report.runs += stored.runs
        now = clock.now()
        created = [each.values.created_at for each in page.alerts if each.values.created_at is not None]
        fresh = [now - at for at in created if service.watermark is not None and service.watermark < at <= now]
        if stored.new and fresh:
            report.lag = max(report.lag or 0.0, max(fresh).total_seconds())
        if stored.runs:
            self._on_runs(list(stored.runs))

    async def _begin(self, service: Service) -> datetime:
        """Return where to read from; a history that does not reach back to where the last poll ended is a problem to show."""
        reached = None
        if service.watermark is not None:
            reached = service.watermark - timedelta(seconds=self._settings.poll_overlap)
            if not service.history:
                return reached
        now = clock.now()
        limit = await asyncio.to_thread(poll_start, service, self._settings.poll_history, now)
        if reached is None or service.watermark is None:
            return limit
        if service.watermark < limit and now - service.watermark > timedelta(seconds=self._settings.poll_overlap):
            lost = f"Alerts from {service.watermark:%Y-%m-%d %H:%M} to {limit:%Y-%m-%d %H:%M} UTC were not read"
            said = f"{lost}: its history begins later."
            await self._database.run(lambda tx: records.flag(tx, service.id, GAP, said))
        return max(reached, limit)


class _Way:
    """How far one poll has come, and whether the tenant still gives pages in the order that was asked for."""

    def __init__(self, cursor: datetime, page_size: int, origin: AlertSource) -> None:
        self._largest = origin.largest_page
        self._page_size = min(page_size, self._largest)
        self.cursor = cursor
        self.top = self._page_size
        self.newest: datetime | None = None
        self.ordered = origin.ordered
        self.restart = False
        self.done = False
        self._last = cursor
        self._began = clock.now()

    def take(self, page: Page, size: int) -> None:
        """Follow one page; `restart` is set where the next one is asked for anew: from the time reached, or larger."""
        for each in page.alerts:
            at = each.values.updated_at
            self.ordered = self.ordered and at is not None and at >= self._last
            self._last = at or self._last
        if page.newest is not None:
            # A time that has not come yet must not carry the watermark past what is still to be reported; without an order,
            # nor must one that came since the poll began: what changed by then may stand on a page that was read before.
            newest = min(page.newest, clock.now() if self.ordered else self._began)
            self.newest = max(self.newest, newest) if self.newest is not None else newest
        if not self.ordered or size < self.top:
            return
        if self._last > self.cursor:
            self.cursor, self.top, self.restart = self._last, self._page_size, True
        elif self.top < self._largest:
            self.top, self.restart = min(self.top * 2, self._largest), True
