"""Take one page of alerts into the database: told apart, stored, matched and requested in one transaction.

`prepare` is the pure half and may run anywhere; `store` is the half that happens wholly or not at all.

An alert is one alert whichever source shows it (`alerts.graph.identity`). A document that says, in another source's words, what
is known already is no version of its own; see `_seen_elsewhere`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.accounts.model import Account, AccountState, refusal
from ringfence.alerts import writes
from ringfence.alerts.echo import Write
from ringfence.alerts.judging import judge
from ringfence.alerts.source import Source, common_form, mark
from ringfence.alerts.transitions import Change
from ringfence.alerts.versions import Standing, fingerprint, is_older
from ringfence.containment import days
from ringfence.errors import NotFound
from ringfence.ingestion import requests, sharing
from ringfence.ingestion.normalise import AlertValues, NotAnAlert, normalise
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import accounts, alert_versions, alerts, rejected_alerts
from ringfence.triggers.registry import Registry

_CHUNK: Final = 500
_COLUMNS: Final = tuple(name for name in AlertValues.__slots__ if name != "alert_id")


@dataclass(frozen=True, slots=True)
class Delivered:
    """One document that is an alert; `raw` is its text as it is stored, `document` is it in the common form.

    `original` is it as it came.
    """

    values: AlertValues
    fingerprint: str
    raw: str
    document: Mapping[str, Any]
    original: Mapping[str, Any]
    source: str
    mark: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """One document that is none, and why."""

    fingerprint: str
    raw: str
    reason: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it was delivered, read."""

    alerts: tuple[Delivered, ...]
    rejected: tuple[Rejected, ...]

    @property
    def newest(self) -> datetime | None:
        """The latest time of a last update in the page."""
        return max((each.values.updated_at for each in self.alerts if each.values.updated_at is not None), default=None)


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a page: counts of alerts, the ids of the runs that were requested, our id and number of each new version.

    `told` is how many versions a run was told of, `awaited` whether a playbook waits for what an alert lacks.
    """

    new: int
    versions: int
    rejected: int
    runs: tuple[str, ...]
    taken: tuple[tuple[str, int], ...] = ()
    told: int = 0
    awaited: bool = False


@dataclass(slots=True)
class _Known:
    """What the database, with what this page has added so far, knows of one alert.

    `seen` holds source and mark of each version, `shown` those of the present one.
    """

    id: str
    current: int
    last: int
    updated_at: datetime | None
    event_at: datetime | None
    fingerprints: set[str]
    seen: list[tuple[str, str]] = field(default_factory=list)
    shown: tuple[str, str] = ("", "")
    new: bool = False
    values: AlertValues | None = None
    document: Mapping[str, Any] | None = None
    written: list[Write] = field(default_factory=list)
    spent: dict[int, tuple[Write, ...]] = field(default_factory=dict)


@dataclass(slots=True)
class _Work:
    """What a page adds, collected before anything is written."""

    known: dict[str, _Known]
    versions: list[dict[str, Any]] = field(default_factory=list)
    told: list[requests.Version] = field(default_factory=list)


def prepare(documents: Iterable[object], source: str = Source.DEFENDER) -> Page:
    """Read the documents of a page of a source; never raises for what is in them."""
    delivered, rejected = [], []
    for document in documents:
        try:
            raw, print_ = json.dumps(document, separators=(",", ":")), fingerprint(document)
        except (RecursionError, ValueError, TypeError):
            rejected.append(_unwritable(document))
            continue
        try:
            form = common_form(source, document)
            values = normalise(form)
        except NotAnAlert as error:
            rejected.append(Rejected(print_, raw, error.message))
            continue
        assert isinstance(document, Mapping)
        delivered.append(Delivered(values, print_, raw, form, document, str(source), mark(form)))
    return Page(tuple(delivered), tuple(rejected))


def store(
    tx: Transaction,
    account_id: str,
    page: Page,
    registry: Registry,
    *,
    found_by: str = "poll",
) -> Stored:
    """Write a page: new alerts, new versions, the runs that they ask for, and what was rejected.

    Pages of one account are written one after the other, whoever polls. NotFound or AccountUnusable if the account was
    removed or switched off meanwhile.
    """
    account, now = _lock(tx, account_id), clock.now()
    work = _Work(_known(tx, account_id, {each.values.alert_id: each.source for each in page.alerts}))
    _learn_what_stands(tx, account_id, work, page)
    for delivered in page.alerts:
        _tell_apart(work, delivered, now, found_by)
    _write_alerts(tx, account, work, now)
    made = requests.make(tx, account, work.told, registry.of_organization(tx, account.organization_id), now)
    elsewhere = sharing.start(tx, account, work.told, registry, now)
    rejected = _write_rejected(tx, account, page.rejected, now)
    new = sum(each.new for each in work.known.values())
    taken = tuple((each.alert_id, each.number) for each in work.told)
    return Stored(new, len(work.versions), rejected, (*made.runs, *elsewhere), taken, made.told, made.awaited)


def _unwritable(document: object) -> Rejected:
    name = document.get("id") if isinstance(document, dict) else None
    shown = name[:200] if isinstance(name, str) else ""
    reason = "The alert is nested too deeply, or holds something that is not JSON; only its id could be kept."
    return Rejected(blake2b(shown.encode("utf-8", "replace"), digest_size=16).hexdigest(), json.dumps(shown), reason)


def _lock(tx: Transaction, account_id: str) -> Account:
    row = tx.one(sa.select(accounts).where(accounts.c.id == account_id).with_for_update(key_share=True))
    if row is None:
        raise NotFound("The account was removed while its alerts were read.", advice="Connect it again to go on.")
    account = Account(**row)
    refused = refusal(account)
    if refused is not None and account.state is AccountState.DISABLED:
        raise refused
    return account


def _known(tx: Transaction, account_id: str, sources: Mapping[str, str]) -> dict[str, _Known]:
    known: dict[str, _Known] = {}
    version = alert_versions.c
    for chunk in _chunks(sorted(sources)):
        query = (
            sa.select(
                alerts.c.id,
                alerts.c.alert_id,
                alerts.c.version.label("current"),
                alerts.c.updated_at,
                alerts.c.event_at,
                version.version,
                version.fingerprint,
                version.source,
                version.mark,
            )
            .join(alert_versions, version.alert_id == alerts.c.id)
            .where(alerts.c.account_id == account_id, alerts.c.alert_id.in_(chunk))
        )
        for row in tx.all(query):
            alert = known.get(row["alert_id"])
            if alert is None:
                alert = known[row["alert_id"]] = _Known(
                    row["id"], row["current"], 0, row["updated_at"], row["event_at"], set()
                )
            alert.last = max(alert.last, row["version"])
            alert.fingerprints.add(row["fingerprint"])
            said = row["mark"]
            if not said and row["source"] != sources[row["alert_id"]]:
                said = _mark_of(tx, row["id"], row["version"], row["source"])
            alert.seen.append((row["source"], said))
            if row["version"] == row["current"]:
                alert.shown = alert.seen[-1]
    return known


def _mark_of(tx: Transaction, alert_id: str, version: int, source: str) -> str:
    """Work out the mark of a version that was stored before there were marks; needed once another source shows the alert."""
    wanted = (alert_versions.c.alert_id == alert_id) & (alert_versions.c.version == version)
    said = mark(common_form(source, json.loads(tx.scalar(sa.select(alert_versions.c.raw).where(wanted)))))
    tx.execute(sa.update(alert_versions).where(wanted).values(mark=said))
    return said


def _seen_elsewhere(alert: _Known, delivered: Delivered) -> bool:
    """Tell whether another source has shown already what a document says.

    One that is no newer than what is known is old news if any version of another source says the same, else only if the
    present one does: an alert may well become again what it was.
    """
    at = delivered.values.updated_at
    said = {each for source, each in alert.seen if source != delivered.source}
    if at is not None and alert.updated_at is not None and at <= alert.updated_at:
        return delivered.mark in said
    return alert.shown[0] != delivered.source and alert.shown[1] == delivered.mark


def _tell_apart(work: _Work, delivered: Delivered, now: datetime, found_by: str) -> None:
    """Decide whether a document is a new alert, a new version, an old version that came late, or nothing new."""
    values = delivered.values
    alert = work.known.get(values.alert_id)
    if alert is None:
        alert = _Known(clock.new_id(), 0, 0, None, None, set(), new=True)
        work.known[values.alert_id] = alert
    elif delivered.fingerprint in alert.fingerprints or _seen_elsewhere(alert, delivered):
        return
    late = _is_late(alert, delivered)
    judged = judge(alert.document, delivered.document, late=late, writes=alert.written, updated_at=values.updated_at)
    alert.last += 1
    alert.fingerprints.add(delivered.fingerprint)
    alert.seen.append((delivered.source, delivered.mark))
    work.versions.append(
        {
            "alert_id": alert.id,
            "version": alert.last,
            "fingerprint": delivered.fingerprint,
            "seen_at": now,
            "raw": delivered.raw,
            "standing": judged.standing.value,
            "transitions": [change.value for change in judged.changes],
            "compared_with": alert.current or None,
            "difference": judged.stored(),
            "source": delivered.source,
            "mark": delivered.mark,
            "found_by": found_by,
        }
    )
    work.told.append(
        requests.Version(alert.id, alert.last, judged.standing, judged.changes, delivered.document, delivered.original)
    )
    if late:
        # It came late: kept, but what is known since is still how the alert stands, and nobody acts on the past.
        return
    if judged.spent:
        alert.spent[alert.last] = judged.spent
        alert.written = [each for each in alert.written if each not in judged.spent]
    alert.current, alert.values, alert.document = alert.last, values, delivered.document
    alert.shown = alert.seen[-1]
    alert.updated_at = values.updated_at or alert.updated_at


def _is_late(alert: _Known, delivered: Delivered) -> bool:
    at = delivered.values.updated_at
    if alert.document is None or at is None or alert.updated_at is None:
        return False
    # At the same time, the words of another source are no news either: they are the same state, understood differently.
    if at == alert.updated_at and alert.shown[0] not in ("", delivered.source):
        return True
    return is_older(delivered.document, at, alert.document, alert.updated_at)


def _write_alerts(tx: Transaction, account: Account, work: _Work, now: datetime) -> None:
    inserted, updated, moved = [], [], []
    for alert_id, alert in work.known.items():
        if alert.values is None:
            continue
        row = {"id": alert.id, "version": alert.current, **_columns(alert.values)}
        if alert.new:
            owner = {"organization_id": account.organization_id, "account_id": account.id}
            inserted.append({**row, **owner, "alert_id": alert_id, "ingested_at": now})
        else:
            updated.append({**row, "b_id": row.pop("id")})
            if alert.values.event_at != alert.event_at:
                moved.append(alert.id)
    if inserted:
        tx.execute(sa.insert(alerts), inserted)
    if updated:
        names = ("version", *_COLUMNS)
        tx.execute(
            sa.update(alerts).where(alerts.c.id == sa.bindparam("b_id")).values({n: sa.bindparam(n) for n in names}),
            updated,
        )
    for chunk in _chunks(moved):
        days.forget(tx, chunk)
    if work.versions:
        tx.execute(sa.insert(alert_versions), work.versions)
    for alert_id, alert in work.known.items():
        for version, spent in alert.spent.items():
            writes.mark_shown(tx, account.id, alert_id, version, spent)
    for told in work.told:
        if told.standing is not Standing.LATE:
            kind = Change.CREATED if Change.CREATED in told.changes else Change.UPDATED
            tx.changed(account.organization_id, "alert", told.alert_id, kind)


def _columns(values: AlertValues) -> dict[str, Any]:
    row = {name: getattr(values, name) for name in _COLUMNS}
    return {name: storable(value) if isinstance(value, str) else value for name, value in row.items()}


def _learn_what_stands(tx: Transaction, account_id: str, work: _Work, page: Page) -> None:
    """Read, of each alert that may have changed, the document that stands and what we wrote that was not shown yet."""
    changed: dict[str, _Known] = {}
    for delivered in page.alerts:
        alert = work.known.get(delivered.values.alert_id)
        if alert is None or delivered.fingerprint in alert.fingerprints:
            continue
        if not _seen_elsewhere(alert, delivered):
            changed[delivered.values.alert_id] = alert
    by_id = {alert.id: alert for alert in changed.values()}
    for chunk in _chunks(list(by_id)):
        columns = (alert_versions.c.alert_id, alert_versions.c.source, alert_versions.c.raw)
        query = sa.select(*columns).where(
            sa.tuple_(alert_versions.c.alert_id, alert_versions.c.version).in_(
                [(each, by_id[each].current) for each in chunk]
            )
        )
        for row in tx.all(query):
            by_id[row["alert_id"]].document = common_form(row["source"], json.loads(row["raw"]))
    for chunk in _chunks(list(changed)):
        for alert_id, written in writes.unseen(tx, account_id, chunk).items():
            changed[alert_id].written = written


def _write_rejected(tx: Transaction, account: Account, rejected: Sequence[Rejected], now: datetime) -> int:
    if not rejected:
        return 0
    by_mark = {each.fingerprint: each for each in rejected}
    for chunk in _chunks(list(by_mark)):
        query = sa.select(rejected_alerts.c.fingerprint).where(
            rejected_alerts.c.account_id == account.id, rejected_alerts.c.fingerprint.in_(chunk)
        )
        for known in tx.all(query):
            del by_mark[known["fingerprint"]]
    owner = {"organization_id": account.organization_id, "account_id": account.id, "seen_at": now}
    rows: list[dict[str, Any]] = [
        {**owner, "id": clock.new_id(), "fingerprint": mark, "reason": each.reason, "raw": each.raw}
        for mark, each in by_mark.items()
    ]
    if rows:
        tx.execute(sa.insert(rejected_alerts), rows)
    for row in rows:
        tx.changed(account.organization_id, "rejected_alert", row["id"], "created")
    return len(rows)


def _chunks(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(items), _CHUNK):
        yield items[at : at + _CHUNK]
