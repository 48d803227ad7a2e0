"""What is tried of playbooks in the worker, as rows: ask for it, claim it, say how far it is, end it, cancel it.

    requested ─▶ working ─▶ done | failed | cancelled

A worker that dies while it works gives the trial back when its lease runs out; it is then begun anew, since trying changes
nothing. All functions work inside the caller's transaction.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.errors import Conflict, NotFound
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import trials

MOST_OPEN: Final = 20
MOST_LISTED: Final = 1_000
LEASE: Final = 60.0
EXPECTED: Final = "expected"
"""What the change feed says of a playbook that somebody is about to have played."""
"""Seconds for which a worker holds a trial without saying how far it is."""


class Kind(StrEnum):
    """What is tried."""

    PROOF = "proof"
    BACKTEST = "backtest"
    REHEARSAL = "rehearsal"


class State(StrEnum):
    """How far a trial is; failed says that it could not be carried out, whatever it would have found."""

    REQUESTED = "requested"
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial. `proven` is None but for a proof that is done; `detail` says why it failed, or why it is not proven."""

    id: str
    organization_id: str
    kind: Kind
    playbook: str
    version_id: str | None
    source: str
    sha256: str
    options: dict[str, Any]
    state: State
    progress: int
    total: int
    proven: bool | None
    result: dict[str, Any] | None
    detail: str
    requested_at: datetime
    requested_by: str
    cancelled_by: str | None
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def open(self) -> bool:
        """Whether it is still to be worked on."""
        return self.finished_at is None


_HEAVY: Final = frozenset({"source", "options", "result"})
_COLUMNS = tuple(trials.c[name] for name in Trial.__dataclass_fields__)


