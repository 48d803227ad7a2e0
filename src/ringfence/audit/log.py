"""The audit log: append-only, one chain of hashes for each organization.

Write where the change is made, in its transaction:

    from ringfence.audit import log
    from ringfence.audit.events import Event

    log.write(tx, Event.PLAYBOOK_PAUSED, organization_id, playbook.id, details={"name": playbook.name})

The entry is written when the transaction ends, as its last act but the change feed: either both the change and its entry are
committed, or neither. Who acts is known from the context (see `acting`); pass `actor=` and `via=` only where a function is
told by whom it is done. Details are bounded and whatever looks like a secret in them is replaced; still, never pass one.

Entry n says SHA-256 over canonical JSON (RFC 8785) of all its other fields, among them the hash of entry n - 1.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock, logs
from ringfence.audit.acting import Via
from ringfence.audit.acting import actor as acting_now
from ringfence.audit.canonical import canonical, plain
from ringfence.audit.events import Event
from ringfence.errors import Invalid
from ringfence.storage import Transaction
from ringfence.storage.columns import holds, storable
from ringfence.storage.tables import audit_entries, audit_heads

GENESIS: Final = "0" * 64
"""What the first entry of a chain names as the hash before it."""
NOUNS: Final = tuple(sorted({event.subject for event in Event}))
"""Of what there are events."""
MOST: Final = 500
_VALUES: Final = frozenset(event.value for event in Event)
_LONGEST: Final = 500
_PIECE: Final = 1_000
_LARGEST: Final = 64_000

# What names a thing in the details of an entry that has no name, the best first.
_NAMING: Final = ("question", "playbook", "alert_id", "detail", "target")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `details` is the stored text; `at` is exact to the microsecond."""

    organization_id: str
    number: int
    at: datetime
    actor: str
    via: str
    event: str
    subject: str
    subject_id: str
    details: str
    previous: str
    hash: str

    def document(self) -> dict[str, Any]:
        """Return it as exported; what is hashed is this without `hash`."""
        return {**_hashed(self), "hash": self.hash}

    @property
    def facts(self) -> Any:
        """The details, read; their text where somebody has made it unreadable."""
        try:
            return json.loads(self.details)
        except ValueError:
            return self.details

    @property
    def about(self) -> str:
        """What it was done to, as far as the details name it, else what they say of it, else nothing."""
        facts = self.facts
        if not isinstance(facts, dict):
            return ""
        # A host has no name yet when somebody asks for it by its id; what policy saw of it has.
        seen = facts.get("facts")
        host = seen.get("name") if isinstance(seen, dict) else None
        named = [facts.get("name"), facts.get("machine_name"), host, *map(facts.get, _NAMING)]
        return next((each for each in named if isinstance(each, str) and each), "")

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        return Event(self.event).sentence if self.event in _VALUES else f"{self.event} (not an event of this release)"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are meant: `event` is one, or a noun; `text` is part of actor, subject or details; `until` is excluded."""

    event: str | None = None
    actor: str | None = None
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return self == EVERYTHING


EVERYTHING: Final = Wanted()


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries, newest first, and the number to go on below where there are more."""

    entries: tuple[Entry, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry of a chain."""

    organization_id: str
    number: int
    hash: str


def write(
    tx: Transaction,
    event: Event,
    organization_id: str,
    subject_id: str,
    *,
    details: Mapping[str, Any] | None = None,
    actor: str | None = None,
    via: Via | None = None,
) -> None:
    """Write one entry when the transaction ends; where that fails, the transaction fails with it.

    `subject_id` names what it was done to, of the kind that the event's noun says.
    """
    who = acting_now()
    tx.at_end(
        _append,
        {
            "organization_id": organization_id,
            "at": clock.now(),
            "actor": storable(who.name if actor is None else actor)[:_LONGEST],
            "via": (who.via if via is None else via).value,
            "event": event.value,
            "subject": event.subject,
            "subject_id": storable(subject_id)[:_LONGEST],
            "details": _bounded(details or {}),
        },
    )


def hash_of(entry: Entry) -> str:
    """Return the hash that an entry should have."""
    return hashlib.sha256(canonical(_hashed(entry)).encode()).hexdigest()


def listing(
    tx: Transaction,
    organization_id: str,
    *,
    subject: str | None = None,
    subject_id: str | None = None,
    event: str | None = None,
    actor: str | None = None,
    text: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    below: int | None = None,
    limit: int = 100,
    effort: int | None = None,
) -> Page:
    """Return entries, newest first; see `Wanted` for what narrows them.

    With `effort` no more entries are looked at: a page may then have fewer than `limit`, or none, and still say where to go on.
    """
    limit = max(1, min(limit, MOST))
    columns = audit_entries.c
    query = sa.select(audit_entries).where(*_wanted(organization_id, Wanted(event, actor, text, since, until)))
    if subject is not None:
        query = query.where(columns.subject == subject)
    if subject_id is not None:
        query = query.where(columns.subject_id == subject_id)
    if below is not None:
        query = query.where(columns.number < below)
    lowest = 0
    if effort is not None:
        newest = head(tx, organization_id)
        lowest = (below if below is not None else newest.number + 1 if newest else 1) - effort
        query = query.where(columns.number >= lowest)
    found = tx.all(query.order_by(columns.number.desc()).limit(limit + 1))
    entries = tuple(Entry(**row) for row in found[:limit])
    if len(found) > limit:
        return Page(entries, entries[-1].number)
    return Page(entries, lowest if lowest > 1 else None)


def _wanted(organization_id: str, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    columns = audit_entries.c
    found: list[sa.ColumnElement[bool]] = [columns.organization_id == organization_id]
    event = wanted.event
    if event is not None:
        if event not in _VALUES and event not in NOUNS:
            raise Invalid(f"There is no event {event[:60]!r}.", advice=f"Use one of: {', '.join(NOUNS)}.")
        # The noun also where one event is meant: by it the entries are indexed.
        found.append(columns.subject == event.partition(":")[0])
        if event in _VALUES:
            found.append(columns.event == event)
    if wanted.actor is not None:
        found.append(columns.actor == wanted.actor)
    if wanted.text:
        found.append(holds(wanted.text, columns.actor, columns.subject_id, columns.details))
    if wanted.since is not None:
        found.append(columns.at >= wanted.since)
    if wanted.until is not None:
        found.append(columns.at < wanted.until)
    return found


def of_subject(tx: Transaction, organization_id: str, subject: str, subject_ids: Iterable[str]) -> list[Entry]:
    """Return all entries about some subjects of a kind, oldest first."""
    columns = audit_entries.c
    wanted = (
        columns.organization_id == organization_id,
        columns.subject == subject,
        columns.subject_id.in_(list(subject_ids)),
    )
    return [Entry(**row) for row in tx.all(sa.select(audit_entries).where(*wanted).order_by(columns.number))]


def entries(
    tx: Transaction,
    organization_id: str,
    *,
    above: int = 0,
    upto: int | None = None,
    wanted: Wanted = EVERYTHING,
) -> Iterator[Entry]:
    """Yield all entries that are wanted in the order of their numbers, a thousand at a time."""
    while piece := some(tx, organization_id, above=above, upto=upto, wanted=wanted):
        yield from piece
        if len(piece) < _PIECE:
            return
        above = piece[-1].number


def some(tx: Transaction, organization_id: str, *, above: int, upto: int | None, wanted: Wanted) -> list[Entry]:
    """Return the first thousand entries above a number that are wanted."""
    columns = audit_entries.c
    query = sa.select(audit_entries).where(*_wanted(organization_id, wanted), columns.number > above)
    if upto is not None:
        query = query.where(columns.number <= upto)
    return [Entry(**row) for row in tx.all(query.order_by(columns.number).limit(_PIECE))]


def head(tx: Transaction, organization_id: str) -> Head | None:
    """Return the newest entry's number and hash as last written; None before the first."""
    row = tx.one(sa.select(audit_heads).where(audit_heads.c.organization_id == organization_id))
    return Head(**row) if row else None


def heads(tx: Transaction) -> list[Head]:
    """Return the heads of all chains."""
    return [Head(**row) for row in tx.all(sa.select(audit_heads).order_by(audit_heads.c.organization_id))]


def _hashed(entry: Entry) -> dict[str, Any]:
    return {
        "organization_id": entry.organization_id,
        "number": entry.number,
        "at": entry.at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "actor": entry.actor,
        "via": entry.via,
        "event": entry.event,
        "subject": entry.subject,
        "subject_id": entry.subject_id,
        # As text: whoever checks the chain need not write JSON as we do to get what was hashed.
        "details": entry.details,
        "previous": entry.previous,
    }


def _bounded(details: Mapping[str, Any]) -> str:
    text = canonical(plain(logs.redact(dict(details))))
    return text if len(text) <= _LARGEST else canonical({"cut": text[:_LARGEST]})


def _append(tx: Transaction, rows: list[dict[str, Any]]) -> None:
    """Chain the entries of one transaction; chains are taken in one order, so that no two writers wait for each other."""
    for organization_id in sorted({row["organization_id"] for row in rows}):
        first = {"organization_id": organization_id, "number": 0, "hash": GENESIS}
        chain = sa.select(audit_heads).where(audit_heads.c.organization_id == organization_id).with_for_update()
        last = tx.one(chain)
        if last is None:
            tx.insert_new(audit_heads, [first])
            last = tx.one(chain)
            assert last is not None
        number, previous = last["number"], last["hash"]
        chained: list[dict[str, Any]] = []
        for row in rows:
            if row["organization_id"] != organization_id:
                continue
            number += 1
            entry = Entry(**row, number=number, previous=previous, hash="")
            previous = hash_of(entry)
            chained.append({**row, "number": number, "previous": entry.previous, "hash": previous})
        tx.execute(sa.insert(audit_entries), chained)
        tx.execute(
            sa.update(audit_heads)
            .where(audit_heads.c.organization_id == organization_id)
            .values(number=number, hash=previous)
        )
