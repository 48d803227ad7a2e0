"""Send what waits for subscriptions: in the order of its coming, at least once, and again where it fails.

One worker at a time sends to a subscription, by a lease on its row. What fails for days, or is answered 410 Gone, disables the
subscription, and people are told; what waits then is sent once somebody switches it on again.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from datetime import timedelta
from typing import Any, Final, Protocol

import sqlalchemy as sa

from ringfence import clock, logs
from ringfence.audit import log as audit
from ringfence.audit.events import Event as Written
from ringfence.clock import iso
from ringfence.notifications import outbox
from ringfence.notifications.delivery import Sender
from ringfence.notifications.events import Event
from ringfence.notifications.outbox import News
from ringfence.security.egress import Network
from ringfence.storage import Database, Transaction
from ringfence.storage.pump import LONGEST_SLEEP, pump
from ringfence.storage.tables import subscription_messages as messages
from ringfence.storage.tables import subscriptions as table
from ringfence.subscriptions import records, sending
from ringfence.subscriptions.model import GIVE_UP, KEPT, State, Subscription, backoff
from ringfence.subscriptions.sending import GONE, Parcel, Receipt

log = logs.get(__name__)

LEASE: Final = 60.0
MOST_REFUSED: Final = 5
"""So often a message is sent that the other side calls wrong."""
_KEPT_ATTEMPTS: Final = 10
_TIDY: Final = 3_600.0


class Send(Protocol):
    """What sends a message; see `sending.send`."""

    def __call__(self, parcel: Parcel, *, at: float, allowed: tuple[Network, ...]) -> Receipt: ...


class Delivery:
    """Sends until it is told to stop; any number of workers may."""

    def __init__(self, database: Database, sender: Sender, send: Send = sending.send) -> None:
        self._database = database
        self._sender = sender
        self._send = send
        self._tidied = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Send what is due until `stop` is set."""
        await pump(self._database, stop, self.pause, self.take, ("subscription",))

    async def pause(self) -> float:
        """Return after how many seconds something is due."""
        return await self._database.read(_pause)

    async def take(self) -> Iterable[Coroutine[Any, Any, None]]:
        """Take the subscriptions for which something is due, and return what sends it."""
        if clock.timestamp() - self._tidied > _TIDY:
            self._tidied = clock.timestamp()
            await self._database.run(_forget)
        taken = await self._database.run(_claim)
        return [self._one(each) for each in taken]

    async def _one(self, subscription_id: str) -> None:
        parcel: Parcel | None = None
        receipt: Receipt | None = None
        try:
            parcel = await self._database.read(lambda tx: self._pack(tx, subscription_id))
            if parcel is not None:
                now = clock.timestamp()
                receipt = await asyncio.to_thread(self._send, parcel, at=now, allowed=self._sender.allowed)
        except Exception as failure:
            log.error("subscription_failed", subscription=subscription_id, error=type(failure).__name__)
            receipt = Receipt(None, f"Internal error ({type(failure).__name__}); see the server's log.", 0.0)
        work: Callable[[Transaction], None] = lambda tx: _settle(tx, subscription_id, parcel, receipt)  # noqa: E731
        await self._database.run(work)

    def _pack(self, tx: Transaction, subscription_id: str) -> Parcel | None:
        found = records.by_id(tx, subscription_id)
        waiting = (messages.c.subscription_id == subscription_id, messages.c.state == "waiting")
        row = tx.one(sa.select(messages).where(*waiting).order_by(messages.c.created_at, messages.c.id).limit(1))
        if found is None or row is None or found.state is not State.ON:
            return None
        keys = records.keys(tx, self._sender.vault, found)
        return Parcel(records.message_of(row), found.address, keys)


def _due() -> tuple[sa.ColumnElement[bool], ...]:
    waits = sa.exists().where(messages.c.subscription_id == table.c.id, messages.c.state == "waiting")
    return (table.c.state == State.ON.value, waits)


def _pause(tx: Transaction) -> float:
    now = clock.now()
    rows = tx.all(sa.select(table.c.next_at, table.c.lease_until).where(*_due()))
    moments = [max(each["next_at"] or now, each["lease_until"] or now) for each in rows]
    return min((min(moments) - now).total_seconds(), LONGEST_SLEEP) if moments else LONGEST_SLEEP


def _claim(tx: Transaction) -> list[str]:
    now = clock.now()
    free = (
        sa.or_(table.c.lease_until.is_(None), table.c.lease_until <= now),
        sa.or_(table.c.next_at.is_(None), table.c.next_at <= now),
    )
    ids = [row["id"] for row in tx.all(sa.select(table.c.id).where(*_due(), *free).order_by(table.c.id))]
    until = now + timedelta(seconds=LEASE)
    return [
        each
        for each in ids
        if tx.execute(sa.update(table).where(table.c.id == each, *free).values(lease_until=until)).rowcount
    ]


def _settle(tx: Transaction, subscription_id: str, parcel: Parcel | None, receipt: Receipt | None) -> None:
    found = records.by_id(tx, subscription_id)
    if found is None:
        return
    now, values = clock.now(), dict[str, Any]()
    values["lease_until"] = None
    if parcel is not None and receipt is not None:
        attempt = {
            "at": iso(now),
            "status": receipt.status,
            "error": receipt.error,
            "seconds": round(receipt.seconds, 3),
        }
        row = tx.one(sa.select(messages.c.log).where(messages.c.id == parcel.message.id))
        written: dict[str, Any] = {"attempts": messages.c.attempts + 1}
        written["log"] = [*(row["log"] if row is not None else ()), attempt][-_KEPT_ATTEMPTS:]
        if receipt.taken:
            written |= {"state": "delivered", "delivered_at": now}
        elif receipt.refused and parcel.message.attempts + 1 >= MOST_REFUSED:
            # One that nobody will ever take must not hold up the others.
            written["state"] = "failed"
        tx.execute(sa.update(messages).where(messages.c.id == parcel.message.id).values(written))
    if receipt is not None and receipt.taken:
        values |= {"failures": 0, "failing_since": None, "delivered_at": now, "next_at": None, "detail": ""}
    elif receipt is not None:
        failures, since = found.failures + 1, found.failing_since or now
        values |= {"failures": failures, "failing_since": since, "detail": receipt.error}
        values["next_at"] = now + timedelta(seconds=backoff(failures))
        if receipt.status == GONE or now - since >= GIVE_UP:
            values["state"] = State.DISABLED.value
            _disabled(tx, found, receipt)
    tx.execute(sa.update(table).where(table.c.id == subscription_id).values(values))
    if receipt is not None:
        kind = "delivered" if receipt.taken else "failing"
        tx.changed(found.organization_id, "subscription", subscription_id, kind)


def _disabled(tx: Transaction, found: Subscription, receipt: Receipt) -> None:
    said = {"name": found.name, "error": receipt.error}
    audit.write(tx, Written.SUBSCRIPTION_DISABLED, found.organization_id, found.id, details=said)
    news = News(
        Event.SUBSCRIPTION_DISABLED,
        f"{found.id}:{iso(clock.now())}",
        "subscription",
        found.id,
        f"The subscription {found.name} was disabled: nobody took its messages",
        f"{receipt.error} {found.waiting} messages wait. Mend the other side, then switch the subscription on.",
        "/subscriptions",
    )
    outbox.tell(tx, found.organization_id, news)


def _forget(tx: Transaction) -> None:
    """Delete what is long over, and give up what nobody took for as long."""
    old = messages.c.created_at < clock.now() - KEPT
    tx.execute(sa.delete(messages).where(old))
