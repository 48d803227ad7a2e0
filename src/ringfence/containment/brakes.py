"""The rows of brakes: a limit was reached, a person lifts it, it is over. Nothing here decides; `verdict` does.

Each time that a limit is reached is one row and one change `brake`, which notifications follow, however many containments
it refuses before it is over.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.containment.model import State
from ringfence.containment.verdict import CONTAINING, Brake, brake_key
from ringfence.errors import Invalid, NotFound
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import brake_lifts, brakes, containments, organizations, responses

UNUSED = tuple(
    state.value for state in (State.DENIED, State.NOT_NEEDED, State.AWAITING_APPROVAL, State.REJECTED, State.EXPIRED)
)
"""States in which a containment counts against no limit: nothing was decided for it, or nothing but a no."""

_LONGEST_LIFT = 7 * 86_400.0
_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Tripped:
    """One time that a limit was reached; `opens_at` is when it is over by itself, None where only a person ends it.

    `containment_id` is the first containment that it refused, None where it stops responses; `refused` how many in all.
    """

    id: str
    organization_id: str
    limit: str
    subject: str
    detail: str
    containment_id: str | None
    tripped_at: datetime
    refused: int
    refused_at: datetime
    opens_at: datetime | None
    ended_at: datetime | None
    ended_by: str | None
    ended_why: str | None

    @property
    def stops_containing(self) -> bool:
        """Whether it is containing that it stops, and not response actions."""
        return self.limit in CONTAINING

    @property
    def refused_what(self) -> str:
        """What it refuses, in one word for one of them."""
        return "containment" if self.stops_containing else "response"

    @property
    def holds(self) -> bool:
        """Whether it still stops what is asked for."""
        return self.ended_at is None and (self.opens_at is None or self.opens_at > clock.now())


@dataclass(frozen=True, slots=True)
class Lift:
    """That a person lets containments and responses go on in spite of the limits.

    `left` is how many more of both, None for any number.
    """

    lifted_at: datetime
    until: datetime
    more: int | None
    left: int | None
    by: str
    reason: str

    @property
    def sentence(self) -> str:
        """Say it for people."""
        many = "" if self.left is None else f" for {self.left} more"
        return f"{self.by} lifted the limits{many} until {clock.iso(self.until)}: {self.reason}"


def trip(
    tx: Transaction,
    organization_id: str,
    found: Brake,
    *,
    opens_at: datetime | None,
    containment_id: str | None = None,
) -> bool:
    """Count what a limit refused; True if the limit was reached just now, and people are told."""
    now = clock.now()
    open_key = _open_key(organization_id, found.key)
    row = tx.one(sa.select(brakes).where(brakes.c.open_key == open_key))
    if row is not None and _tripped(row).holds:
        values = {"refused": brakes.c.refused + 1, "refused_at": now, "opens_at": opens_at}
        tx.execute(sa.update(brakes).where(brakes.c.id == row["id"]).values(values))
        return False
    if row is not None:
        _end(tx, row, row["opens_at"] or now, None, "The limit was not reached any more.")
    brake_id = clock.new_id()
    made = {
        "id": brake_id,
        "organization_id": organization_id,
        "kind": found.limit.value,
        "subject": storable(found.subject),
        "open_key": open_key,
        "detail": storable(found.sentence),
        "containment_id": containment_id,
        "tripped_at": now,
        "refused": 1,
        "refused_at": now,
        "opens_at": opens_at,
    }
    tx.execute(sa.insert(brakes).values(made))
    said = {"limit": made["kind"], "under": made["subject"], "detail": made["detail"], "opens_at": _said(opens_at)}
    log.write(tx, Event.POLICY_BRAKED, organization_id, brake_id, details=said)
    tx.changed(organization_id, "brake", brake_id, "tripped")
    return True


def settle(tx: Transaction, organization_id: str, reached: Iterable[Brake], looked_at: Iterable[str]) -> None:
    """End the brakes among those that were `looked_at` (keys) whose limits are not reached any more."""
    over = set(looked_at) - {each.key for each in reached}
    for row in tx.all(_open(organization_id)):
        if brake_key(row["kind"], row["subject"]) in over:
            _end(tx, row, clock.now(), None, "The limit was not reached any more.")


def holding(tx: Transaction, organization_id: str) -> tuple[Tripped, ...]:
    """Return the brakes that stop containing now, the newest first."""
    rows = tx.all(_open(organization_id).order_by(brakes.c.tripped_at.desc(), brakes.c.id.desc()))
    return tuple(found for row in rows if (found := _tripped(row)).holds)


def listed(tx: Transaction, organization_id: str, *, limit: int = 50) -> tuple[Tripped, ...]:
    """Return the times that limits were reached, the newest first."""
    query = sa.select(brakes).where(brakes.c.organization_id == organization_id)
    rows = tx.all(query.order_by(brakes.c.tripped_at.desc(), brakes.c.id.desc()).limit(limit))
    return tuple(_tripped(row) for row in rows)


def lift(
    tx: Transaction, organization_id: str, *, seconds: float, by: str, reason: str, more: int | None = None
) -> Lift:
    """Let containments and responses go on in spite of the limits: for so long, and so many more where that is said."""
    reason = storable(reason.strip())[:_LONGEST_REASON]
    if not reason:
        raise Invalid("To lift the brake needs a reason.", advice="Say in a few words why more hosts may be cut off.")
    if not 0 < seconds <= _LONGEST_LIFT:
        raise Invalid("The brake can be lifted for more than 0 s and at most 7 days.")
    if more is not None and not 0 < more <= 1_000_000:
        raise Invalid("So many more must be at least 1.", advice="Leave it out to let any number go on.")
    if tx.one(sa.select(organizations.c.id).where(organizations.c.id == organization_id).with_for_update()) is None:
        raise NotFound("There is no such organization.")
    now = clock.now()
    lift_id = clock.new_id()
    row = {
        "id": lift_id,
        "organization_id": organization_id,
        "lifted_at": now,
        "until": now + timedelta(seconds=seconds),
        "more": more,
        "by": storable(by),
        "reason": reason,
    }
    tx.execute(sa.insert(brake_lifts).values(row))
    said = {"until": _said(now + timedelta(seconds=seconds)), "more": more, "reason": reason}
    log.write(tx, Event.POLICY_BRAKE_LIFTED, organization_id, lift_id, details=said, actor=by)
    for open_row in tx.all(_open(organization_id)):
        _end(tx, open_row, now, by, reason)
    tx.changed(organization_id, "brake", lift_id, "lifted")
    found = lifted(tx, organization_id)
    assert found is not None
    return found


def lifted(tx: Transaction, organization_id: str, *, other_than: str = "") -> Lift | None:
    """Return what a person lifted, while it lasts; the newest counts. `other_than` is what is not to be counted."""
    now = clock.now()
    mine = brake_lifts.c.organization_id == organization_id
    row = tx.one(sa.select(brake_lifts).where(mine).order_by(brake_lifts.c.lifted_at.desc(), brake_lifts.c.id.desc()))
    if row is None or row["until"] <= now:
        return None
    left = None
    if row["more"] is not None:
        since = (
            containments.c.organization_id == organization_id,
            containments.c.id != other_than,
            containments.c.decided_at >= row["lifted_at"],
            containments.c.state.not_in(UNUSED),
        )
        used = tx.scalar(sa.select(sa.func.count()).select_from(containments).where(*since))
        done = (
            responses.c.organization_id == organization_id,
            responses.c.id != other_than,
            responses.c.decided_at >= row["lifted_at"],
            responses.c.state.not_in(UNUSED),
        )
        used += tx.scalar(sa.select(sa.func.count()).select_from(responses).where(*done))
        left = row["more"] - used
        if left <= 0:
            return None
    return Lift(row["lifted_at"], row["until"], row["more"], left, row["by"], row["reason"])


def _said(at: datetime | None) -> str | None:
    return clock.iso(at) if at else None


def _open(organization_id: str) -> sa.Select[Any]:
    return sa.select(brakes).where(brakes.c.organization_id == organization_id, brakes.c.open_key.is_not(None))


def _end(tx: Transaction, row: sa.RowMapping, at: datetime, by: str | None, why: str) -> None:
    values = {"open_key": None, "ended_at": at, "ended_by": by, "ended_why": why}
    tx.execute(sa.update(brakes).where(brakes.c.id == row["id"]).values(values))
    tx.changed(row["organization_id"], "brake", row["id"], "ended")


def _open_key(organization_id: str, key: str) -> str:
    return f"{organization_id}:{key}"


def _tripped(row: sa.RowMapping) -> Tripped:
    names = [name for name in Tripped.__dataclass_fields__ if name != "limit"]
    return Tripped(limit=row["kind"], **{name: row[name] for name in names})
