"""The rows of what is told: a notice once for its key, and one entry for each channel that wants it, in one transaction.

Every function works inside the caller's transaction, best the one that writes the cause.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event as Audited
from ringfence.errors import NotFound
from ringfence.notifications import channels as channels_
from ringfence.notifications import rulebook
from ringfence.notifications.channels import Channel
from ringfence.notifications.events import KINDS, Event, next_reminder
from ringfence.notifications.routing import Delivery, Told, held, route
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import channels, notices, outbox

ESCALATED: Final = -1
_LONGEST = 600
_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class News:
    """Something to tell; `key` is told once in an organization, `path` is the page that shows it."""

    event: Event
    key: str
    noun: str
    noun_id: str
    title: str
    detail: str
    path: str
    severity: str = ""
    device_group: str = ""


class Wait(StrEnum):
    """What something to tell waits for."""

    QUIET = "quiet_hours"
    ESCALATION = "escalation"
    RETRY = "retry"
    PAUSE = "pause"

    @property
    def about(self) -> str:
        """It in words."""
        return _WAITS[self]


_WAITS: Final = {
    Wait.QUIET: "quiet hours",
    Wait.ESCALATION: "until then somebody may take it over",
    Wait.RETRY: "then it is tried again",
    Wait.PAUSE: "with what comes until then",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One notice on its way to one channel, or arrived. State: waiting, sent, dropped, failed.

    `round` counts reminders, and is -1 where others are told because nobody has taken it over. `open` says that it still
    stands, or is urgent, and that nobody has. While it waits, `next_at` is when it goes at the earliest, and `waits_for` says
    why not now, None if it may.
    """

    id: str
    organization_id: str
    channel: str
    notice_id: str
    event: str
    noun: str
    noun_id: str
    title: str
    detail: str
    path: str
    round: int
    state: str
    said: str
    attempts: int
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    taken_by: str | None
    over_at: datetime | None
    next_at: datetime | None
    waits_for: Wait | None

    @property
    def open(self) -> bool:
        """Whether it waits for somebody to take it over."""
        kind = KINDS[Event(self.event)]
        return self.taken_by is None and self.over_at is None and (kind.urgent or kind.stands)


def tell(
    tx: Transaction, organization_id: str, news: News, *, only: Channel | None = None, addresses: Sequence[str] = ()
) -> bool:
    """Note something to tell, once for its key, and put it on its way; returns whether it is new.

    It goes where the channels' lists and the rules say, and to `addresses`; or to `only`.
    """
    now, notice_id = clock.now(), clock.new_id()
    row = {
        "id": notice_id,
        "organization_id": organization_id,
        "key": storable(f"{news.event}:{news.key}"),
        "event": news.event.value,
        "noun": news.noun,
        "noun_id": news.noun_id,
        "title": storable(news.title)[:_LONGEST],
        "detail": storable(news.detail)[:_LONGEST],
        "path": storable(news.path),
        "severity": storable(news.severity),
        "device_group": storable(news.device_group),
        "at": now,
        "remind_at": now + next_reminder(0) if KINDS[news.event].stands else None,
    }
    tx.insert_new(notices, [row])
    if tx.one(sa.select(notices.c.id).where(notices.c.id == notice_id)) is None:
        return False
    told = Told(news.event, now, news.severity, news.device_group)
    if only is not None:
        deliveries = [Delivery(only, "", held(only.quiet, told))]
    else:
        deliveries = _deliveries(tx, organization_id, told, addresses)
    _send(tx, organization_id, notice_id, 0, deliveries)
    tx.changed(organization_id, "notification", notice_id, "made")
    return True


def remind(tx: Transaction, notice: sa.RowMapping, *, addresses: Sequence[str] = ()) -> None:
    """Tell of what still stands once more, and say when the next time is; nobody is told of what somebody has taken over."""
    told = notice["reminders"] + 1
    again = sa.update(notices).where(notices.c.id == notice["id"], notices.c.reminders == notice["reminders"])
    if tx.execute(again.values(reminders=told, remind_at=clock.now() + next_reminder(told))).rowcount:
        if notice["taken_by"] is not None:
            return
        again_told = Told(Event(notice["event"]), clock.now(), notice["severity"], notice["device_group"])
        found = _deliveries(tx, notice["organization_id"], again_told, addresses)
        _send(tx, notice["organization_id"], notice["id"], told, [each for each in found if not each.escalated])


def take(tx: Transaction, organization_id: str, notice_id: str, *, by: str) -> None:
    """Note that somebody has taken a notice over: nobody is reminded of it, and nobody else is called. NotFound if none is."""
    mine = (notices.c.id == notice_id, notices.c.organization_id == organization_id)
    row = tx.one(sa.select(notices).where(*mine))
    if row is None:
        raise NotFound("There is no such notification.", advice="Look at the list: `ringfence notification list`.")
    if row["taken_by"] is not None:
        return
    tx.execute(sa.update(notices).where(*mine).values(taken_by=storable(by), taken_at=clock.now()))
    said = {"name": row["title"], "event": row["event"]}
    log.write(tx, Audited.NOTIFICATION_TAKEN, organization_id, notice_id, details=said, actor=by)
    tx.changed(organization_id, "notification", notice_id, "taken")


def end(tx: Transaction, notice: sa.RowMapping) -> None:
    """Note that what was told of does not stand any more: nobody is reminded, and if it comes again it is told anew."""
    now = clock.now()
    closed = f"{notice['key']} until {clock.iso(now)}"
    tx.execute(sa.update(notices).where(notices.c.id == notice["id"]).values(remind_at=None, over_at=now, key=closed))


