"""The rows of what is told: a notice once for its key, and one entry for each channel that wants it, in one transaction.

Every function works inside the caller's transaction, best the one that writes the cause.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ringfence import clock
from ringfence.notifications import channels as channels_
from ringfence.notifications.channels import Channel, Quiet
from ringfence.notifications.events import KINDS, Event, next_reminder
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import channels, notices, outbox

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


@dataclass(frozen=True, slots=True)
class Entry:
    """One notice on its way to one channel, or arrived; `round` counts reminders. State: waiting, sent, dropped, failed."""

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


def tell(tx: Transaction, organization_id: str, news: News, *, only: Channel | None = None) -> bool:
    """Note something to tell, once for its key, and put it on its way; returns whether it is new.

    It goes to every channel that wants such events, or to `only`.
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
        "at": now,
        "remind_at": now + next_reminder(0) if KINDS[news.event].stands else None,
    }
    tx.insert_new(notices, [row])
    if tx.one(sa.select(notices.c.id).where(notices.c.id == notice_id)) is None:
        return False
    wanted = [only] if only is not None else channels_.every(tx, organization_id)
    _send(tx, organization_id, notice_id, news.event, 0, [each for each in wanted if only or each.wants(news.event)])
    tx.changed(organization_id, "notification", notice_id, "made")
    return True


def remind(tx: Transaction, notice: sa.RowMapping) -> None:
    """Tell of what still stands once more, and say when the next time is."""
    told = notice["reminders"] + 1
    again = sa.update(notices).where(notices.c.id == notice["id"], notices.c.reminders == notice["reminders"])
    if tx.execute(again.values(reminders=told, remind_at=clock.now() + next_reminder(told))).rowcount:
        event = Event(notice["event"])
        wanted = [each for each in channels_.every(tx, notice["organization_id"]) if each.wants(event)]
        _send(tx, notice["organization_id"], notice["id"], event, told, wanted)


def end(tx: Transaction, notice: sa.RowMapping) -> None:
    """Note that what was told of does not stand any more: nobody is reminded, and if it comes again it is told anew."""
    now = clock.now()
    closed = f"{notice['key']} until {clock.iso(now)}"
    tx.execute(sa.update(notices).where(notices.c.id == notice["id"]).values(remind_at=None, over_at=now, key=closed))


def to_remind(tx: Transaction, *, limit: int = 100) -> list[sa.RowMapping]:
    """Return the notices that are to be looked at again, the longest due first."""
    due = notices.c.remind_at <= clock.now()
    return list(tx.all(sa.select(notices).where(due).order_by(notices.c.remind_at, notices.c.id).limit(limit)))


def standing(tx: Transaction, event: Event, noun_id: str) -> list[sa.RowMapping]:
    """Return the notices about a thing that stand."""
    wanted = (notices.c.event == event.value, notices.c.noun_id == noun_id, notices.c.remind_at.is_not(None))
    return list(tx.all(sa.select(notices).where(*wanted)))


def _send(
    tx: Transaction, organization_id: str, notice_id: str, event: Event, number: int, wanted: list[Channel]
) -> None:
    now = clock.now()
    for channel in wanted:
        quiet = None if KINDS[event].urgent else Quiet.read(channel.quiet)
        row = {
            "id": clock.new_id(),
            "organization_id": organization_id,
            "channel_id": channel.id,
            "notice_id": notice_id,
            "round": number,
            "state": "waiting",
            "due_at": (quiet.until(now) if quiet is not None else None) or now,
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
    )
    .join(notices, notices.c.id == outbox.c.notice_id)
    .join(channels, channels.c.id == outbox.c.channel_id)
)


def listed(tx: Transaction, organization_id: str, *, limit: int = 100) -> list[Entry]:
    """Return what is on its way or was sent, the newest first."""
    query = _ENTRY.where(outbox.c.organization_id == organization_id)
    rows = tx.all(query.order_by(outbox.c.created_at.desc(), outbox.c.id.desc()).limit(limit))
    return [Entry(**row) for row in rows]


def waiting(tx: Transaction, channel_id: str, *, limit: int = 500) -> list[Entry]:
    """Return what is due for a channel, the earliest first."""
    due = (outbox.c.channel_id == channel_id, outbox.c.state == "waiting", outbox.c.due_at <= clock.now())
    return [Entry(**row) for row in tx.all(_ENTRY.where(*due).order_by(outbox.c.created_at, outbox.c.id).limit(limit))]


def forget(tx: Transaction) -> None:
    """Delete what was told long ago and does not stand any more."""
    old = (notices.c.at < clock.now() - _KEPT, notices.c.remind_at.is_(None))
    tx.execute(sa.delete(notices).where(*old))
