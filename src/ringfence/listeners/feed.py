"""Follow the change feed and start the playbooks that listen to changes, each once for each change.

The cursor is a row that moves in the transaction that requests the runs, so that nothing is missed over a restart and two
workers do not start the same. Of a containment, an incident or an account a playbook sees how it stands now, not how it
stood at the change; of an alert it sees the version that the change brought.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import Enum
from functools import partial
from typing import Any, Final

import sqlalchemy as sa

from ringfence import logs
from ringfence.accounts import records
from ringfence.alerts import queue
from ringfence.alerts.versions import Standing
from ringfence.clock import iso
from ringfence.containment import board
from ringfence.errors import NotFound
from ringfence.incidents import events
from ringfence.incidents import queue as incidents
from ringfence.incidents.document import contents, described
from ringfence.listeners import failures
from ringfence.listeners.pacing import Backoff
from ringfence.listeners.starting import start
from ringfence.playbooks.triggers import ChangeTrigger, ErrorTrigger
from ringfence.storage import Database, Transaction, changes, cursors
from ringfence.storage.changes import Change
from ringfence.storage.tables import runs
from ringfence.triggers import change as trigger
from ringfence.triggers.listening import Listener, Listening
from ringfence.waiting import pause

CURSOR: Final = "triggers"
LINEAGE: Final = "lineage"
_ACCOUNT_FIELDS: Final = ("id", "name", "cloud", "tenant_id", "state", "state_reason", "poll_error", "proven_at")
_log = logs.get(__name__)
Wanted = list[tuple[Change, Listener[ChangeTrigger] | Listener[ErrorTrigger]]]


@dataclass(frozen=True, slots=True)
class _Subject:
    """What changed, as it stands now: its document, whose account, which alert, and which runs had a hand in it."""

    document: Mapping[str, Any]
    account: str | None
    account_id: str | None
    alert_id: str | None = None
    alert_version: int | None = None
    run_ids: tuple[str, ...] = ()
    ours: bool = False


class ChangeFeed:
    """Matches the changes of all organizations with the playbooks that listen to changes."""

    def __init__(self, database: Database, backoff: Backoff | None = None) -> None:
        self._database = database
        self._backoff = backoff or Backoff(longest=60.0)
        self._listening = Listening()

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Follow the feed until `stop` is set; after a failure it goes on where the cursor stands."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                following = asyncio.create_task(self._follow())
                await asyncio.wait([following, stopping], return_when=asyncio.FIRST_COMPLETED)
                following.cancel()
                (ended,) = await asyncio.gather(following, return_exceptions=True)
                if isinstance(ended, Exception):
                    _log.error("change_triggers_failed", exc_info=ended)
                    await pause(stop.wait(), self._backoff.failed())
        finally:
            stopping.cancel()

    async def _follow(self) -> None:
        start_at = await self._database.run(lambda tx: cursors.position(tx, CURSOR))
        async for batch in changes.follow(self._database, start_at, gather=changes.GATHER):
            await self.handle(batch)
            self._backoff.succeeded()

    async def handle(self, batch: Sequence[Change]) -> list[str]:
        """Start what a batch of changes starts, leaving out those that the cursor is past; returns the ids of the runs."""
        if not await self._database.read(partial(self._wanted, batch)):
            # Nothing listens: these may be looked at again after a restart, which costs less than a write for each.
            return []
        return await self._database.run(partial(self._start, batch))

    def _wanted(self, batch: Sequence[Change], tx: Transaction) -> Wanted:
        known: dict[str, list[Listener[ChangeTrigger]]] = {}
        found: Wanted = []
        for change in batch:
            organization_id = change.organization_id
            if organization_id not in known:
                known[organization_id] = self._listening.of(tx, organization_id, ChangeTrigger)
            for listener in known[organization_id]:
                # What changed before a playbook was published, or while it was paused, does not start it afterwards.
                heard = not listener.paused and change.at >= listener.playbook.updated_at
                if heard and trigger.concerns(listener.trigger, change.noun, change.kind):
                    found.append((change, listener))
            found += [(change, listener) for listener in failures.heard(tx, self._listening, change)]
        return found

    def _start(self, batch: Sequence[Change], tx: Transaction) -> list[str]:
        made = []
        for change, listener in self._wanted(cursors.take(tx, CURSOR, batch), tx):
            if isinstance(listener.trigger, ErrorTrigger):
                made += failures.begin(tx, change, listener.playbook, listener.trigger)
                continue
            subject = _subject(tx, change)
            if subject is not None and not subject.ours:
                made += self._one(tx, change, Listener(listener.playbook, listener.trigger), subject)
        return made

    def _one(self, tx: Transaction, change: Change, listener: Listener[ChangeTrigger], subject: _Subject) -> list[str]:
        entry = {"noun": change.noun, "id": change.noun_id, "kind": change.kind, "at": iso(change.at)}
        seen = {"type": trigger.DECLARATION.type, "change": entry, "account_name": subject.account, **subject.document}
        lineage = _lineage(tx, subject.run_ids)
        match = trigger.match(listener.trigger, listener.playbook.id, subject.account, lineage, seen)
        if not match.matched:
            return []
        if subject.alert_id is not None:
            # The run reads the alert's document from the version that it names.
            seen.pop("alert", None)
        return [
            start(
                tx,
                listener.playbook,
                f"change:{change.id}",
                {**seen, LINEAGE: list(lineage)},
                subject.account,
                account_id=subject.account_id,
                alert_id=subject.alert_id,
                alert_version=subject.alert_version,
            )
        ]


def _subject(tx: Transaction, change: Change) -> _Subject | None:
    """Read what a change is about, None if it is gone."""
    try:
        match change.noun:
            case "alert":
                return _alert(tx, change)
            case "containment":
                return _containment(tx, change)
            case "incident":
                return _incident(tx, change)
            case _:
                account = records.by_id(tx, change.noun_id, organization_id=change.organization_id)
    except NotFound:
        return None
    shown = {name: _plain(getattr(account, name)) for name in _ACCOUNT_FIELDS}
    return _Subject({"account": shown}, account.name, account.id)


def _alert(tx: Transaction, change: Change) -> _Subject:
    alert = queue.get(tx, change.organization_id, change.noun_id)
    versions = [
        each for each in queue.versions(tx, change.organization_id, alert) if each.standing is not Standing.LATE
    ]
    then = [each for each in versions if each.seen_at <= change.at] or versions
    # Versions that came with one page share its moment, and each has its entry in the feed.
    ours = all(each.standing is Standing.OWN for each in then if each.seen_at == then[-1].seen_at)
    document = {"alert": then[-1].document}
    return _Subject(document, alert.account, alert.account_id, alert.id, then[-1].version, ours=ours)


def _containment(tx: Transaction, change: Change) -> _Subject:
    found = board.get(tx, change.organization_id, change.noun_id)
    row = found.row
    document: dict[str, Any] = {
        "containment": {each.name: _plain(getattr(row, each.name)) for each in fields(row)},
    }
    # A run holds under a key that begins with its id.
    run_ids = (row.run_id, *(hold.holder.split(":")[0] for hold in found.holds))
    known = tuple(dict.fromkeys(each for each in run_ids if each))
    if row.alert_id is None:
        return _Subject(document, row.account_name, row.account_id, run_ids=known)
    alert = queue.get(tx, change.organization_id, row.alert_id)
    document["alert"] = queue.read_version(tx, change.organization_id, alert).document
    return _Subject(document, row.account_name, row.account_id, alert.id, alert.version, known)


def _incident(tx: Transaction, change: Change) -> _Subject:
    """Read an incident as it stands now; the run is about the alert that came to it first, and that alert's account."""
    incident = incidents.by_id(tx, change.organization_id, change.noun_id)
    held = contents(tx, incident)
    told = [each for each in events.of(tx, incident.id) if each.at <= change.at]
    # What one transaction did shares its moment, and each change has its own event.
    run_ids = tuple(each.run_id for each in told if each.at == told[-1].at and each.run_id)
    document = {"incident": described(held)}
    if not held.alerts:
        return _Subject(document, None, None, run_ids=run_ids)
    first = held.alerts[0]
    document["alert"] = queue.raw(tx, change.organization_id, first)
    return _Subject(document, first.account, first.account_id, first.id, first.version, run_ids)


def _lineage(tx: Transaction, run_ids: Sequence[str]) -> tuple[str, ...]:
    """Return the playbooks of these runs, and those whose changes had started them."""
    if not run_ids:
        return ()
    found: dict[str, None] = {}
    for row in tx.all(sa.select(runs.c.playbook_id, runs.c.trigger).where(runs.c.id.in_(run_ids)).order_by(runs.c.id)):
        found |= dict.fromkeys((*row["trigger"].get(LINEAGE, ()), row["playbook_id"]))
    return tuple(found)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    return value.value if isinstance(value, Enum) else value
