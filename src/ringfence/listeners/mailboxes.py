"""The mailboxes of an organization and what came to them. All functions work inside the caller's transaction."""

from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.listeners.starting import Outcome, outcome
from ringfence.playbooks.triggers import MailboxTrigger
from ringfence.security.crypto import Vault
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import mailbox_messages, mailboxes
from ringfence.triggers import mailbox as trigger
from ringfence.triggers.listening import Listening

LONGEST_NAME: Final = 100
_MOST_SHOWN: Final = 300


class Tls(StrEnum):
    """How the connection is secured, which it always is. implicit: from its first byte; starttls: before anybody signs in."""

    IMPLICIT = "implicit"
    STARTTLS = "starttls"


class Afterwards(StrEnum):
    """What becomes of a mail once its runs are requested."""

    SEEN = "seen"
    MOVE = "move"
    KEEP = "keep"


class MailboxState(StrEnum):
    """How the mailbox stands: not tried yet, followed, or failing with a reason."""

    NEW = "new"
    FOLLOWED = "followed"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class NewMailbox:
    """What is needed to connect a mailbox; `ca` are certificates in PEM to trust instead of the system's."""

    name: str
    host: str
    port: int
    tls: Tls
    username: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    afterwards: Afterwards = Afterwards.SEEN
    move_to: str | None = None
    ca: str | None = None


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A connected mailbox; `last_uid` is the newest mail that was dealt with, under the numbering `uid_validity`."""

    id: str
    organization_id: str
    name: str
    host: str
    port: int
    tls: Tls
    ca: str | None = field(repr=False)
    username: str
    password_sealed: str = field(repr=False)
    folder: str
    afterwards: Afterwards
    move_to: str | None
    state: MailboxState
    state_reason: str
    created_at: datetime
    updated_at: datetime
    uid_validity: int | None
    last_uid: int | None
    read_at: datetime | None

    @classmethod
    def of(cls, row: sa.RowMapping) -> "Mailbox":
        """Read a row."""
        words = {
            "tls": Tls(row["tls"]),
            "afterwards": Afterwards(row["afterwards"]),
            "state": MailboxState(row["state"]),
        }
        return cls(**{**row, **words})


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as the server gave it: its number, its beginning, and the size of the whole."""

    uid: int
    raw: bytes = field(repr=False)
    size: int


@dataclass(frozen=True, slots=True)
class Seen:
    """A mail that was dealt with, and what it meant for each playbook that listened."""

    id: str
    uid: int
    message_id: str
    sender: str
    subject: str
    size: int
    seen_at: datetime
    outcomes: tuple[Outcome, ...]


def check(new: NewMailbox) -> None:
    """Raise Invalid, with a sentence for each mistake, where a mailbox cannot be connected as it is described."""
    problems = []
    if not new.name.strip() or len(new.name) > LONGEST_NAME or not new.name.isprintable():
        problems.append(f"The name has 1 to {LONGEST_NAME} characters that can be seen.")
    if not new.host.strip() or len(new.host) > 253 or not new.host.isprintable() or " " in new.host:
        problems.append("The host is a DNS name or an IP address.")
    if not 1 <= new.port <= 65_535:
        problems.append("The port is a number from 1 to 65535.")
    if (new.afterwards is Afterwards.MOVE) != (new.move_to is not None):
        problems.append("A folder to move mails to goes with `move`, and only with it.")
    for word, value in (("user name", new.username), ("password", new.password), ("folder", new.folder)):
        if not value or len(value) > 1_000 or any(each in value for each in "\r\n\0"):
            problems.append(f"The {word} is empty, too long, or has characters that no mail server takes.")
    if problems:
        raise Invalid(
            "The mailbox cannot be connected.", advice="Correct what `problems` says.", problems=tuple(problems)
        )


