"""Tell alerts what became of the containments that they were the reason for: each result once, found again after a lost reply."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from ringfence import clock, logs
from ringfence.alerts import writes
from ringfence.audit import log as audit
from ringfence.audit.events import Event
from ringfence.containment import exchanges, reports, service
from ringfence.containment.driver import ClientSource
from ringfence.containment.model import Containment
from ringfence.containment.reports import Kind, Report, ReportState
from ringfence.defender import DefenderClient, DefenderError, Priority, priority
from ringfence.defender.errors import NotFound
from ringfence.errors import RingfenceError
from ringfence.storage import Database, Transaction
from ringfence.storage.rounds import LONGEST_SLEEP, rounds
from ringfence.storage.tables import alerts, containment_reports

LEASE: Final = timedelta(seconds=60)
"""For how long a report is one teller's; nothing is sent later than half of it after it was taken."""
PATIENCE: Final = timedelta(days=7)
"""After so long an alert that cannot be told is left alone."""
_SLOWEST: Final = 3600.0
_BATCH: Final = 50
_FORGETTING: Final = timedelta(hours=1)

log = logs.get(__name__)


class Teller:
    """Tells alerts. `mode` is `people` (containments that a person asked for), `all` or `off`.

    A playbook tells its alert by its own steps, so `people` tells none twice. `keep` is for how long the exchanges of a
    containment that is over are kept.
    """

    def __init__(self, database: Database, clients: ClientSource, *, mode: str, keep: timedelta) -> None:
        self._database = database
        self._clients = clients
        self._mode = mode
        self._keep = keep
        self._forgot_at = clock.now() - _FORGETTING

    async def run(self, stop: asyncio.Event) -> None:
        """Tell until `stop`; a change in the database or the next due moment wakes it."""
        await rounds(self._database, stop, self._round, nouns=("containment",), what="reports")

    async def _round(self) -> float:
        while await self.tell_due():
            continue
        await self._forget()
        due = await self._database.read(_next_due)
        return LONGEST_SLEEP if due is None else max((due - clock.now()).total_seconds(), 0.5)

    async def tell_due(self) -> int:
        """Tell what is due now, one after the other, and return how many that were."""
        due = await self._database.read(_due)
        for each in due:
            taken = await self._database.run(lambda tx, each=each: _take(tx, each))  # type: ignore[misc]
            if taken is not None:
                await self._tell(taken)
        return len(due)

    async def _tell(self, report: Report) -> None:
        containment = await self._database.read(lambda tx: service.get(tx, report.containment_id))
        if self._mode == "off" or (self._mode == "people" and containment.run_id is not None):
            why = "Write-back is off." if self._mode == "off" else "The steps of its playbook tell the alert."
            await self._settle(report, ReportState.LEFT, problem=why)
            return
        with logs.bind(organization=containment.organization_id, containment=containment.id):
            try:
                async with asyncio.timeout(LEASE.total_seconds() / 2):
                    await self._tell_once(report, containment)
            except NotFound:
                await self._settle(report, ReportState.GIVEN_UP, problem="Defender has no such alert.")
            except (DefenderError, RingfenceError, TimeoutError) as error:
                await self._later(report, error)

    async def _tell_once(self, report: Report, containment: Containment) -> None:
        found = await self._database.read(lambda tx: _alert_of(tx, containment))
        if found is None:
            await self._settle(report, ReportState.GIVEN_UP, problem="Its alert is not there any more.")
            return
        account_id, alert_id = found
        client = await self._clients.get(account_id)
        with priority(Priority.ENRICH):
            said = await _said(client, alert_id, report.key)
            if said is not None:
                await self._settle(report, ReportState.TOLD, text=said)
                return
            text = reports.words(containment, report.kind)
            await self._database.run(lambda tx: _announce(tx, report, containment, account_id, alert_id, text))
            async with exchanges.recorded(self._database, containment):
                await client.update_alert(alert_id, comment=text)
        await self._settle(report, ReportState.TOLD, text=text)

    async def _settle(self, report: Report, state: ReportState, *, text: str = "", problem: str = "") -> None:
        values: dict[str, object] = {"state": state.value, "problem": problem, "next_at": None}
        values |= {"text": text} if text else {}
        if state is ReportState.TOLD:
            values["written_at"] = clock.now()
        await self._database.run(lambda tx: _write(tx, report, values))

    async def _later(self, report: Report, error: Exception) -> None:
        sentence = str(error) or "No answer in time."
        log.warning("the alert could not be told", error=sentence)
        if clock.now() >= report.due_at + PATIENCE:
            await self._settle(report, ReportState.GIVEN_UP, problem=sentence)
            return
        # Never sooner than the lease: a comment whose reply was lost must have had the time to arrive.
        pause = min(LEASE.total_seconds() * 2 ** min(report.attempts, 8), _SLOWEST)
        values = {"problem": sentence, "next_at": clock.now() + timedelta(seconds=pause)}
        await self._database.run(lambda tx: _write(tx, report, values))

    async def _forget(self) -> None:
        if clock.now() - self._forgot_at >= _FORGETTING:
            self._forgot_at = clock.now()
            await self._database.run(lambda tx: exchanges.forget(tx, older_than=self._keep))


