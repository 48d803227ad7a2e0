"""Ask for the runs that new versions of alerts deserve, and keep why each playbook was or was not started.

Where a playbook wants one run for each machine or incident, the first alert asks for a run and the later ones join it, as
long as its window lasts and it has not ended. Everything happens in the transaction that stores the versions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.accounts.model import Account
from ringfence.alerts import ledger
from ringfence.alerts.transitions import Change
from ringfence.alerts.versions import Standing
from ringfence.ingestion.normalise import moment
from ringfence.services import records as services
from ringfence.services.model import Service
from ringfence.storage import Transaction
from ringfence.storage.tables import awaited_alerts, run_alerts, runs
from ringfence.triggers import defender
from ringfence.triggers.base import Verdict
from ringfence.triggers.identity import identity
from ringfence.triggers.needs import missing
from ringfence.triggers.registry import ActiveTrigger

PATIENCE: Final = timedelta(minutes=2)
"""How long a playbook waits for what a new alert lacks: longer would cost more than beginning without."""
_CHUNK: Final = 500
_OPEN: Final = ("requested", "running", "waiting")


@dataclass(frozen=True, slots=True)
class Version:
    """A version that is stored: number `number` of our alert `alert_id`, with its document in the form of Defender.

    `original` is the document as it came.
    """

    alert_id: str
    number: int
    standing: Standing
    changes: tuple[Change, ...]
    document: Mapping[str, Any]
    original: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Made:
    """The ids of the new runs, how many versions these or earlier ones were told of, and whether a playbook waits."""

    runs: tuple[str, ...]
    told: int
    awaited: bool


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A version that a playbook is to be told of; `key` is what it shares with those that go to the same run."""

    version: Version
    active: ActiveTrigger
    key: str | None
    at: tuple[int, int]


@dataclass(slots=True)
class _Written:
    """The rows to write."""

    runs: list[dict[str, Any]] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)


def make(
    tx: Transaction, account: Account, versions: Sequence[Version], triggers: Sequence[ActiveTrigger], now: datetime
) -> Made:
    """Decide on each version for each playbook, ask for runs or join them, and keep the verdicts."""
    made, letters = ask(tx, account, versions, triggers, now)
    members = [ledger.Member(each.playbook_id, each.version_id) for each in triggers]
    kept = ((version.alert_id, version.number, text) for version, text in zip(versions, letters, strict=True))
    ledger.write(tx, account.organization_id, members, kept, now)
    return made


def ask(
    tx: Transaction,
    account: Account,
    versions: Sequence[Version],
    triggers: Sequence[ActiveTrigger],
    now: datetime,
    *,
    patient: bool = True,
) -> tuple[Made, list[str]]:
    """Do the same without keeping the verdicts; return them as well, a letter for each trigger and a text for each version.

    Where it is `patient`, a playbook waits for a new alert that lacks what it needs.
    """
    letters = [[Verdict.OFF.value] * len(triggers) for _ in versions]
    following = services.of_account(tx, account.id) if versions else []
    wanted = list(_decide(account, following, versions, triggers, letters))
    if patient:
        wanted = _hold(tx, account, versions, triggers, wanted, letters, now)
    joinable = open_runs(tx, [each.key for each in wanted if each.key is not None], now)
    written = _Written()
    for each in wanted:
        run_id = joinable.get(each.key) if each.key is not None else None
        if run_id is None:
            run_id = _ask(written, account, each, now)
            if each.key is not None:
                joinable[each.key] = run_id
        else:
            row, column = each.at
            letters[row][column] = Verdict.JOINED.value
            written.joined.append(run_id)
        written.alerts.append(
            {
                "run_id": run_id,
                "alert_id": each.version.alert_id,
                "alert_version": each.version.number,
                "joined_at": now,
            }
        )
    _write(tx, account, written)
    told = {(each.version.alert_id, each.version.number) for each in wanted}
    awaited = any(Verdict.AWAITED in row for row in letters)
    return Made(tuple(row["id"] for row in written.runs), len(told), awaited), ["".join(row) for row in letters]


def _decide(
    account: Account,
    following: Sequence[Service],
    versions: Sequence[Version],
    triggers: Sequence[ActiveTrigger],
    letters: list[list[str]],
) -> Iterator[_Wanted]:
    """Write the verdict on each version and playbook, and yield those that are to be told of it."""
    listening = [(column, active) for column, active in enumerate(triggers) if not active.paused]
    for row, version in enumerate(versions):
        named = _passing_on(following, version)
        event = defender.Event(
            version.document, version.changes, account.name, version.standing, version.original, named
        )
        for column, active in listening:
            verdict = defender.decide(active.trigger, event)
            letters[row][column] = verdict.value
            if verdict is Verdict.STARTED:
                shared = defender.folds_by(active.trigger, version.document)
                key = None if shared is None else f"{active.playbook_id}:{account.id}:{shared}"
                yield _Wanted(version, active, key, (row, column))


