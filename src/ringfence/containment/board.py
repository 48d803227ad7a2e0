"""The containment board: what was decided, what Defender confirmed, who holds the host and for how long. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.containment import holders
from ringfence.containment.holders import Holder
from ringfence.containment.model import FINAL, HELD, State
from ringfence.errors import Invalid, NotFound
from ringfence.storage import Transaction, searching
from ringfence.storage.columns import not_by
from ringfence.storage.tables import accounts, containment_events, containment_holds, containments, playbooks, runs

MOST = 500
_LED = 2_000
_OVER = tuple(state.value for state in FINAL)
_LIVE = tuple(state.value for state in State if state not in FINAL)
_ATTENTION = (State.RELEASE_FAILED.value, State.FAILED.value, State.TIMED_OUT.value)


class Desired(StrEnum):
    """What we want of the host."""

    ISOLATED = "isolated"
    FREE = "free"


class Observed(StrEnum):
    """What Defender said of the host last, as far as this containment knows."""

    ISOLATED = "isolated"
    RELEASED = "released"
    UNCONFIRMED = "unconfirmed"
    NOT_ISOLATED = "not isolated by us"


@dataclass(frozen=True, slots=True)
class Row:
    """One containment on the board."""

    id: str
    organization_id: str
    account_id: str
    account_name: str
    joined_id: str | None
    target: str
    machine_id: str | None
    machine_name: str | None
    isolation_type: str
    reason: str
    requested_by: str
    run_id: str | None
    alert_id: str | None
    state: State
    detail: str
    isolate_action_id: str | None
    release_action_id: str | None
    deadline_at: datetime
    auto_release_after: float | None
    auto_release_at: datetime | None
    warned_at: datetime | None
    requested_at: datetime
    decided_at: datetime | None
    submitted_at: datetime | None
    accepted_at: datetime | None
    confirmed_at: datetime | None
    release_requested_at: datetime | None
    release_submitted_at: datetime | None
    released_at: datetime | None
    finished_at: datetime | None

    @property
    def name(self) -> str:
        """The host as people call it: its DNS name where known, else what was asked for."""
        return self.machine_name or self.target

    @property
    def live(self) -> bool:
        """Whether something may still happen."""
        return self.state not in FINAL

    @property
    def held(self) -> bool:
        """Whether Defender confirmed the isolation and no release is confirmed."""
        return self.state in HELD

    @property
    def releasable(self) -> bool:
        """Whether a person can ask for the release now."""
        return self.state in (State.CONTAINED, State.RELEASE_FAILED)

    @property
    def desired(self) -> Desired:
        """What we want of the host in this state."""
        wanted = (
            State.REQUESTED,
            State.AWAITING_APPROVAL,
            State.APPROVED,
            State.SUBMITTING,
            State.PENDING,
            State.CONTAINED,
        )
        return Desired.ISOLATED if self.state in wanted else Desired.FREE

    @property
    def observed(self) -> Observed:
        """What Defender confirmed; a request that is on its way confirms nothing."""
        if self.released_at is not None or self.state is State.SUPERSEDED:
            return Observed.RELEASED
        if self.confirmed_at is not None:
            return Observed.ISOLATED
        return Observed.UNCONFIRMED if self.submitted_at is not None else Observed.NOT_ISOLATED


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, newest first, and the cursor of the next page where there is one."""

    rows: tuple[Row, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What policy said (`allowed`, `ask`, `denied` or `not_needed`), with the facts that it saw."""

    outcome: str
    allowed: bool
    reasons: tuple[str, ...]
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """One transition, and how long after the one before it."""

    at: datetime
    before: str | None
    after: str
    detail: str
    facts: Any
    since: timedelta | None


@dataclass(frozen=True, slots=True)
class Hold:
    """Somebody who wants the host held: `by` says who is behind the key `holder`."""

    holder: str
    reason: str
    held_at: datetime
    let_go_at: datetime | None
    by: Holder


@dataclass(frozen=True, slots=True)
class Clocks:
    """How long each part took; None until both of its ends are known."""

    decide: timedelta | None
    submit: timedelta | None
    accept: timedelta | None
    confirm: timedelta | None
    contain: timedelta | None
    held: timedelta | None
    release: timedelta | None


@dataclass(frozen=True, slots=True)
class Detail:
    """One containment with its proof."""

    row: Row
    playbook_name: str | None
    verdict: Verdict | None
    events: tuple[Event, ...]
    holds: tuple[Hold, ...]
    clocks: Clocks


@dataclass(frozen=True, slots=True)
class Counts:
    """How many containments stand where."""

    live: int
    contained: int
    moving: int
    attention: int


_COLUMNS = [
    *(containments.c[name] for name in Row.__dataclass_fields__ if name in containments.c),
    accounts.c.name.label("account_name"),
]


def _select(organization_id: str, *, led: bool = False) -> sa.Select[Any]:
    """Return the query of rows; `led`: something else leads to them, and further than the organization's indexes would."""
    joined = containments.join(accounts, accounts.c.id == containments.c.account_id)
    of = not_by(containments.c.organization_id) if led else containments.c.organization_id
    return sa.select(*_COLUMNS).select_from(joined).where(of == organization_id)


def _row(row: Mapping[Any, Any]) -> Row:
    return Row(**{**row, "state": State(row["state"])})


def listing(
    tx: Transaction,
    organization_id: str,
    *,
    live: bool | None = None,
    text: str = "",
    alert_id: str | None = None,
    run_id: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page:
    """Return containments, newest first; `live` True leaves out the finished ones, False the others.

    `text` is part of a host's name, id, reason or requester; `cursor` is what the page before called `next`.
    """
    limit = max(1, min(limit, MOST))
    few = searching.few(tx, searching.CONTAINMENTS, organization_id, text, limit=_LED) if text else None
    led = few is not None or alert_id is not None or run_id is not None
    query = _select(organization_id, led=led)
    if live is not None:
        query = query.where(containments.c.state.in_(_LIVE) if live else containments.c.state.in_(_OVER))
    if text:
        query = query.where(searching.CONTAINMENTS.holds(text))
    if few is not None:
        query = query.where(containments.c.id.in_(few))
    if alert_id is not None:
        query = query.where(containments.c.alert_id == alert_id)
    if run_id is not None:
        query = query.where(containments.c.run_id == run_id)
    key = sa.tuple_(containments.c.requested_at, containments.c.id)
    if cursor is not None:
        last = tx.one(
            sa.select(containments.c.requested_at, containments.c.id).where(
                containments.c.id == cursor, containments.c.organization_id == organization_id
            )
        )
        if last is None:
            raise Invalid("The cursor names no containment.", advice="Start again without a cursor.")
        query = query.where(
            key < sa.tuple_(sa.literal(last["requested_at"], containments.c.requested_at.type), last["id"])
        )
    # Those that are live are few, wherever they stand among the others.
    at = not_by(containments.c.requested_at) if led or live else containments.c.requested_at
    found = tx.all(query.order_by(at.desc(), containments.c.id.desc()).limit(limit + 1))
    rows = tuple(_row(row) for row in found[:limit])
    return Page(rows, rows[-1].id if len(found) > limit else None)


def get(tx: Transaction, organization_id: str, containment_id: str) -> Detail:
    """Return one containment with verdict, events, holds and clocks; raise NotFound where this organization has none."""
    found = tx.one(_select(organization_id).where(containments.c.id == containment_id))
    if found is None:
        raise NotFound("There is no such containment.", advice="Look for it on the containment board.")
    row = _row(found)
    verdict = tx.scalar(sa.select(containments.c.verdict).where(containments.c.id == row.id))
    name = tx.scalar(
        sa.select(playbooks.c.name).join(runs, runs.c.playbook_id == playbooks.c.id).where(runs.c.id == row.run_id)
    )
    holds = tx.all(
        sa.select(
            containment_holds.c.holder,
            containment_holds.c.reason,
            containment_holds.c.held_at,
            containment_holds.c.let_go_at,
        )
        .where(containment_holds.c.containment_id == row.id)
        .order_by(containment_holds.c.held_at, containment_holds.c.holder)
    )
    behind = holders.found(tx, organization_id, [hold["holder"] for hold in holds])
    return Detail(
        row=row,
        playbook_name=name,
        verdict=None if verdict is None else _verdict(verdict),
        events=_events(tx, row.id),
        holds=tuple(Hold(**hold, by=behind[hold["holder"]]) for hold in holds),
        clocks=clocks(row),
    )


def _verdict(document: Mapping[str, Any]) -> Verdict:
    allowed = document.get("allowed") is True
    return Verdict(
        outcome=str(document.get("outcome") or ("allowed" if allowed else "denied")),
        allowed=allowed,
        reasons=tuple(str(reason) for reason in document.get("reasons") or ()),
        facts=document.get("facts") or {},
    )


def _events(tx: Transaction, containment_id: str) -> tuple[Event, ...]:
    found = tx.all(
        sa.select(containment_events)
        .where(containment_events.c.containment_id == containment_id)
        .order_by(containment_events.c.id)
    )
    events: list[Event] = []
    for row in found:
        since = row["at"] - events[-1].at if events else None
        events.append(
            Event(
                at=row["at"],
                before=row["before"],
                after=row["after"],
                detail=row["detail"],
                facts=row["facts"],
                since=since,
            )
        )
    return tuple(events)


def clocks(row: Row) -> Clocks:
    """Return how long each part of a containment took; `held` runs on while the host is isolated."""

    def between(start: datetime | None, end: datetime | None) -> timedelta | None:
        return None if start is None or end is None else end - start

    held_until = row.released_at or (clock.now() if row.held else row.finished_at)
    return Clocks(
        decide=between(row.requested_at, row.decided_at),
        submit=between(row.decided_at, row.submitted_at),
        accept=between(row.submitted_at, row.accepted_at),
        confirm=between(row.accepted_at, row.confirmed_at),
        contain=between(row.requested_at, row.confirmed_at),
        held=between(row.confirmed_at, held_until),
        release=between(row.release_requested_at, row.released_at),
    )


def counts(tx: Transaction, organization_id: str) -> Counts:
    """Return how many containments are live, hold a host, are on their way, or failed in the last day."""
    recent = clock.now() - timedelta(days=1)
    by_state: dict[State, int] = {}
    # Two questions, each of which an index answers alone.
    for narrowed in (
        containments.c.state.in_(_LIVE),
        sa.and_(containments.c.state.in_(_OVER), containments.c.requested_at > recent),
    ):
        query = sa.select(containments.c.state, sa.func.count().label("number"))
        mine = containments.c.organization_id == organization_id
        found = tx.all(query.where(mine, narrowed).group_by(containments.c.state))
        by_state |= {State(row["state"]): int(row["number"]) for row in found}
    live = sum(number for state, number in by_state.items() if state not in FINAL)
    contained = sum(by_state.get(state, 0) for state in HELD)
    return Counts(
        live=live,
        contained=contained,
        moving=live - contained,
        attention=sum(by_state.get(State(state), 0) for state in _ATTENTION),
    )