def request(
    tx: Transaction,
    organization_id: str,
    kind: Kind,
    playbook: str,
    source: str,
    by: str,
    *,
    version_id: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Trial:
    """Ask for a trial; Conflict where very many are waiting already."""
    waiting = sa.select(sa.func.count()).select_from(trials)
    waiting = waiting.where(trials.c.organization_id == organization_id, trials.c.finished_at.is_(None))
    if (tx.scalar(waiting) or 0) >= MOST_OPEN and kind is not Kind.PROOF:
        raise Conflict(f"{MOST_OPEN} trials are waiting already.", advice="Wait for them, or cancel some.")
    row: dict[str, Any] = {"id": clock.new_id(), "organization_id": organization_id, "kind": kind.value}
    row |= {"playbook": playbook, "version_id": version_id, "source": source, "sha256": digest(source)}
    row |= {"options": dict(options or {}), "state": State.REQUESTED.value}
    row |= {"requested_at": clock.now(), "requested_by": storable(by)}
    tx.execute(sa.insert(trials), [row])
    tx.changed(organization_id, "trial", row["id"], State.REQUESTED)
    return get(tx, organization_id, row["id"])


def expect(tx: Transaction, organization_id: str, playbook_id: str) -> None:
    """Say that a playbook is about to be played, so that a worker gets ready."""
    tx.changed(organization_id, "trial", playbook_id, EXPECTED)


def get(tx: Transaction, organization_id: str, trial_id: str) -> Trial:
    """Return a trial; NotFound if the organization has none with this id."""
    found = _one(tx, trials.c.organization_id == organization_id, trials.c.id == trial_id)
    if found is None:
        raise NotFound(f"There is no trial {trial_id[:40]!r}.", advice="Ask for a new one.")
    return found


def listed(tx: Transaction, organization_id: str, playbook: str, kind: Kind, *, most: int = 20) -> list[Trial]:
    """Return the latest trials of a playbook by its name, the newest first."""
    mine = (trials.c.organization_id == organization_id, trials.c.playbook == playbook, trials.c.kind == kind.value)
    query = sa.select(*_COLUMNS).where(*mine).order_by(trials.c.requested_at.desc(), trials.c.id.desc()).limit(most)
    return [_of(row) for row in tx.all(query)]


def every(
    tx: Transaction,
    organization_id: str,
    *,
    kind: Kind | None = None,
    playbook: str | None = None,
    most: int = MOST_LISTED,
) -> list[Trial]:
    """Return the latest trials of all playbooks, the newest first, without what was tried on what, and what was found."""
    query = sa.select(*(each for each in _COLUMNS if each.name not in _HEAVY))
    query = query.where(trials.c.organization_id == organization_id)
    if kind is not None:
        query = query.where(trials.c.kind == kind.value)
    if playbook is not None:
        query = query.where(trials.c.playbook == storable(playbook))
    rows = tx.all(query.order_by(trials.c.requested_at.desc(), trials.c.id.desc()).limit(most))
    return [_of({**row, "source": "", "options": {}, "result": None}) for row in rows]


def proof_of_text(tx: Transaction, organization_id: str, source: str) -> Trial | None:
    """Return the proof of a text that says most: one that is proven, else the newest."""
    mine = (trials.c.organization_id == organization_id, trials.c.sha256 == digest(source))
    return _one(tx, *mine, trials.c.kind == Kind.PROOF.value, trials.c.state != State.CANCELLED.value)


def proof_of_version(tx: Transaction, version_id: str) -> Trial | None:
    """Return the proof of a version that says most."""
    return _one(tx, trials.c.version_id == version_id, trials.c.kind == Kind.PROOF.value)


def belongs(tx: Transaction, trial: Trial, version_id: str, reason: str = "") -> None:
    """Say which version the text of a trial has become; `reason` is why it was published unproven."""
    options = {**trial.options, "reason": reason} if reason else trial.options
    tx.execute(sa.update(trials).where(trials.c.id == trial.id).values(version_id=version_id, options=options))


def cancel(tx: Transaction, organization_id: str, trial_id: str, by: str) -> Trial:
    """Cancel a trial that is open; what works on it stops at its next step."""
    found = get(tx, organization_id, trial_id)
    values = {"state": State.CANCELLED.value, "cancelled_by": storable(by), "finished_at": clock.now()}
    if _end(tx, found, values):
        tx.changed(organization_id, "trial", trial_id, State.CANCELLED)
    return get(tx, organization_id, trial_id)


def claim(tx: Transaction, owner: str) -> Trial | None:
    """Take the oldest trial that nobody works on, and hold it for LEASE."""
    now = clock.now()
    # What this owner held was left by an earlier process of the same name: it works on one at a time.
    free = sa.or_(trials.c.lease_until.is_(None), trials.c.lease_until <= now, trials.c.lease_owner == owner)
    query = sa.select(trials.c.id).where(trials.c.finished_at.is_(None), free).order_by(trials.c.requested_at).limit(1)
    trial_id = tx.scalar(query)
    values = {"state": State.WORKING.value, "lease_owner": owner, "lease_until": now + timedelta(seconds=LEASE)}
    taken = sa.update(trials).where(trials.c.id == trial_id, trials.c.finished_at.is_(None), free)
    if trial_id is None or not tx.execute(taken.values(**values, started_at=now, progress=0)).rowcount:
        return None
    found = _one(tx, trials.c.id == trial_id)
    assert found is not None
    tx.changed(found.organization_id, "trial", found.id, State.WORKING)
    return found


def hold(tx: Transaction, trial: Trial, owner: str, done: tuple[int, int] | None = None) -> bool:
    """Hold a trial on, and say how much of how much is `done`; False if it is no longer to be worked on by this owner."""
    values: dict[str, Any] = {"lease_until": clock.now() + timedelta(seconds=LEASE)}
    if done is not None:
        values |= {"progress": done[0], "total": done[1]}
    mine = (trials.c.id == trial.id, trials.c.finished_at.is_(None), trials.c.lease_owner == owner)
    still = bool(tx.execute(sa.update(trials).where(*mine).values(**values)).rowcount)
    if still and done is not None:
        tx.changed(trial.organization_id, "trial", trial.id, "progress")
    return still


def finish(
    tx: Transaction,
    trial: Trial,
    *,
    result: Mapping[str, Any] | None = None,
    proven: bool | None = None,
    detail: str = "",
) -> bool:
    """End a trial with its result; without one it has failed. False if it is over already."""
    state = State.FAILED if result is None else State.DONE
    values = {"state": state.value, "result": result, "proven": proven, "detail": storable(detail)[:4_000]}
    ended = _end(
        tx, trial, values | {"finished_at": clock.now(), "progress": max(trial.total, 1), "total": max(trial.total, 1)}
    )
    if ended:
        tx.changed(trial.organization_id, "trial", trial.id, state)
    return ended


def forget(tx: Transaction, *, older_than: timedelta = timedelta(days=30)) -> int:
    """Delete trials that ended long ago, but for the proofs of versions, which are kept with these."""
    old = trials.c.finished_at < clock.now() - older_than
    return tx.execute(sa.delete(trials).where(old, trials.c.version_id.is_(None))).rowcount


def digest(source: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(source.encode()).hexdigest()


def _end(tx: Transaction, trial: Trial, values: Mapping[str, Any]) -> bool:
    still = sa.update(trials).where(trials.c.id == trial.id, trials.c.finished_at.is_(None))
    return bool(tx.execute(still.values(**values, lease_owner=None, lease_until=None)).rowcount)


def _one(tx: Transaction, *conditions: sa.ColumnElement[bool]) -> Trial | None:
    best = (sa.func.coalesce(trials.c.proven, sa.false()).desc(), trials.c.requested_at.desc(), trials.c.id.desc())
    row = tx.one(sa.select(*_COLUMNS).where(*conditions).order_by(*best).limit(1))
    return None if row is None else _of(row)


def _of(row: Mapping[Any, Any]) -> Trial:
    return Trial(**{**row, "kind": Kind(row["kind"]), "state": State(row["state"])})