def add(
    tx: Transaction, vault: Vault, organization_id: str, new: NewMailbox, *, uid_validity: int, last_uid: int
) -> Mailbox:
    """Store a mailbox that was reached just now; mails up to `last_uid` start nothing. Conflict if the name is taken."""
    check(new)
    mailbox_id, now = clock.new_id(), clock.now()
    row: dict[str, Any] = {
        "id": mailbox_id,
        "organization_id": organization_id,
        "name": new.name.strip(),
        "host": new.host.strip(),
        "port": new.port,
        "tls": new.tls.value,
        "ca": new.ca,
        "username": new.username,
        "password_sealed": vault.seal(organization_id, purpose(mailbox_id), new.password),
        "folder": new.folder,
        "afterwards": new.afterwards.value,
        "move_to": new.move_to,
        "state": MailboxState.NEW.value,
        "state_reason": "",
        "created_at": now,
        "updated_at": now,
        "uid_validity": uid_validity,
        "last_uid": last_uid,
        "read_at": None,
    }
    tx.insert_new(mailboxes, [row])
    made = by_name(tx, organization_id, new.name.strip())
    if made.id != mailbox_id:
        raise Conflict(
            f"There already is a mailbox named {made.name!r}.", advice="Choose another name, or remove it first."
        )
    tx.changed(organization_id, "mailbox", mailbox_id, "created")
    said = {"name": made.name, "host": made.host, "folder": made.folder}
    log.write(tx, Event.MAILBOX_ADDED, organization_id, mailbox_id, details=said)
    return made


def purpose(mailbox_id: str) -> str:
    """Return for what a mailbox's password is sealed."""
    return f"mailbox-password:{mailbox_id}"


def remove(tx: Transaction, organization_id: str, name: str) -> Mailbox:
    """Remove a mailbox with its password and what came; runs that it started stay."""
    found = by_name(tx, organization_id, name)
    tx.execute(sa.delete(mailboxes).where(mailboxes.c.id == found.id))
    tx.changed(organization_id, "mailbox", found.id, "removed")
    log.write(tx, Event.MAILBOX_REMOVED, organization_id, found.id, details={"name": found.name})
    return found


def every(tx: Transaction, organization_id: str | None = None) -> list[Mailbox]:
    """Return the mailboxes of an organization, or of all, in the order of their names."""
    query = sa.select(mailboxes).order_by(mailboxes.c.name, mailboxes.c.id)
    if organization_id is not None:
        query = query.where(mailboxes.c.organization_id == organization_id)
    return [Mailbox.of(row) for row in tx.all(query)]


def by_name(tx: Transaction, organization_id: str, name: str) -> Mailbox:
    """Return a mailbox by its name or id; NotFound, with the names that there are, if there is none."""
    known = every(tx, organization_id)
    for each in known:
        if name in (each.name, each.id):
            return each
    near = get_close_matches(name, [each.name for each in known], 1)
    names = ", ".join(each.name for each in known)
    connect = "Connect it: `ringfence mailbox add`."
    advice = f"Did you mean {near[0]!r}?" if near else f"There are: {names}." if names else connect
    raise NotFound(f"There is no mailbox named {name[:100]!r}.", advice=advice)


def by_id(tx: Transaction, mailbox_id: str) -> Mailbox | None:
    """Return a mailbox of any organization by its id, None if it was removed."""
    row = tx.one(sa.select(mailboxes).where(mailboxes.c.id == mailbox_id))
    return None if row is None else Mailbox.of(row)


def set_state(tx: Transaction, mailbox_id: str, state: MailboxState, reason: str = "") -> None:
    """Say how a mailbox stands; what has not changed is not written."""
    reason = storable(reason)[:_MOST_SHOWN]
    columns = mailboxes.c
    other = sa.or_(columns.state != state, columns.state_reason != reason)
    values = {"state": state.value, "state_reason": reason, "updated_at": clock.now()}
    found = by_id(tx, mailbox_id)
    if tx.execute(sa.update(mailboxes).where(columns.id == mailbox_id, other).values(values)).rowcount and found:
        tx.changed(found.organization_id, "mailbox", mailbox_id, state)


def renumbered(tx: Transaction, mailbox_id: str, uid_validity: int) -> None:
    """Begin anew where the server numbers its mails anew: those that are known are told by what is in them."""
    values = {"uid_validity": uid_validity, "last_uid": 0}
    renumber = sa.update(mailboxes).where(mailboxes.c.id == mailbox_id, mailboxes.c.uid_validity != uid_validity)
    tx.execute(renumber.values(values))


