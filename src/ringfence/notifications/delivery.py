"""Deliver what is on its way: one message for all that is due for a channel, at least once, and again where it fails.

One worker at a time writes to a channel, by a lease on its row. Links that answer are made when a message is written, so that
none is kept. What was sent and whose settling was lost is sent again, with the same id where it is a mail.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

import sqlalchemy as sa

from ringfence import clock, logs
from ringfence.approvals import service as approvals
from ringfence.errors import NotFound, RingfenceError
from ringfence.notifications import channels as channels_
from ringfence.notifications import links, outbox, sending
from ringfence.notifications.channels import Channel
from ringfence.notifications.events import Event
from ringfence.notifications.outbox import Entry
from ringfence.notifications.sending import Target
from ringfence.notifications.wording import Line, Message, compose
from ringfence.organizations import service as organizations
from ringfence.security.crypto import Vault
from ringfence.security.egress import Network
from ringfence.storage import Database, Transaction
from ringfence.storage.columns import storable
from ringfence.storage.rounds import LONGEST_SLEEP, rounds
from ringfence.storage.tables import channels
from ringfence.storage.tables import outbox as table

log = logs.get(__name__)

LEASE: Final = 120.0
GIVE_UP: Final = timedelta(days=3)
_FIRST_BACKOFF: Final = 30.0
_LONGEST_BACKOFF: Final = 3_600.0
_SHORTEST_SLEEP: Final = 0.05


class Send(Protocol):
    """What sends a message and returns when it was taken; see `sending.send`."""

    def __call__(self, target: Target, message: Message, *, mark: str, allowed: tuple[Network, ...]) -> None: ...


@dataclass(frozen=True, slots=True)
class Sender:
    """What sending needs: the key of secrets, the address of the pages, and which private networks are open."""

    vault: Vault
    address: str
    allowed: tuple[Network, ...] = ()
    send: Send = sending.send


@dataclass(frozen=True, slots=True)
class _Parcel:
    channel: Channel
    target: Target
    message: Message
    entries: tuple[Entry, ...]


class Delivery:
    """Delivers until it is told to stop; any number of workers may."""

    def __init__(self, database: Database, sender: Sender) -> None:
        self._database = database
        self._sender = sender

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set; a change here, or the next due moment, wakes it."""
        await rounds(self._database, stop, self.deliver, nouns=("notification", "channel"), what="notifications")

    async def deliver(self) -> float:
        """Deliver what is due and return after how many seconds to look again."""
        due = await self._database.read(_due)
        await asyncio.gather(*(self._channel(channel_id) for channel_id in due))
        return await self._database.read(_pause)

    async def _channel(self, channel_id: str) -> None:
        if not await self._database.run(lambda tx: _claim(tx, channel_id)):
            return
        error: str | None = None
        parcel: _Parcel | None = None
        try:
            parcel = await self._database.run(lambda tx: self._pack(tx, channel_id))
            if parcel is not None:
                mark = f"{parcel.entries[0].id}.{parcel.entries[0].round}"
                await asyncio.to_thread(
                    self._sender.send, parcel.target, parcel.message, mark=mark, allowed=self._sender.allowed
                )
        except RingfenceError as failure:
            error = str(failure)
            log.warning("notification has to wait", channel=channel_id, error=failure.code)
        except Exception as failure:
            # Whatever a library raises may hold the address; its class is enough.
            log.error("notification_failed", channel=channel_id, error=type(failure).__name__)
            error = f"Internal error ({type(failure).__name__}); see the server's log."
        sent = parcel.entries if parcel is not None else ()
        await self._database.run(lambda tx: _settle(tx, channel_id, sent, error))

    def _pack(self, tx: Transaction, channel_id: str) -> _Parcel | None:
        row = tx.one(sa.select(channels.c.organization_id).where(channels.c.id == channel_id))
        if row is None:
            return None
        channel = channels_.by_name(tx, row["organization_id"], channel_id)
        kept: list[tuple[Entry, Line]] = []
        for entry in outbox.waiting(tx, channel_id):
            line = _line(tx, self._sender, channel, entry)
            if isinstance(line, str):
                _write(tx, [entry], state="dropped", detail=line)
            else:
                kept.append((entry, line))
        if not kept:
            return None
        target = channels_.target(tx, self._sender.vault, channel)
        organization = organizations.get(tx, channel.organization_id).name
        lines = [line for _, line in kept]
        more = f"{self._sender.address}/notifications"
        message = compose(lines, sending.reading(target), organization=organization, more=more)
        return _Parcel(channel, target, message, tuple(entry for entry, _ in kept))


