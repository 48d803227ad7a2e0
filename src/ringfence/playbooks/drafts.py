"""Drafts: what people are editing, every save of it. Works inside the caller's transaction.

A playbook has at most one open draft. Saving makes a new revision and changes none; publishing or discarding closes the draft,
and its revisions stay. A draft may hold any text that can be kept, also one with errors.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.approvals import service as approvals
from ringfence.approvals.model import Subject
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Conflict, Invalid, NotFound, Outdated
from ringfence.playbooks import library
from ringfence.playbooks.document import read
from ringfence.playbooks.library import PlaybookState
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import organizations, playbook_drafts, playbook_versions, playbooks


@dataclass(frozen=True, slots=True)
class Shelf:
    """A playbook as its drafts see it: published or not yet; `revision` is its open draft's, `latest` the newest there is."""

    id: str
    organization_id: str
    name: str
    state: PlaybookState
    version_id: str | None
    version: str
    revision: int | None
    latest: int


@dataclass(frozen=True, slots=True)
class Draft:
    """One save of a draft; `base` is the number of the version that it began from, empty where there was none.

    `open` says that this is what is being edited now.
    """

    playbook_id: str
    organization_id: str
    name: str
    revision: int
    source: str
    base_version_id: str | None
    base: str
    note: str
    saved_at: datetime
    saved_by: str
    open: bool


def find(tx: Transaction, organization_id: str, playbook: str) -> Shelf:
    """Return a playbook by its id or name, also one of which nothing was published; NotFound if there is none."""
    found = _shelf(tx, organization_id, sa.or_(playbooks.c.id == playbook, playbooks.c.name == storable(playbook)))
    if found is None:
        # The library knows what to suggest.
        library.get(tx, organization_id, playbook)
        raise NotFound(f"There is no playbook {playbook[:100]!r}.", advice="List them: `ringfence playbook list`.")
    return found


def ids_of(tx: Transaction, organization_id: str, names: Collection[str]) -> dict[str, str]:
    """Return the ids of playbooks by their names; of names that there are not, none."""
    mine = (playbooks.c.organization_id == organization_id, playbooks.c.name.in_(sorted(names)))
    return {row["name"]: row["id"] for row in tx.all(sa.select(playbooks.c.id, playbooks.c.name).where(*mine))}


def save(
    tx: Transaction,
    organization_id: str,
    source: str,
    by: str,
    *,
    playbook: str | None = None,
    expected: int | None = None,
    note: str = "",
) -> Draft:
    """Save a text as the open draft of a playbook (its id or name), or of the one that the text names.

    `expected` is the revision that the writer has seen, 0 where there was no open draft; Outdated if it is another one.
    Saving what the draft says already makes no revision.
    """
    library.demand_storable(source)
    tx.one(sa.select(organizations.c.id).where(organizations.c.id == organization_id).with_for_update(key_share=True))
    shelf = _of(tx, organization_id, source, playbook)
    if expected is not None and expected != (shelf.revision or 0):
        raise _outdated(tx, shelf, expected)
    before = _current(tx, shelf)
    if before is not None and before.source == source:
        return before
    row: dict[str, Any] = {
        "id": clock.new_id(),
        "playbook_id": shelf.id,
        "revision": shelf.latest + 1,
        "source": source,
    }
    row |= {"base_version_id": before.base_version_id if before is not None else shelf.version_id}
    row |= {"note": storable(note.strip())[: library.LONGEST_NOTE], "saved_at": clock.now(), "saved_by": storable(by)}
    tx.execute(sa.insert(playbook_drafts), [row])
    _point(tx, shelf, shelf.latest + 1)
    _void(tx, shelf, "The draft was changed after the question was asked.")
    said = {"name": shelf.name, "revision": row["revision"], "sha256": library.digest(source), "note": row["note"]}
    log.write(tx, Event.PLAYBOOK_DRAFTED, organization_id, shelf.id, details=said, actor=by)
    return current(tx, organization_id, shelf.id)


def current(tx: Transaction, organization_id: str, playbook: str) -> Draft:
    """Return the open draft of a playbook (its id or name); NotFound if nobody is editing it."""
    shelf = find(tx, organization_id, playbook)
    found = _current(tx, shelf)
    if found is None:
        raise NotFound(f"{shelf.name!r} has no draft.", advice="Save one: `ringfence playbook draft save FILE`.")
    return found


def revision(tx: Transaction, organization_id: str, playbook: str, number: int) -> Draft:
    """Return one save of a playbook's drafts, open or closed; NotFound if there is none of that number."""
    shelf = find(tx, organization_id, playbook)
    row = tx.one(_query(shelf).where(playbook_drafts.c.revision == number))
    if row is None:
        raise NotFound(f"{shelf.name!r} has no draft {number}.", advice=f"Its drafts are 1 to {shelf.latest}.")
    return _draft(shelf, row)


def history(tx: Transaction, organization_id: str, playbook: str, *, limit: int = 100) -> list[Draft]:
    """Return the saves of a playbook's drafts, the newest first."""
    shelf = find(tx, organization_id, playbook)
    return [
        _draft(shelf, row) for row in tx.all(_query(shelf).order_by(playbook_drafts.c.revision.desc()).limit(limit))
    ]


def opened(tx: Transaction, organization_id: str) -> list[Draft]:
    """Return all open drafts of an organization, by the names of their playbooks."""
    mine = (playbooks.c.organization_id == organization_id, playbooks.c.draft_revision.is_not(None))
    names = tx.all(sa.select(playbooks.c.id).where(*mine).order_by(playbooks.c.name))
    return [current(tx, organization_id, row["id"]) for row in names]


