"""Take one page of alerts into the database: told apart, stored, matched and requested in one transaction.

`prepare` is the pure half and may run anywhere; `store` is the half that happens wholly or not at all.
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
from ringfence.alerts.versions import Change, fingerprint
from ringfence.errors import NotFound
from ringfence.ingestion.normalise import AlertValues, NotAnAlert, normalise
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import accounts, alert_versions, alerts, rejected_alerts, runs
from ringfence.triggers import defender
from ringfence.triggers.registry import ActiveTrigger, Registry

_CHUNK: Final = 500
_COLUMNS: Final = tuple(name for name in AlertValues.__slots__ if name != "alert_id")


@dataclass(frozen=True, slots=True)
class Delivered:
    """One document that is an alert; `raw` is its text as it is stored."""

    values: AlertValues
    fingerprint: str
    raw: str
    document: Mapping[str, Any]


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
    """What became of a page: counts of alerts, and the ids of the runs that were requested."""

    new: int
    versions: int
    rejected: int
    runs: tuple[str, ...]


@dataclass(slots=True)
class _Known:
    """What the database, with what this page has added so far, knows of one alert."""

    id: str
    current: int
    last: int
    updated_at: datetime | None
    fingerprints: set[str]
    new: bool = False
    values: AlertValues | None = None
    document: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _Transition:
    """A version that is news, with the version that it replaces."""

    alert: _Known
    version: int
    change: Change
    document: Mapping[str, Any]
    before: Mapping[str, Any] | None
    before_version: int


@dataclass(slots=True)
class _Work:
    """What a page adds, collected before anything is written."""

    known: dict[str, _Known]
    versions: list[dict[str, Any]] = field(default_factory=list)
    transitions: list[_Transition] = field(default_factory=list)


def prepare(documents: Iterable[object]) -> Page:
    """Read the documents of a page; never raises for what is in them."""
    delivered, rejected = [], []
    for document in documents:
        try:
            raw, mark = json.dumps(document, separators=(",", ":")), fingerprint(document)
        except (RecursionError, ValueError, TypeError):
            rejected.append(_unwritable(document))
            continue
        try:
            values = normalise(document)
        except NotAnAlert as error:
            rejected.append(Rejected(mark, raw, error.message))
            continue
        assert isinstance(document, Mapping)
        delivered.append(Delivered(values, mark, raw, document))
    return Page(tuple(delivered), tuple(rejected))


def store(tx: Transaction, account_id: str, page: Page, registry: Registry, *, watermark: datetime | None) -> Stored:
    """Write a page: new alerts, new versions, the runs that they ask for, what was rejected, and how far the poll came.

    Pages of one account are written one after the other, whoever polls. `watermark` is where the next poll may begin, None
    to leave it; it never moves back. NotFound or AccountUnusable if the account was removed or switched off meanwhile.
    """
    account, now = _lock(tx, account_id), clock.now()
    work = _Work(_known(tx, account_id, {each.values.alert_id for each in page.alerts}))
    for delivered in page.alerts:
        _tell_apart(work, delivered, now)
    _write_alerts(tx, account, work, now)
    requested = _request_runs(tx, account, work, registry.for_account(tx, account.organization_id, account.name), now)
    rejected = _write_rejected(tx, account, page.rejected, now)
    _write_cursor(tx, account, watermark, now)
    new = sum(each.new for each in work.known.values())
    return Stored(new, len(work.versions), rejected, tuple(requested))


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


def _known(tx: Transaction, account_id: str, alert_ids: set[str]) -> dict[str, _Known]:
    known: dict[str, _Known] = {}
    version = alert_versions.c
    for chunk in _chunks(sorted(alert_ids)):
        query = (
            sa.select(
                alerts.c.id,
                alerts.c.alert_id,
                alerts.c.version.label("current"),
                alerts.c.updated_at,
                version.version,
                version.fingerprint,
            )
            .join(alert_versions, version.alert_id == alerts.c.id)
            .where(alerts.c.account_id == account_id, alerts.c.alert_id.in_(chunk))
        )
        for row in tx.all(query):
            alert = known.get(row["alert_id"])
            if alert is None:
                alert = known[row["alert_id"]] = _Known(row["id"], row["current"], 0, row["updated_at"], set())
            alert.last = max(alert.last, row["version"])
            alert.fingerprints.add(row["fingerprint"])
    return known


def _tell_apart(work: _Work, delivered: Delivered, now: datetime) -> None:
    """Decide whether a document is a new alert, a new version, an old version that came late, or nothing new."""
    values = delivered.values
    alert = work.known.get(values.alert_id)
    if alert is None:
        alert = _Known(clock.new_id(), 0, 0, None, set(), new=True)
        work.known[values.alert_id] = alert
    elif delivered.fingerprint in alert.fingerprints:
        return
    alert.last += 1
    alert.fingerprints.add(delivered.fingerprint)
    work.versions.append(
        {
            "alert_id": alert.id,
            "version": alert.last,
            "fingerprint": delivered.fingerprint,
            "seen_at": now,
            "raw": delivered.raw,
        }
    )
    if alert.updated_at is not None and values.updated_at is not None and values.updated_at < alert.updated_at:
        # It came late: kept, but what is known since is still how the alert stands, and nobody acts on the past.
        return
    change = Change.UPDATED if alert.current else Change.CREATED
    work.transitions.append(_Transition(alert, alert.last, change, delivered.document, alert.document, alert.current))
    alert.current, alert.values, alert.document = alert.last, values, delivered.document
    alert.updated_at = values.updated_at or alert.updated_at


def _write_alerts(tx: Transaction, account: Account, work: _Work, now: datetime) -> None:
    inserted, updated = [], []
    for alert_id, alert in work.known.items():
        if alert.values is None:
            continue
        row = {"id": alert.id, "version": alert.current, **_columns(alert.values)}
        if alert.new:
            owner = {"organization_id": account.organization_id, "account_id": account.id}
            inserted.append({**row, **owner, "alert_id": alert_id, "ingested_at": now})
        else:
            updated.append({**row, "b_id": row.pop("id")})
    if inserted:
        tx.execute(sa.insert(alerts), inserted)
    if updated:
        names = ("version", *_COLUMNS)
        tx.execute(
            sa.update(alerts).where(alerts.c.id == sa.bindparam("b_id")).values({n: sa.bindparam(n) for n in names}),
            updated,
        )
    if work.versions:
        tx.execute(sa.insert(alert_versions), work.versions)
    for transition in work.transitions:
        tx.changed(account.organization_id, "alert", transition.alert.id, transition.change)


def _columns(values: AlertValues) -> dict[str, Any]:
    row = {name: getattr(values, name) for name in _COLUMNS}
    return {name: storable(value) if isinstance(value, str) else value for name, value in row.items()}


def _request_runs(
    tx: Transaction, account: Account, work: _Work, triggers: Sequence[ActiveTrigger], now: datetime
) -> list[str]:
    if not triggers:
        return []
    listened = {change for each in triggers for change in each.trigger.changes or tuple(Change)}
    transitions = [each for each in work.transitions if each.change in listened]
    before = _documents_before(tx, transitions)
    rows: list[dict[str, Any]] = []
    for transition in transitions:
        alert_id, change = transition.alert.id, transition.change
        earlier = transition.before or before.get(alert_id)
        for active in triggers:
            found = defender.match(active.trigger, transition.document, change, account=account.name, before=earlier)
            if not found.matched:
                continue
            suffix = "" if change is Change.CREATED else f":{transition.version}"
            rows.append(
                {
                    "id": clock.new_id(),
                    "organization_id": account.organization_id,
                    "playbook_id": active.playbook_id,
                    "playbook_version_id": active.version_id,
                    "account_id": account.id,
                    "alert_id": alert_id,
                    "alert_version": transition.version,
                    "cause_key": f"alert:{alert_id}:{change}{suffix}",
                    "trigger": {
                        "type": defender.DECLARATION.type,
                        "account": account.name,
                        "service": active.trigger.service,
                        "change": change.value,
                        "changes": [change.value],
                        "alert_id": alert_id,
                        "version": transition.version,
                    },
                    "status": "requested",
                    "requested_at": now,
                }
            )
    if rows:
        tx.execute(sa.insert(runs), rows)
    for row in rows:
        tx.changed(account.organization_id, "run", row["id"], "requested")
    return [row["id"] for row in rows]


def _documents_before(tx: Transaction, transitions: Sequence[_Transition]) -> dict[str, Mapping[str, Any]]:
    """Return what stood before the first update of each alert that was known before this page."""
    wanted = {
        each.alert.id: each.before_version for each in reversed(transitions) if each.before_version and not each.before
    }
    found: dict[str, Mapping[str, Any]] = {}
    for chunk in _chunks(list(wanted)):
        query = sa.select(alert_versions.c.alert_id, alert_versions.c.raw).where(
            sa.tuple_(alert_versions.c.alert_id, alert_versions.c.version).in_([(each, wanted[each]) for each in chunk])
        )
        for row in tx.all(query):
            found[row["alert_id"]] = json.loads(row["raw"])
    return found


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


def _write_cursor(tx: Transaction, account: Account, watermark: datetime | None, now: datetime) -> None:
    moved = watermark is not None and (account.watermark is None or watermark > account.watermark)
    values: dict[str, Any] = {"polled_at": now} | ({"watermark": watermark} if moved else {})
    tx.execute(sa.update(accounts).where(accounts.c.id == account.id).values(values))


def _chunks(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(items), _CHUNK):
        yield items[at : at + _CHUNK]