def hold_anew(tx: Transaction, channel: Channel) -> None:
    """Let what waits for a channel go when the quiet hours that count now let it, as if it had been told under them."""
    mine = (outbox.c.channel_id == channel.id, outbox.c.state == "waiting", outbox.c["round"] != ESCALATED)
    columns = (outbox.c.id, outbox.c.created_at, notices.c.event, notices.c.severity, notices.c.device_group)
    waiting_ = tx.all(sa.select(*columns).join(notices, notices.c.id == outbox.c.notice_id).where(*mine))
    book = rulebook.book(tx, channel.organization_id)
    for row in waiting_:
        told = Told(Event(row["event"]), row["created_at"], row["severity"], row["device_group"])
        # A playbook's message goes by its channel alone, whatever the rules say.
        routed = [] if told.event is Event.MESSAGE else route(book, told)
        found = [each.due_at for each in routed if each.to == channel.name and not each.escalated]
        due = found[0] if found else held(channel.quiet, told)
        tx.execute(sa.update(outbox).where(outbox.c.id == row["id"]).values(due_at=due))


def to_remind(tx: Transaction, *, limit: int = 100) -> list[sa.RowMapping]:
    """Return the notices that are to be looked at again, the longest due first."""
    due = notices.c.remind_at <= clock.now()
    return list(tx.all(sa.select(notices).where(due).order_by(notices.c.remind_at, notices.c.id).limit(limit)))


def standing(tx: Transaction, event: Event, noun_id: str | None = None) -> list[sa.RowMapping]:
    """Return the notices about a thing, or about any, that stand."""
    query = sa.select(notices).where(notices.c.event == event.value, notices.c.remind_at.is_not(None))
    return list(tx.all(query if noun_id is None else query.where(notices.c.noun_id == noun_id)))


def told_about(tx: Transaction, event: Event, noun_id: str) -> list[sa.RowMapping]:
    """Return the notices about a thing that nobody has said to be over, also those that are told only once."""
    mine = (notices.c.event == event.value, notices.c.noun_id == noun_id, notices.c.over_at.is_(None))
    return list(tx.all(sa.select(notices).where(*mine)))


def _deliveries(tx: Transaction, organization_id: str, told: Told, addresses: Sequence[str]) -> list[Delivery]:
    found = route(rulebook.book(tx, organization_id), told)
    reached = {each.channel.shown if each.channel else each.address for each in found if not each.escalated}
    return [*found, *(Delivery(None, each, told.at) for each in addresses if each not in reached)]


def _send(tx: Transaction, organization_id: str, notice_id: str, number: int, deliveries: Sequence[Delivery]) -> None:
    now = clock.now()
    for each in deliveries:
        channel = each.channel or channels_.for_address(tx, organization_id, each.address)
        row = {
            "id": clock.new_id(),
            "organization_id": organization_id,
            "channel_id": channel.id,
            "notice_id": notice_id,
            "round": ESCALATED if each.escalated else number,
            "state": "waiting",
            "due_at": each.due_at,
            "created_at": now,
        }
        tx.insert_new(outbox, [row])


_ENTRY = (
    sa.select(
        outbox.c.id,
        outbox.c.organization_id,
        channels.c.name.label("channel"),
        outbox.c.notice_id,
        notices.c.event,
        notices.c.noun,
        notices.c.noun_id,
        notices.c.title,
        notices.c.detail,
        notices.c.path,
        outbox.c["round"],
        outbox.c.state,
        outbox.c.detail.label("said"),
        outbox.c.attempts,
        outbox.c.created_at,
        outbox.c.due_at,
        outbox.c.sent_at,
        notices.c.taken_by,
        notices.c.over_at,
        channels.c.next_at.label("free_at"),
        channels.c.failures,
    )
    .join(notices, notices.c.id == outbox.c.notice_id)
    .join(channels, channels.c.id == outbox.c.channel_id)
)


def listed(tx: Transaction, organization_id: str, *, limit: int = 100) -> list[Entry]:
    """Return what is on its way or was sent, the newest first."""
    query = _ENTRY.where(outbox.c.organization_id == organization_id)
    rows = tx.all(query.order_by(outbox.c.created_at.desc(), outbox.c.id.desc()).limit(limit))
    return [_entry(row) for row in rows]


def waiting(tx: Transaction, channel_id: str, *, limit: int = 500) -> list[Entry]:
    """Return what is due for a channel, the earliest first."""
    due = (outbox.c.channel_id == channel_id, outbox.c.state == "waiting", outbox.c.due_at <= clock.now())
    return [_entry(row) for row in tx.all(_ENTRY.where(*due).order_by(outbox.c.created_at, outbox.c.id).limit(limit))]


def _entry(row: sa.RowMapping) -> Entry:
    values = dict(row)
    free_at, failures = values.pop("free_at"), values.pop("failures")
    if row["state"] != "waiting":
        return Entry(**values, next_at=None, waits_for=None)
    next_at = max(row["due_at"], free_at) if free_at is not None else row["due_at"]
    why: Wait | None = None
    if next_at > clock.now():
        if next_at == row["due_at"]:
            why = Wait.ESCALATION if row["round"] == ESCALATED else Wait.QUIET
        else:
            why = Wait.RETRY if failures else Wait.PAUSE
    return Entry(**values, next_at=next_at, waits_for=why)


def forget(tx: Transaction) -> None:
    """Delete what was told long ago and does not stand any more."""
    old = (notices.c.at < clock.now() - _KEPT, notices.c.remind_at.is_(None))
    tx.execute(sa.delete(notices).where(*old))
