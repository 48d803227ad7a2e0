"""What webhooks refused, as rows: why, when, from which address and how large; never the body, and no header.

Of each webhook the newest are kept one by one, bounded in number and in time; the rest is counted, by day and reason. All
functions work inside the caller's transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import webhook_refusal_days, webhook_refusals, webhooks

KEPT: Final = timedelta(days=30)
MOST: Final = 200
"""How many of a webhook are kept one by one."""
_LONGEST_ADDRESS: Final = 100


class Reason(StrEnum):
    """Why a message was refused."""

    UNSIGNED = "unsigned"
    SIGNATURE = "signature"
    NO_SECRET = "no_secret"
    OFF = "off"
    TIMESTAMP = "timestamp"
    OTHER_BODY = "other_body"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    TOO_MANY = "too_many"
    TOO_MANY_TOGETHER = "too_many_together"
    NOT_STORED = "not_stored"


SAID: Final[Mapping[Reason, str]] = {
    Reason.UNSIGNED: "It was not signed: a header is missing, or cannot be read.",
    Reason.SIGNATURE: "Its signature is of no secret that is valid now.",
    Reason.NO_SECRET: "The webhook has no secret that is valid now.",
    Reason.OFF: "It was well signed, but the webhook was switched off.",
    Reason.TIMESTAMP: "It was well signed, but for another time: the sender's clock is wrong, or it was sent again.",
    Reason.OTHER_BODY: "Its id was taken in before, with another body.",
    Reason.TOO_LARGE: "It was larger than what is taken.",
    Reason.TOO_SLOW: "It did not come to its end in time.",
    Reason.TOO_MANY: "Its sender posted too many in a minute.",
    Reason.TOO_MANY_TOGETHER: "All webhooks together took in too many in a minute.",
    Reason.NOT_STORED: "The database could not be used; the sender was told to send it again.",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message that was refused; `address` is where it came from, `size` is in bytes, None where that is not known."""

    id: str
    reason: Reason
    at: datetime
    address: str
    size: int | None

    @property
    def said(self) -> str:
        """The reason in a sentence."""
        return SAID[self.reason]


@dataclass(frozen=True, slots=True)
class RefusedOnDay:
    """How many messages were refused on a day (of UTC) for a reason; `dropped` of them were never kept one by one."""

    day: str
    reason: Reason
    refused: int
    dropped: int


@dataclass(slots=True)
class Refused:
    """What came together of one webhook until it is written: the newest one by one, and counts by day and reason."""

    newest: Sequence[tuple[Reason, datetime, str, int | None]]
    counts: Mapping[tuple[str, Reason], tuple[int, int]]


def write(tx: Transaction, found: Mapping[str, Refused]) -> set[str]:
    """Keep what was refused, by the ids of webhooks; returns those of them that there are."""
    known = sa.select(webhooks.c.id, webhooks.c.organization_id).where(webhooks.c.id.in_([*map(storable, found)]))
    owners = {str(row["id"]): str(row["organization_id"]) for row in tx.all(known)}
    for webhook_id, organization_id in owners.items():
        _write(tx, organization_id, webhook_id, found[webhook_id])
        tx.changed(organization_id, "webhook", webhook_id, "refused")
    return set(owners)


def _write(tx: Transaction, organization_id: str, webhook_id: str, found: Refused) -> None:
    own = {"organization_id": organization_id, "webhook_id": webhook_id}
    rows: list[dict[str, Any]] = [
        {
            **own,
            "id": clock.new_id(),
            "reason": reason.value,
            "at": at,
            "address": storable(address)[:_LONGEST_ADDRESS],
            "size": size,
        }
        for reason, at, address, size in found.newest
    ]
    if rows:
        tx.execute(sa.insert(webhook_refusals), rows)
    days = webhook_refusal_days.c
    for (day, reason), (refused, dropped) in found.counts.items():
        named = {**own, "day": day, "reason": reason.value}
        tx.insert_new(webhook_refusal_days, [{**named, "refused": 0, "dropped": 0}])
        mine = (days.webhook_id == webhook_id, days.day == day, days.reason == reason.value)
        more = {"refused": days.refused + refused, "dropped": days.dropped + dropped}
        tx.execute(sa.update(webhook_refusal_days).where(*mine).values(more))
    kept = webhook_refusals.c
    oldest = sa.select(kept.id).where(kept.webhook_id == webhook_id).order_by(kept.id.desc()).offset(MOST).limit(1)
    last = tx.scalar(oldest)
    if last is not None:
        tx.execute(sa.delete(webhook_refusals).where(kept.webhook_id == webhook_id, kept.id <= last))


def newest(tx: Transaction, webhook_id: str, *, limit: int = MOST) -> list[Refusal]:
    """Return what a webhook refused and is kept one by one, the newest first."""
    kept = webhook_refusals.c
    query = sa.select(kept.id, kept.reason, kept.at, kept.address, kept.size)
    query = query.where(kept.webhook_id == webhook_id, kept.at >= clock.now() - KEPT)
    rows = tx.all(query.order_by(kept.at.desc(), kept.id.desc()).limit(limit))
    return [Refusal(row["id"], Reason(row["reason"]), row["at"], row["address"], row["size"]) for row in rows]


def by_day(tx: Transaction, webhook_id: str) -> list[RefusedOnDay]:
    """Return how many messages a webhook refused on each day, the newest day first, and by reason."""
    days = webhook_refusal_days.c
    query = sa.select(days.day, days.reason, days.refused, days.dropped)
    query = query.where(days.webhook_id == webhook_id, days.day >= _first_day())
    rows = tx.all(query.order_by(days.day.desc(), days.reason))
    return [RefusedOnDay(row["day"], Reason(row["reason"]), row["refused"], row["dropped"]) for row in rows]


def forget(tx: Transaction) -> int:
    """Delete what any webhook refused longer ago than it is kept."""
    old = sa.delete(webhook_refusals).where(webhook_refusals.c.at < clock.now() - KEPT)
    days = sa.delete(webhook_refusal_days).where(webhook_refusal_days.c.day < _first_day())
    return tx.execute(old).rowcount + tx.execute(days).rowcount


def _first_day() -> str:
    return (clock.now() - KEPT).date().isoformat()