def take(tx: Transaction, listening: Listening, mailbox: Mailbox, uid_validity: int, mail: Mail) -> tuple[Outcome, ...]:
    """Store a mail and request the runs that it starts, once whoever reads the mailbox; move the cursor past it."""
    locked = tx.one(sa.select(mailboxes).where(mailboxes.c.id == mailbox.id).with_for_update(key_share=True))
    if locked is None:
        return ()
    now, messages = clock.now(), mailbox_messages.c
    seen = trigger.document(mailbox.name, mail.raw, mail.size)
    shown = seen["message"]
    assert isinstance(shown, dict)
    sender = shown["from"][0] if isinstance(shown["from"], list) and shown["from"] else {}
    mark, row_id = trigger.fingerprint(mail.raw), clock.new_id()
    known = tx.one(
        sa.select(messages.id).where(
            messages.mailbox_id == mailbox.id, messages.fingerprint == mark, messages.uid_validity != uid_validity
        )
    )
    row = {
        "id": row_id,
        "mailbox_id": mailbox.id,
        "uid_validity": uid_validity,
        "uid": mail.uid,
        "message_id": _shown(shown["message_id"]),
        "fingerprint": mark,
        "sender": _shown(sender.get("address") if isinstance(sender, dict) else ""),
        "subject": _shown(shown["subject"]),
        "size": mail.size,
        "seen_at": now,
        "outcomes": [],
        "settled": mailbox.afterwards is Afterwards.KEEP,
    }
    tx.insert_new(mailbox_messages, [row])
    found: tuple[Outcome, ...] = ()
    if tx.one(sa.select(messages.id).where(messages.id == row_id)) is not None and known is None:
        cause = f"mailbox:{mailbox.id}:{uid_validity}:{mail.uid}"
        found = tuple(
            outcome(tx, each, trigger.match(each.trigger, seen), cause, seen, each.trigger.account)
            for each in listening.of(tx, mailbox.organization_id, MailboxTrigger)
            if each.trigger.mailbox == mailbox.name
        )
        stored = [each.to_json() for each in found]
        tx.execute(sa.update(mailbox_messages).where(messages.id == row_id).values(outcomes=stored))
        tx.changed(mailbox.organization_id, "mailbox", mailbox.id, "received")
    passed(tx, mailbox.id, uid_validity, mail.uid)
    return found


def passed(tx: Transaction, mailbox_id: str, uid_validity: int, uid: int) -> None:
    """Move the cursor past a mail, unless it is further already or the mails are numbered anew."""
    here = sa.and_(mailboxes.c.id == mailbox_id, mailboxes.c.uid_validity == uid_validity, mailboxes.c.last_uid < uid)
    tx.execute(sa.update(mailboxes).where(here).values(last_uid=uid, read_at=clock.now()))


def unsettled(tx: Transaction, mailbox_id: str, uid_validity: int) -> list[int]:
    """Return the numbers of the mails that are still to be marked or moved."""
    messages = mailbox_messages.c
    query = sa.select(messages.uid).where(
        messages.mailbox_id == mailbox_id, messages.uid_validity == uid_validity, messages.settled.is_(False)
    )
    return [row["uid"] for row in tx.all(query.order_by(messages.uid))]


def settled(tx: Transaction, mailbox_id: str, uid_validity: int, uid: int) -> None:
    """Note that a mail was marked or moved."""
    messages = mailbox_messages.c
    here = sa.and_(messages.mailbox_id == mailbox_id, messages.uid_validity == uid_validity, messages.uid == uid)
    tx.execute(sa.update(mailbox_messages).where(here).values(settled=True))


def came(tx: Transaction, mailbox: Mailbox, *, limit: int = 100) -> list[Seen]:
    """Return what came, the newest first."""
    query = sa.select(mailbox_messages).where(mailbox_messages.c.mailbox_id == mailbox.id)
    newest_first = (mailbox_messages.c.seen_at.desc(), mailbox_messages.c.id.desc())
    kept = [each for each in Seen.__dataclass_fields__ if each != "outcomes"]
    return [
        Seen(**{name: row[name] for name in kept}, outcomes=tuple(map(Outcome.of, row["outcomes"])))
        for row in tx.all(query.order_by(*newest_first).limit(limit))
    ]


def _shown(value: object) -> str:
    return storable(value if isinstance(value, str) else "")[:_MOST_SHOWN]