def _line(tx: Transaction, sender: Sender, channel: Channel, entry: Entry) -> Line | str:
    """Return an entry as a line, or why it is not sent: nobody needs it any more, or this person cannot answer."""
    if entry.round == outbox.ESCALATED and entry.taken_by is not None:
        return f"{entry.taken_by} has taken it over."
    if entry.round == outbox.ESCALATED and entry.over_at is not None:
        return "It was over before it was sent."
    if entry.event not in (Event.APPROVAL_ASKED, Event.APPROVAL_ESCALATED):
        found = (("See", f"{sender.address}{entry.path}"),)
        return Line(entry.title, entry.detail, found, entry.round)
    try:
        asked = approvals.get(tx, entry.noun_id, organization_id=entry.organization_id)
    except NotFound:
        return "The question is gone."
    if not asked.open or asked.expires_at <= clock.now():
        return "The question was over before it was sent."
    page = ("See", f"{sender.address}{entry.path}")
    if channel.person is None:
        return Line(entry.title, entry.detail, (page,), entry.round)
    if (refusal := asked.refusal(channel.person)) is not None:
        return refusal
    if links.barred(tx, asked, channel.person):
        return f"The role of {channel.person} does not let them answer."
    yes, no = links.make(tx, sender.vault, asked, channel.person)
    answers = (("Approve", f"{sender.address}/answer?token={yes}"), ("Reject", f"{sender.address}/answer?token={no}"))
    return Line(entry.title, entry.detail, (*answers, page), entry.round)


def _due(tx: Transaction) -> list[str]:
    now = clock.now()
    waits = sa.exists().where(table.c.channel_id == channels.c.id, table.c.state == "waiting", table.c.due_at <= now)
    free = sa.or_(channels.c.lease_until.is_(None), channels.c.lease_until <= now)
    open_ = sa.or_(channels.c.next_at.is_(None), channels.c.next_at <= now)
    return [row["id"] for row in tx.all(sa.select(channels.c.id).where(waits, free, open_).order_by(channels.c.id))]


def _pause(tx: Transaction) -> float:
    first = sa.func.min(table.c.due_at, type_=table.c.due_at.type).label("due_at")
    query = (
        sa.select(channels.c.id, channels.c.next_at, channels.c.lease_until, first)
        .join(table, table.c.channel_id == channels.c.id)
        .where(table.c.state == "waiting")
        .group_by(channels.c.id, channels.c.next_at, channels.c.lease_until)
    )
    moments = [
        max(each for each in (row["due_at"], row["next_at"], row["lease_until"]) if each is not None)
        for row in tx.all(query)
    ]
    if not moments:
        return LONGEST_SLEEP
    left: float = (min(moments) - clock.now()).total_seconds()
    return max(left, _SHORTEST_SLEEP)


def _claim(tx: Transaction, channel_id: str) -> bool:
    now = clock.now()
    free = sa.or_(channels.c.lease_until.is_(None), channels.c.lease_until <= now)
    take = sa.update(channels).where(channels.c.id == channel_id, free)
    return bool(tx.execute(take.values(lease_until=now + timedelta(seconds=LEASE))).rowcount)


def _settle(tx: Transaction, channel_id: str, entries: tuple[Entry, ...], error: str | None) -> None:
    now = clock.now()
    row = tx.one(sa.select(channels).where(channels.c.id == channel_id))
    if row is None:
        return
    values: dict[str, object] = {"lease_until": None}
    if error is not None:
        failures = row["failures"] + 1
        wait = min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2.0 ** min(failures - 1, 10))
        values |= {"failures": failures, "error": storable(error)[: channels_.LONGEST_SAID]}
        values["next_at"] = now + timedelta(seconds=wait)
        late = [each for each in entries if each.created_at < now - GIVE_UP]
        _write(tx, late, state="failed", detail=error)
        _write(tx, [each for each in entries if each not in late], state="waiting", detail=error, attempt=True)
    elif entries:
        values |= {"failures": 0, "error": "", "delivered_at": now}
        values["next_at"] = now + timedelta(seconds=row["pause"])
        _write(tx, list(entries), state="sent", detail="", attempt=True)
    tx.execute(sa.update(channels).where(channels.c.id == channel_id).values(values))
    if entries:
        tx.changed(row["organization_id"], "channel", channel_id, "failing" if error is not None else "delivered")


def _write(tx: Transaction, entries: list[Entry], *, state: str, detail: str, attempt: bool = False) -> None:
    if not entries:
        return
    values: dict[str, object] = {"state": state, "detail": storable(detail)[: channels_.LONGEST_SAID]}
    if attempt:
        values["attempts"] = table.c.attempts + 1
    if state == "sent":
        values["sent_at"] = clock.now()
    ids = [each.id for each in entries]
    tx.execute(sa.update(table).where(table.c.id.in_(ids), table.c.state == "waiting").values(values))


async def try_out(database: Database, sender: Sender, organization_id: str, name: str) -> Channel:
    """Send a message that says it is a test, and keep whether it was taken; raises what sending raises."""

    def look(tx: Transaction) -> tuple[str, Channel, Target]:
        channel = channels_.by_name(tx, organization_id, name)
        return organizations.get(tx, organization_id).name, channel, channels_.target(tx, sender.vault, channel)

    organization, channel, target = await database.read(look)
    page = (("See", f"{sender.address}/notifications"),)
    line = Line(f"A test of the channel {channel.name}", "If you read this, the channel works.", page)
    message = compose([line], sending.reading(target), organization=organization, more="")
    try:
        await asyncio.to_thread(sender.send, target, message, mark=clock.new_id(), allowed=sender.allowed)
    except RingfenceError as problem:
        said = problem.message
        await database.run(lambda tx: channels_.tried(tx, organization_id, channel.id, said))
        raise
    await database.run(lambda tx: channels_.tried(tx, organization_id, channel.id, None))
    return channel