def discard(tx: Transaction, organization_id: str, playbook: str, by: str, *, expected: int | None = None) -> Draft:
    """Close the open draft without publishing it; its saves are kept. Outdated as with `save`."""
    found = current(tx, organization_id, playbook)
    shelf = find(tx, organization_id, found.playbook_id)
    if expected is not None and expected != found.revision:
        raise _outdated(tx, shelf, expected)
    close(tx, found)
    _void(tx, shelf, "The draft was discarded.")
    said = {"name": found.name, "revision": found.revision}
    log.write(tx, Event.PLAYBOOK_DRAFT_DISCARDED, organization_id, found.playbook_id, details=said, actor=by)
    return found


def close(tx: Transaction, draft: Draft) -> None:
    """Let a draft no longer be open, because it was published or discarded."""
    same = (playbooks.c.id == draft.playbook_id, playbooks.c.draft_revision == draft.revision)
    if tx.execute(sa.update(playbooks).where(*same).values(draft_revision=None)).rowcount:
        tx.changed(draft.organization_id, "playbook", draft.playbook_id, "draft_closed")


def _of(tx: Transaction, organization_id: str, source: str, playbook: str | None) -> Shelf:
    """Return the playbook that a text is a draft of, made where it is the first."""
    if playbook is not None:
        return find(tx, organization_id, playbook)
    document = read(source)
    name = storable(document.playbook.name if document.playbook is not None else "").strip()
    if not name and document.root is not None and "name" in document.root.items:
        name = storable(str(document.root.items["name"].value or "")).strip()
    if not 1 <= len(name) <= 200 or not name.isprintable():
        raise Invalid(
            "The draft does not say which playbook it is.",
            advice="Give it a `name:` of 1 to 200 characters that can be seen.",
        )
    found = _shelf(tx, organization_id, playbooks.c.name == name)
    if found is not None:
        return found
    row: dict[str, Any] = {"id": clock.new_id(), "organization_id": organization_id, "name": name}
    row |= {"state": PlaybookState.DRAFT, "created_at": clock.now(), "updated_at": clock.now()}
    tx.execute(sa.insert(playbooks), [row])
    return find(tx, organization_id, str(row["id"]))


def _shelf(tx: Transaction, organization_id: str, condition: sa.ColumnElement[bool]) -> Shelf | None:
    version = playbook_versions.c
    newest = sa.select(sa.func.max(playbook_drafts.c.revision)).where(playbook_drafts.c.playbook_id == playbooks.c.id)
    query = (
        sa.select(playbooks, version.major, version.minor, newest.scalar_subquery().label("latest"))
        .join(playbook_versions, version.id == playbooks.c.active_version_id, isouter=True)
        .where(playbooks.c.organization_id == organization_id, condition)
    )
    row = tx.one(query)
    if row is None:
        return None
    number = "" if row["major"] is None else f"{row['major']}.{row['minor']}"
    return Shelf(
        id=row["id"],
        organization_id=organization_id,
        name=row["name"],
        state=PlaybookState(row["state"]),
        version_id=row["active_version_id"],
        version=number,
        revision=row["draft_revision"],
        latest=row["latest"] or 0,
    )


def _current(tx: Transaction, shelf: Shelf) -> Draft | None:
    row = tx.one(_query(shelf).where(playbook_drafts.c.revision == shelf.revision)) if shelf.revision else None
    return None if row is None else _draft(shelf, row)


def _query(shelf: Shelf) -> sa.Select[Any]:
    version = playbook_versions.c
    query = sa.select(playbook_drafts, version.major, version.minor)
    query = query.join(playbook_versions, version.id == playbook_drafts.c.base_version_id, isouter=True)
    return query.where(playbook_drafts.c.playbook_id == shelf.id)


def _draft(shelf: Shelf, row: sa.RowMapping) -> Draft:
    return Draft(
        playbook_id=shelf.id,
        organization_id=shelf.organization_id,
        name=shelf.name,
        revision=row["revision"],
        source=row["source"],
        base_version_id=row["base_version_id"],
        base="" if row["major"] is None else f"{row['major']}.{row['minor']}",
        note=row["note"],
        saved_at=row["saved_at"],
        saved_by=row["saved_by"],
        open=row["revision"] == shelf.revision,
    )


def _point(tx: Transaction, shelf: Shelf, number: int) -> None:
    tx.execute(sa.update(playbooks).where(playbooks.c.id == shelf.id).values(draft_revision=number))
    tx.changed(shelf.organization_id, "playbook", shelf.id, "drafted")


def _outdated(tx: Transaction, shelf: Shelf, expected: int) -> Conflict:
    now = _current(tx, shelf)
    if now is None:
        said = f"The draft {expected} of {shelf.name!r} is closed: it was published or discarded."
        return Outdated(said, advice="Look at the newest version, and begin a new draft from it.")
    said = (
        f"The draft of {shelf.name!r} is at revision {now.revision}, saved by {now.saved_by}; you have seen {expected}."
    )
    return Outdated(
        said,
        advice="Nothing was saved. Compare yours with it (`ringfence playbook diff`), then save what both should be.",
    )


def _void(tx: Transaction, shelf: Shelf, why: str) -> None:
    asked = approvals.open_for(tx, Subject.PLAYBOOK, shelf.id)
    if asked is not None:
        approvals.void(tx, asked, why)