def _hold(
    tx: Transaction,
    account: Account,
    versions: Sequence[Version],
    triggers: Sequence[ActiveTrigger],
    wanted: list[_Wanted],
    letters: list[list[str]],
    now: datetime,
) -> list[_Wanted]:
    """Set aside those for which a playbook waits, and return the others.

    A `where` that does not hold may hold once what it looks at has come.
    """
    rows: list[dict[str, Any]] = []
    for number, version in enumerate(versions):
        if Change.CREATED not in version.changes:
            continue
        for column, active in enumerate(triggers):
            if letters[number][column] not in (Verdict.STARTED, Verdict.WHERE):
                continue
            lacking = missing(active.needs, version.document)
            if not lacking:
                continue
            letters[number][column] = Verdict.AWAITED.value
            rows.append(
                {
                    "alert_id": version.alert_id,
                    "playbook_version_id": active.version_id,
                    "version": version.number,
                    "account_id": account.id,
                    "missing": " ".join(lacking),
                    "updated_at": moment(version.document.get("lastUpdateTime")) or now,
                    "until": now + PATIENCE,
                }
            )
    tx.insert_new(awaited_alerts, rows)
    return [each for each in wanted if letters[each.at[0]][each.at[1]] != Verdict.AWAITED]


def _passing_on(following: Sequence[Service], version: Version) -> tuple[str, ...]:
    """Return the names of the services that tell playbooks of such a version.

    Which of an account's services met it first does not matter: each would have met it.
    """
    created = Change.CREATED in version.changes
    return tuple(each.name for each in following if each.enabled and (created or each.updates))


def open_runs(tx: Transaction, keys: Sequence[str], now: datetime) -> dict[str, str]:
    """Return the runs that these keys may still join, held until the transaction ends, and free the keys of the others."""
    found: dict[str, str] = {}
    over: list[str] = []
    for chunk in _chunks(sorted(set(keys))):
        query = (
            sa.select(runs.c.id, runs.c.fold_key, runs.c.fold_until, runs.c.status)
            .where(runs.c.fold_key.in_(chunk))
            .order_by(runs.c.id)
            .with_for_update()
        )
        for row in tx.all(query):
            if row["status"] in _OPEN and row["fold_until"] > now:
                found[row["fold_key"]] = row["id"]
            else:
                over.append(row["id"])
    for chunk in _chunks(over):
        tx.execute(sa.update(runs).where(runs.c.id.in_(chunk)).values(fold_key=None))
    return found


def _ask(written: _Written, account: Account, wanted: _Wanted, now: datetime) -> str:
    version, active = wanted.version, wanted.active
    trigger = active.trigger
    created = Change.CREATED in version.changes
    run_id = clock.new_id()
    folding: dict[str, Any] = {"run_per": trigger.run_per} if wanted.key is not None else {}
    gathers = wanted.key is not None and trigger.gather is not None
    seen = {
        "type": defender.DECLARATION.type,
        "account": account.name,
        "service": trigger.service,
        "change": defender.chosen(trigger, version.changes).value,
        "changes": [change.value for change in version.changes],
        "alert_id": version.alert_id,
        "version": version.number,
        **folding,
    }
    written.runs.append(
        {
            "id": run_id,
            "organization_id": account.organization_id,
            "playbook_id": active.playbook_id,
            "playbook_version_id": active.version_id,
            "account_id": account.id,
            "alert_id": version.alert_id,
            "alert_version": version.number,
            "cause_key": f"alert:{version.alert_id}:{'created' if created else f'updated:{version.number}'}",
            "trigger": seen,
            "status": "requested",
            "requested_at": now,
            "fold_key": wanted.key,
            "fold_until": now + timedelta(seconds=trigger.window.seconds) if wanted.key is not None else None,
            "not_before": now + timedelta(seconds=trigger.gather.seconds) if gathers and trigger.gather else None,
            **identity(seen, machine_id=version.document.get("machineId")).row(),
        }
    )
    return run_id


def _write(tx: Transaction, account: Account, written: _Written) -> None:
    if written.runs:
        tx.execute(sa.insert(runs), written.runs)
    if written.alerts:
        tx.execute(sa.insert(run_alerts), written.alerts)
    for row in written.runs:
        tx.changed(account.organization_id, "run", row["id"], "requested")
    for run_id in dict.fromkeys(written.joined):
        tx.changed(account.organization_id, "run", run_id, "joined")


def _chunks(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(items), _CHUNK):
        yield items[at : at + _CHUNK]
