"""The rows of responses, for the driver: take what is due, move it, give it back.

A move checks the fence number that the driver's claim raised, so that a driver that lost its lease cannot write over the one
that took over. While a driver has a row, `next_at` equals `lease_until`; that it differs tells that somebody asked meanwhile.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.approvals.model import State as Answered
from ringfence.approvals.model import Subject
from ringfence.errors import LeaseLost
from ringfence.responses import events
from ringfence.responses.model import Response, State, demand_legal, is_over
from ringfence.responses.service import get
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import approvals, responses

LEASE = 60.0
"""Seconds for which a claimed response is the claiming driver's; each move of it begins them anew."""


def mine(tx: Transaction, response: Response) -> Response:
    """Lock a claimed response and return it as it is now; raise LeaseLost if another driver has it."""
    row = tx.one(sa.select(responses).where(responses.c.id == response.id).with_for_update())
    if row is None or row["fence"] != response.fence:
        raise LeaseLost(f"Response {response.id} is driven by another worker now.")
    return Response.of(row)


def _answered() -> sa.ColumnElement[bool]:
    """Say that the question which a response waits for is over, whoever answered it and by which way."""
    still_open = sa.exists().where(
        approvals.c.subject == Subject.RESPONSE.value,
        approvals.c.subject_id == responses.c.id,
        approvals.c.state == Answered.OPEN.value,
    )
    return sa.and_(responses.c.state == State.AWAITING_APPROVAL.value, ~still_open)


def _ready(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        responses.c.next_at.is_not(None),
        sa.or_(responses.c.next_at <= now, _answered()),
        sa.or_(responses.c.lease_until.is_(None), responses.c.lease_until <= now),
    )


def claim_due(tx: Transaction, *, owner: str, lease: float = LEASE, limit: int = 50) -> list[Response]:
    """Take the responses whose time has come, or whose question is answered, and that nobody drives; undoing first."""
    now = clock.now()
    until = now + timedelta(seconds=lease)
    undoing = sa.case((responses.c.undo_requested_at.is_not(None), 0), else_=1)
    due = tx.all(
        sa.select(responses.c.id)
        .where(*_ready(now))
        .order_by(undoing, responses.c.next_at, responses.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken: list[Response] = []
    for row in due:
        claimed = tx.execute(
            sa.update(responses)
            .where(responses.c.id == row["id"], *_ready(now))
            .values(lease_owner=owner, lease_until=until, next_at=until, fence=responses.c.fence + 1)
        ).rowcount
        if claimed:
            taken.append(get(tx, row["id"]))
    return taken


def next_due(tx: Transaction) -> datetime | None:
    """Return when the next response can be claimed."""
    free = sa.case((_answered(), sa.literal(clock.now(), responses.c.next_at.type)), else_=responses.c.next_at)
    claimable = sa.func.coalesce(responses.c.lease_until, free)
    found = tx.one(
        sa.select(claimable.label("at")).where(responses.c.next_at.is_not(None)).order_by(claimable).limit(1)
    )
    return found["at"] if found else None


# Somebody set next_at while the row was claimed, or the row is not claimed at all.
_ASKED = sa.and_(
    responses.c.next_at.is_not(None),
    sa.or_(responses.c.lease_until.is_(None), responses.c.next_at != responses.c.lease_until),
)


def _unless_asked(moment: datetime | None) -> sa.ColumnElement[datetime]:
    return sa.case((_ASKED, responses.c.next_at), else_=sa.literal(moment, responses.c.next_at.type))


def _lease_anew() -> dict[str, Any]:
    until = clock.now() + timedelta(seconds=LEASE)
    return {"lease_until": until, "next_at": _unless_asked(until)}


def move(
    tx: Transaction,
    response: Response,
    after: State,
    detail: str,
    *,
    facts: Mapping[str, Any] | None = None,
    **columns: Any,
) -> Response:
    """Move a claimed response to another state, with its event; raise LeaseLost if another driver has it now."""
    demand_legal(response.state, after)
    if is_over(response.kind, after):
        columns |= {"live_key": None, "next_at": None, "lease_owner": None, "lease_until": None}
        columns["finished_at"] = clock.now()
    else:
        columns |= _lease_anew()
    detail = storable(detail)
    changed = tx.execute(
        sa.update(responses)
        .where(
            responses.c.id == response.id,
            responses.c.fence == response.fence,
            responses.c.state == response.state.value,
        )
        .values(state=after.value, detail=detail, **columns)
    ).rowcount
    if not changed:
        raise LeaseLost(f"Response {response.id} is driven by another worker now.")
    events.write(tx, response, response.state, after, detail, facts)
    tx.changed(response.organization_id, "response", response.id, after)
    return get(tx, response.id)


def note(tx: Transaction, response: Response, **columns: Any) -> Response:
    """Write facts about a claimed response that are no move; raise LeaseLost if another driver has it now."""
    changed = tx.execute(
        sa.update(responses)
        .where(responses.c.id == response.id, responses.c.fence == response.fence)
        .values(**columns, **_lease_anew())
    ).rowcount
    if not changed:
        raise LeaseLost(f"Response {response.id} is driven by another worker now.")
    return get(tx, response.id)


def rest(tx: Transaction, response: Response, *, until: datetime | None, detail: str | None = None) -> None:
    """Give a claimed response back, to be looked at again at `until`, or sooner if somebody asked meanwhile."""
    values: dict[str, Any] = {"lease_owner": None, "lease_until": None, "next_at": _unless_asked(until)}
    if detail is not None:
        values["detail"] = storable(detail)
    changed = tx.execute(
        sa.update(responses).where(responses.c.id == response.id, responses.c.fence == response.fence).values(**values)
    ).rowcount
    if changed and detail is not None and detail != response.detail:
        tx.changed(response.organization_id, "response", response.id, "detail")
