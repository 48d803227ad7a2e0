"""Poll one account: what was updated since shortly before the last poll, page by page, each page one transaction.

Pages are asked for by the time of the last update, not by number: an alert that is updated while pages are read moves to
the end and would push another one over a page border. Where more alerts than a page holds share one time, larger pages
are asked for, and $skip goes on only beyond the largest.
The watermark follows page by page while the service keeps the order, and otherwise only at the end, so that a poll that
breaks off is repeated from where nothing can have been passed over.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import sqlalchemy as sa

from ringfence import clock, logs
from ringfence.accounts import records
from ringfence.accounts.model import Account
from ringfence.accounts.proof import describe
from ringfence.defender import DefenderError, odata
from ringfence.ingestion import history
from ringfence.ingestion.pages import Page, Stored, prepare, store
from ringfence.settings import Settings
from ringfence.storage import Database, Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import accounts
from ringfence.triggers.registry import Registry

_EXPAND: Final = ("evidence",)
_LARGEST_PAGE: Final = 10_000
_log = logs.get(__name__)


class AlertPages(Protocol):
    """The part of DefenderClient that a poll needs."""

    def alert_pages(
        self,
        *,
        filter: str,  # noqa: A002
        order_by: str,
        top: int,
        expand: Sequence[str],
    ) -> AsyncGenerator[list[dict[str, Any]], None]: ...


class ClientSource(Protocol):
    """The part of Clients that a poll needs."""

    async def get(self, account_id: str) -> Any: ...
    async def report(self, account_id: str, error: DefenderError) -> bool: ...


@dataclass(slots=True)
class PollReport:
    """What one poll met: documents seen, of these new alerts and new versions, requests, and its length in seconds."""

    account_id: str
    seen: int = 0
    new: int = 0
    versions: int = 0
    rejected: int = 0
    runs: list[str] = field(default_factory=list)
    pages: int = 0
    duration: float = 0.0


class Poller:
    """Polls any account; `on_runs` is told, after each page's commit, of the runs that it requested."""

    def __init__(
        self, database: Database, clients: ClientSource, settings: Settings, on_runs: Callable[[list[str]], None]
    ) -> None:
        """Misconfigured if the settings cannot be polled by."""
        history.start(settings.poll_history, clock.now())
        self._database = database
        self._clients = clients
        self._settings = settings
        self._on_runs = on_runs
        self._registry = Registry()

    async def poll(self, account_id: str) -> PollReport:
        """Read what is new in an account and return what there was.

        A DefenderError is recorded in the account, as a sentence, and raised; what was committed before it stays.
        AccountUnusable if the account may not be used.
        """
        client = await self._clients.get(account_id)
        account = await self._database.read(lambda tx: records.by_id(tx, account_id))
        report, began = PollReport(account_id), clock.timestamp()
        try:
            await self._read(client, account, report)
        except DefenderError as error:
            await self._clients.report(account_id, error)
            sentence = f"Reading alerts failed: {describe(error)} {error.advice}"
            await self._database.run(lambda tx: record_error(tx, account_id, sentence))
            raise
        report.duration = clock.timestamp() - began
        if report.new or report.versions or report.rejected:
            counts = {"new": report.new, "versions": report.versions, "rejected": report.rejected}
            _log.info("polled", account=account.name, pages=report.pages, seen=report.seen, **counts)
        return report

    async def _read(self, client: AlertPages, account: Account, report: PollReport) -> None:
        way = _Way(self._begin(account), self._settings.poll_page_size)
        while not way.done:
            way.done = True
            # Each page is fetched when the one before is stored, so that memory holds one page, however many there are.
            pages = client.alert_pages(
                filter=odata.ge("lastUpdateTime", way.cursor),
                order_by="lastUpdateTime asc",
                top=way.top,
                expand=_EXPAND,
            )
            async with aclosing(pages) as open_pages:
                async for documents in open_pages:
                    page = await asyncio.to_thread(prepare, documents)
                    way.take(page, len(documents))
                    self._count(report, len(documents), await self._store(account.id, page, way))
                    if way.restart:
                        way.done = way.restart = False
                        break
        await self._database.run(lambda tx: _finish(tx, account.id, way.newest))

    async def _store(self, account_id: str, page: Page, way: "_Way") -> Stored:
        watermark = way.newest if way.ordered else None
        return await self._database.run(lambda tx: store(tx, account_id, page, self._registry, watermark=watermark))

    def _count(self, report: PollReport, seen: int, stored: Stored) -> None:
        report.pages += 1
        report.seen += seen
        report.new += stored.new
        report.versions += stored.versions
        report.rejected += stored.rejected
        report.runs += stored.runs
        if stored.runs:
            self._on_runs(list(stored.runs))

    def _begin(self, account: Account) -> datetime:
        if account.watermark is None:
            return history.start(self._settings.poll_history, clock.now())
        return account.watermark - timedelta(seconds=self._settings.poll_overlap)


class _Way:
    """How far one poll has come, and whether the service still gives pages in the order that was asked for."""

    def __init__(self, cursor: datetime, page_size: int) -> None:
        self.cursor = cursor
        self.top = page_size
        self._page_size = page_size
        self.newest: datetime | None = None
        self.ordered = True
        self.restart = False
        self.done = False
        self._last = cursor

    def take(self, page: Page, size: int) -> None:
        """Follow one page; `restart` is set where the next one is asked for anew: from the time reached, or larger."""
        for each in page.alerts:
            at = each.values.updated_at
            self.ordered = self.ordered and at is not None and at >= self._last
            self._last = at or self._last
        if page.newest is not None:
            # A time that has not come yet must not carry the watermark past what is still to be reported.
            newest = min(page.newest, clock.now())
            self.newest = max(self.newest, newest) if self.newest is not None else newest
        if not self.ordered or size < self.top:
            return
        if self._last > self.cursor:
            self.cursor, self.top, self.restart = self._last, self._page_size, True
        elif self.top < _LARGEST_PAGE:
            self.top, self.restart = min(self.top * 2, _LARGEST_PAGE), True


def record_error(tx: Transaction, account_id: str, sentence: str) -> None:
    """Keep, in the account's row, why the last poll ended early; empty once one did not."""
    text = storable(sentence)
    done = tx.execute(
        sa.update(accounts).where(accounts.c.id == account_id, accounts.c.poll_error != text).values(poll_error=text)
    )
    if done.rowcount:
        account = records.by_id(tx, account_id)
        tx.changed(account.organization_id, "account", account_id, "poll_failed" if text else "poll_recovered")


def _finish(tx: Transaction, account_id: str, newest: datetime | None) -> None:
    values: dict[str, Any] = {"polled_at": clock.now()}
    if newest is not None:
        later = sa.or_(accounts.c.watermark.is_(None), accounts.c.watermark < newest)
        tx.execute(sa.update(accounts).where(accounts.c.id == account_id, later).values(watermark=newest))
    tx.execute(sa.update(accounts).where(accounts.c.id == account_id).values(values))
    record_error(tx, account_id, "")