async def _said(client: DefenderClient, alert_id: str, key: str) -> str | None:
    alert = await client.get_alert(alert_id)
    texts = [each.comment for each in alert.comments if each.comment is not None]
    return next((text for text in texts if key in text), None)


def _due(tx: Transaction) -> list[Report]:
    columns = containment_reports.c
    # A release is told after the isolation that it ends.
    first = containment_reports.alias("first")
    waits = sa.exists().where(
        first.c.containment_id == columns.containment_id,
        first.c.kind == Kind.RESULT.value,
        first.c.state == ReportState.DUE.value,
    )
    query = sa.select(containment_reports).where(
        columns.next_at <= clock.now(), sa.or_(columns.kind == Kind.RESULT.value, ~waits)
    )
    return [Report.of(row) for row in tx.all(query.order_by(columns.next_at, columns.kind.desc()).limit(_BATCH))]


def _next_due(tx: Transaction) -> datetime | None:
    row = tx.one(
        sa.select(containment_reports.c.next_at)
        .where(containment_reports.c.next_at.is_not(None))
        .order_by(containment_reports.c.next_at)
        .limit(1)
    )
    return row["next_at"] if row is not None else None


def _take(tx: Transaction, report: Report) -> Report | None:
    columns = containment_reports.c
    mine = (columns.containment_id == report.containment_id, columns.kind == report.kind.value)
    taken = tx.execute(
        sa.update(containment_reports)
        .where(*mine, columns.next_at == report.next_at)
        .values(next_at=clock.now() + LEASE, attempts=columns.attempts + 1)
    ).rowcount
    if not taken:
        return None
    row = tx.one(sa.select(containment_reports).where(*mine))
    return Report.of(row) if row is not None else None


def _alert_of(tx: Transaction, containment: Containment) -> tuple[str, str] | None:
    row = tx.one(sa.select(alerts.c.account_id, alerts.c.alert_id).where(alerts.c.id == containment.alert_id))
    return None if row is None else (row["account_id"], row["alert_id"])


def _announce(
    tx: Transaction, report: Report, containment: Containment, account_id: str, alert_id: str, text: str
) -> None:
    _write(tx, report, {"text": text})
    writes.record(tx, account_id, [alert_id], {"comments": text}, report.key)
    said = {"containment": containment.id, "kind": report.kind.value, "text": text, "alert_id": alert_id}
    assert containment.alert_id is not None
    audit.write(tx, Event.ALERT_TOLD, containment.organization_id, containment.alert_id, details=said)


def _write(tx: Transaction, report: Report, values: dict[str, object]) -> None:
    columns = containment_reports.c
    mine = (columns.containment_id == report.containment_id, columns.kind == report.kind.value)
    tx.execute(sa.update(containment_reports).where(*mine).values(**values))
