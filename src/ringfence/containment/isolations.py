"""The rows of what Defender did to machines: kept by the reconciler, read by the board, the command line and the API.

All functions work inside the caller's transaction.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.containment.model import FINAL, Containment
from ringfence.containment.observed import (
    SENTENCES,
    Drift,
    HostState,
    Origin,
    Seen,
    drift,
    lost_since,
    origin,
)
from ringfence.errors import Invalid
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import accounts, containments, isolations, reconciliations

MOST = 500
_OVER: Final = tuple(state.value for state in FINAL)
_KNOWN: Final = tuple(field.name for field in fields(Seen))
# What has been free for so long is nobody's question any more.
_FORGET: Final = timedelta(days=90)
_TEXTS: Final = ("machine_name", "requestor", "request_source", "comment", "open_by")


@dataclass(frozen=True, slots=True)
class Isolation:
    """How one machine stands in Defender, whoever did it; `seen_at`: when Defender was last asked, with an answer."""

    organization_id: str
    account_id: str
    account_name: str
    machine_id: str
    machine_name: str | None
    state: HostState
    isolated: bool | None
    action_id: str | None
    requestor: str | None
    request_source: str | None
    comment: str | None
    isolation_type: str | None
    containment_id: str | None
    since: datetime | None
    open_action_id: str | None
    open_type: str | None
    open_by: str | None
    open_since: datetime | None
    seen_at: datetime
    drift: Drift
    drift_since: datetime | None
    heard_at: datetime | None
    lost_since: datetime | None

    @property
    def name(self) -> str:
        """The host as people call it."""
        return self.machine_name or self.machine_id

    @property
    def origin(self) -> Origin:
        """Who took the action that decides how the machine stands."""
        return origin(self.containment_id, self.request_source)

    @property
    def foreign(self) -> bool:
        """Whether somebody else isolated it: then it is theirs to release."""
        return self.isolated is True and self.containment_id is None

    @property
    def owner(self) -> str:
        """Who it belongs to, in words."""
        if self.origin is Origin.OURS:
            return "Ringfence"
        who = self.requestor or "somebody unknown"
        return f"{who} ({self.request_source})" if self.request_source else who

    @property
    def problem(self) -> str:
        """What is not as it should be, in a sentence; empty where all is well."""
        said = [SENTENCES[self.drift]] if self.drift else []
        if self.lost_since is not None and self.isolated:
            said.append("Isolated, and lost to Defender: the device has not been heard of since.")
        return " ".join(said)


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, those that need a person first, and the cursor of the next page where there is one."""

    rows: tuple[Isolation, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """When the actions of an account were last read, and what stopped the last attempt (empty if nothing did)."""

    account_name: str
    read_at: datetime | None
    tried_at: datetime
    error: str


_JOINED = isolations.join(accounts, accounts.c.id == isolations.c.account_id).outerjoin(
    reconciliations, reconciliations.c.account_id == isolations.c.account_id
)
_COLUMNS = [
    *(
        isolations.c[field.name]
        for field in fields(Isolation)
        if field.name in isolations.c and field.name != "seen_at"
    ),
    accounts.c.name.label("account_name"),
    sa.func.coalesce(reconciliations.c.read_at, isolations.c.seen_at).label("seen_at"),
]


def select(organization_id: str) -> sa.Select[Any]:
    """Return the query of an organization's rows."""
    return sa.select(*_COLUMNS).select_from(_JOINED).where(isolations.c.organization_id == organization_id)


def read(row: Mapping[Any, Any]) -> Isolation:
    """Read a row of `select`."""
    return Isolation(**{**row, "state": HostState(row["state"]), "drift": Drift(row["drift"])})


FOREIGN: Final = sa.and_(isolations.c.isolated.is_(True), isolations.c.containment_id.is_(None))
"""Somebody else isolated the machine."""
ATTENTION: Final = sa.or_(isolations.c.drift != "", isolations.c.lost_since.is_not(None))
"""Something is not as it should be."""


def listing(
    tx: Transaction,
    organization_id: str,
    *,
    state: HostState | None = None,
    foreign: bool | None = None,
    attention: bool | None = None,
    text: str = "",
    cursor: str | None = None,
    limit: int = 100,
) -> Page:
    """Return how machines stand in Defender, by their names; `foreign` and `attention` ask for only, or none of, these.

    `text` is part of a machine's name or id, of who isolated it or why; `cursor` is what the page before called `next`.
    """
    limit = max(1, min(limit, MOST))
    query = select(organization_id)
    if state is not None:
        query = query.where(isolations.c.state == state.value)
    if foreign is not None:
        query = query.where(FOREIGN if foreign else sa.not_(FOREIGN))
    if attention is not None:
        query = query.where(ATTENTION if attention else sa.not_(ATTENTION))
    if text:
        query = query.where(sa.or_(*(isolations.c[name].icontains(text, autoescape=True) for name in _SEARCHED)))
    name = sa.func.coalesce(isolations.c.machine_name, isolations.c.machine_id)
    if cursor is not None:
        last = tx.one(select(organization_id).where(isolations.c.machine_id == cursor))
        if last is None:
            raise Invalid("The cursor names no machine.", advice="Start again without a cursor.")
        here = last["machine_name"] or last["machine_id"]
        query = query.where(sa.tuple_(name, isolations.c.machine_id) > sa.tuple_(sa.literal(here), last["machine_id"]))
    found = tx.all(query.order_by(name, isolations.c.machine_id).limit(limit + 1))
    rows = tuple(read(row) for row in found[:limit])
    return Page(rows, rows[-1].machine_id if len(found) > limit else None)


_SEARCHED = ("machine_name", "machine_id", "requestor", "request_source", "comment")


def of_machines(tx: Transaction, organization_id: str, machine_ids: Iterable[str]) -> dict[str, Isolation]:
    """Return how these machines stand, by id; those of which nothing is known are left out."""
    wanted = sorted(set(machine_ids))
    if not wanted:
        return {}
    found = tx.all(select(organization_id).where(isolations.c.machine_id.in_(wanted)))
    return {row["machine_id"]: read(row) for row in found}


@dataclass(frozen=True, slots=True)
class Counts:
    """How many machines others isolated, and how many are not as they should be."""

    foreign: int
    attention: int


def counts(tx: Transaction, organization_id: str) -> Counts:
    """Count the machines of an organization that people ask about."""
    mine = sa.select(sa.func.count()).select_from(isolations).where(isolations.c.organization_id == organization_id)
    return Counts(foreign=tx.scalar(mine.where(FOREIGN)), attention=tx.scalar(mine.where(ATTENTION)))


def readings(tx: Transaction, organization_id: str) -> list[Reading]:
    """Return when the actions of each account of an organization were last read, by the accounts' names."""
    joined = reconciliations.join(accounts, accounts.c.id == reconciliations.c.account_id)
    query = sa.select(
        accounts.c.name.label("account_name"),
        reconciliations.c.read_at,
        reconciliations.c.tried_at,
        reconciliations.c.error,
    ).select_from(joined)
    found = tx.all(query.where(accounts.c.organization_id == organization_id).order_by(accounts.c.name))
    return [Reading(**row) for row in found]


# --- what the reconciler writes ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Known:
    """What a round begins with: the machines seen before, and from when on actions must be read (None: nothing was)."""

    seen: dict[str, Seen]
    read_at: datetime | None
    heard_read_at: dict[str, datetime | None]

    @property
    def open_since(self) -> datetime | None:
        """When the oldest action was made that was not over."""
        moments = [each.open_since for each in self.seen.values() if each.open_since is not None]
        return min(moments, default=None)


def claim(tx: Transaction, account_id: str, *, interval: timedelta) -> bool:
    """Take an account's next round, unless another worker has it or it is not due."""
    now = clock.now()
    first = {"account_id": account_id, "tried_at": now - 2 * interval, "error": ""}
    tx.insert_new(reconciliations, [first])
    due = sa.and_(reconciliations.c.account_id == account_id, reconciliations.c.tried_at <= now - interval)
    return tx.execute(sa.update(reconciliations).where(due).values(tried_at=now)).rowcount > 0


def known(tx: Transaction, organization_id: str, account_id: str) -> Known:
    """Return what is known of the machines that were seen through an account."""
    rows = tx.all(
        sa.select(isolations).where(
            isolations.c.organization_id == organization_id, isolations.c.account_id == account_id
        )
    )
    read_at = tx.scalar(sa.select(reconciliations.c.read_at).where(reconciliations.c.account_id == account_id))
    return Known(
        {row["machine_id"]: Seen(**{name: row[name] for name in _KNOWN}) for row in rows},
        read_at,
        {row["machine_id"]: row["heard_read_at"] for row in rows if row["isolated"]},
    )


def failed(tx: Transaction, account_id: str, error: str) -> None:
    """Note that a round was stopped; what was known stays."""
    mine = reconciliations.c.account_id == account_id
    tx.execute(sa.update(reconciliations).where(mine).values(error=storable(error)))


def keep(
    tx: Transaction,
    organization_id: str,
    account_id: str,
    seen: Mapping[str, Seen],
    heard: Mapping[str, datetime | None],
    *,
    read_at: datetime,
    patience: timedelta,
) -> None:
    """Write what a round that began at `read_at` brought, compare it with what we want, and tell what has changed.

    `heard` says for machines that were asked about when Defender last heard of them; after `patience` without a sign of
    life an isolated one counts as lost.
    """
    where = (isolations.c.organization_id == organization_id, isolations.c.machine_id.in_(list(seen)))
    before = (
        {row["machine_id"]: row for row in tx.all(sa.select(isolations).where(*where).with_for_update())}
        if seen
        else {}
    )
    ours = _ours(tx, organization_id, seen.values())
    live, last = _live(tx, organization_id, seen), _last(tx, organization_id, seen)
    for machine_id, each in seen.items():
        old = before.get(machine_id)
        if each.containment_id is not None and (each.containment_id, machine_id) not in ours:
            # It bears a mark like ours, and is of another installation, or of somebody who imitates one.
            each = Seen(**{name: getattr(each, name) for name in _KNOWN if name != "containment_id"})
        now = drift(each, live.get(machine_id), last.get(machine_id), read_at)
        heard_at = (heard.get(machine_id) or (old["heard_at"] if old else None)) if each.isolated else None
        heard_read_at = (
            (read_at if machine_id in heard else old["heard_read_at"] if old else None) if each.isolated else None
        )
        lost = lost_since(each, heard_at, heard_read_at, patience)
        values: dict[str, Any] = {name: getattr(each, name) for name in _KNOWN}
        values |= {name: storable(values[name]) for name in _TEXTS if values[name] is not None}
        values |= {"organization_id": organization_id, "account_id": account_id, "state": each.state.value}
        values |= {"drift": now.value, "heard_at": heard_at, "heard_read_at": heard_read_at, "lost_since": lost}
        same_drift = old is not None and old["drift"] == now.value
        values["drift_since"] = None if not now else old["drift_since"] if old is not None and same_drift else read_at
        if old is None or any(old[name] != value for name, value in values.items()):
            tx.upsert(isolations, [values | {"seen_at": read_at}])
        for kind in _news(old, values):
            tx.changed(organization_id, "isolation", machine_id, kind)
        if now is Drift.RELEASED_OUTSIDE and not same_drift:
            # The driver looks at once, and says so in the containment.
            tx.execute(
                sa.update(containments).where(containments.c.id == live[machine_id].id).values(next_at=clock.now())
            )
    forgotten = (
        isolations.c.isolated.is_(False),
        isolations.c.open_action_id.is_(None),
        isolations.c.since < read_at - _FORGET,
    )
    tx.execute(sa.delete(isolations).where(isolations.c.account_id == account_id, isolations.c.drift == "", *forgotten))
    done = sa.update(reconciliations).where(reconciliations.c.account_id == account_id)
    tx.execute(done.values(read_at=read_at, error=""))


def _news(old: Mapping[Any, Any] | None, values: Mapping[str, Any]) -> list[str]:
    news = [values["state"]] if old is None or old["state"] != values["state"] else []
    if values["drift"] and (old is None or old["drift"] != values["drift"]):
        news.append("drift")
    was_lost = old is not None and old["lost_since"] is not None
    if (values["lost_since"] is not None) != was_lost:
        news.append("lost" if not was_lost else "heard")
    return news


def _ours(tx: Transaction, organization_id: str, seen: Iterable[Seen]) -> set[tuple[str, str]]:
    named = sorted({each.containment_id for each in seen if each.containment_id is not None})
    if not named:
        return set()
    query = sa.select(containments.c.id, containments.c.machine_id).where(
        containments.c.organization_id == organization_id, containments.c.id.in_(named)
    )
    return {(row["id"], row["machine_id"] or "") for row in tx.all(query)}


def _live(tx: Transaction, organization_id: str, machine_ids: Iterable[str]) -> dict[str, Containment]:
    query = sa.select(containments).where(
        containments.c.organization_id == organization_id,
        containments.c.state.not_in(_OVER),
        containments.c.live_key.is_not(None),
        containments.c.machine_id.in_(list(machine_ids)),
    )
    return {row["machine_id"]: Containment.of(row) for row in tx.all(query)}


def _last(tx: Transaction, organization_id: str, machine_ids: Iterable[str]) -> dict[str, Containment]:
    """Return for each machine the containment that held it, or tried to, and ended last."""
    query = sa.select(containments).where(
        containments.c.organization_id == organization_id,
        containments.c.state.in_(_OVER),
        containments.c.submitted_at.is_not(None),
        containments.c.machine_id.in_(list(machine_ids)),
    )
    found = tx.all(query.order_by(containments.c.finished_at, containments.c.id))
    return {row["machine_id"]: Containment.of(row) for row in found}
