"""Keep playbooks and their published versions: publish, pause, activate, retire, find.

    draft ─▶ active ⇄ paused ─▶ retired, and back to active

A published version never changes, and a run pins the version that started it; publishing the same text again makes none.
What is being edited is in `drafts`; what people do with versions (drafts, rolling back, a second person) is in `publishing`.
All functions work inside the caller's transaction and within one organization.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.playbooks import checks, pins, surroundings
from ringfence.playbooks.document import Document, read
from ringfence.playbooks.model import Catalogue, Playbook
from ringfence.playbooks.problems import Problem, Severity, has_errors
from ringfence.security.egress import Network
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import organizations, playbook_versions, playbooks

MAX_SOURCE: Final = 1_000_000
LONGEST_NOTE: Final = 2_000


class PlaybookState(StrEnum):
    """Whether a playbook is listening.

    draft: nothing of it was published. active: its newest version starts runs. paused: it starts none. retired: it starts
    none, and is kept for what it did.
    """

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class StoredPlaybook:
    """A playbook with its newest version; `version` is written as major.minor."""

    id: str
    organization_id: str
    name: str
    state: PlaybookState
    version_id: str
    major: int
    minor: int
    published_at: datetime
    published_by: str
    created_at: datetime
    updated_at: datetime

    @property
    def version(self) -> str:
        """The version's number as people write it."""
        return f"{self.major}.{self.minor}"


@dataclass(frozen=True, slots=True)
class Version:
    """One published version; `restores` is the number of the older one whose text it brought back, if it did."""

    id: str
    major: int
    minor: int
    published_at: datetime
    published_by: str
    approved_by: str
    note: str
    restores: str

    @property
    def number(self) -> str:
        """The number as people write it."""
        return f"{self.major}.{self.minor}"


@dataclass(frozen=True, slots=True)
class Published:
    """What publishing did: `changed` is false where the text was the newest version already; `problems` are no errors."""

    playbook: StoredPlaybook
    changed: bool
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class ActiveVersion:
    """The version of a playbook that may start runs, unless it is paused, without its text."""

    playbook_id: str
    version_id: str
    name: str
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """How a text is to be published.

    `playbook_id` says whose version it is, also where the text has a new name; without it, the name says so. `major` begins
    the next major number. `restores` and `approved_by` are kept with the version. `unproven` says why it is published although
    its release is not proven.
    """

    playbook_id: str | None = None
    major: bool = False
    note: str = ""
    restores: str = ""
    approved_by: str = ""
    unproven: str = ""


def publish(
    tx: Transaction,
    organization_id: str,
    source: str,
    by: str,
    *,
    catalogue: Catalogue,
    path: str = "playbook",
    release: Release = Release(),  # noqa: B008 - frozen
    allowed: tuple[Network, ...] | None = None,
) -> Published:
    """Publish a text as the newest, active version of the playbook that it names.

    Invalid, with the problems as lines that begin with `path`, if the text has an error; nothing is stored then. The same
    text as the newest version makes no version, but makes a paused playbook active.
    """
    document, problems = examine(tx, organization_id, source, by, catalogue=catalogue, allowed=allowed)
    name = usable(document, problems, path).name
    return replace(put_version(tx, organization_id, name, source, by, release), problems=problems)


def _minutes_saved(source: str) -> float | None:
    playbook = read(source).playbook
    return None if playbook is None else playbook.minutes_saved


def put_version(tx: Transaction, organization_id: str, name: str, source: str, by: str, release: Release) -> Published:
    """Write a text that was examined as the newest, active version; `problems` of the answer are empty. See `publish`."""
    _lock(tx, organization_id)
    source = pins.pinned(tx, organization_id, source)
    now = clock.now()
    row = _row(tx, organization_id, release.playbook_id, name)
    before = None if row is None else _find(tx, organization_id, playbooks.c.id == row["id"])
    if before is not None and not release.major and source_of(tx, organization_id, before.version_id) == source:
        return Published(set_state(tx, before, PlaybookState.ACTIVE), changed=False, problems=())
    playbook_id, version_id = row["id"] if row is not None else clock.new_id(), clock.new_id()
    if row is None:
        made = {"id": playbook_id, "organization_id": organization_id, "name": name, "created_at": now}
        tx.execute(sa.insert(playbooks), [made | {"state": PlaybookState.DRAFT, "updated_at": now}])
    number = next_number(before, major=release.major)
    version: dict[str, Any] = {"id": version_id, "playbook_id": playbook_id, "source": source, "published_at": now}
    version |= {"major": number[0], "minor": number[1], "published_by": storable(by)}
    version["minutes_saved"] = _minutes_saved(source)
    version |= {"note": storable(release.note.strip())[:LONGEST_NOTE]}
    version |= {"restores": release.restores, "approved_by": storable(release.approved_by)}
    tx.execute(sa.insert(playbook_versions), [version])
    tx.execute(
        sa.update(playbooks)
        .where(playbooks.c.id == playbook_id)
        .values(name=name, state=PlaybookState.ACTIVE, active_version_id=version_id, updated_at=now)
    )
    tx.changed(organization_id, "playbook", playbook_id, "published")
    said = {"name": name, "version": f"{number[0]}.{number[1]}", "version_id": version_id, "sha256": digest(source)}
    said |= {key: version[key] for key in ("note", "restores", "approved_by") if version[key]}
    if row is not None and row["name"] != name:
        said["renamed_from"] = row["name"]
    log.write(tx, Event.PLAYBOOK_PUBLISHED, organization_id, playbook_id, details=said, actor=by)
    return Published(get(tx, organization_id, playbook_id), changed=True, problems=())


def next_number(before: StoredPlaybook | None, *, major: bool) -> tuple[int, int]:
    """Return the number of the version that would come after the newest one."""
    if before is None:
        return 1, 0
    return (before.major + 1, 0) if major else (before.major, before.minor + 1)


def examine(
    tx: Transaction,
    organization_id: str,
    source: str,
    by: str | None,
    *,
    catalogue: Catalogue,
    allowed: tuple[Network, ...] | None = None,
) -> tuple[Document, tuple[Problem, ...]]:
    """Read a text and give everything that is wrong with it here, and with `by` publishing it; Invalid if it cannot be kept."""
    demand_storable(source)
    document = read(source)
    here = surroundings.look(tx, organization_id, by=by, about=document.playbook, allowed=allowed)
    return document, tuple(checks.check(document, catalogue, here))


def demand_storable(source: str) -> None:
    """Raise Invalid for a text that cannot be kept as it is."""
    if len(source) > MAX_SOURCE:
        raise Invalid(
            f"The playbook has {len(source)} characters.", advice=f"Split it: {MAX_SOURCE} characters are the most."
        )
    if storable(source) != source:
        raise Invalid("The playbook holds characters that cannot be stored.", advice="Save it as UTF-8 text.")


def usable(document: Document, problems: Sequence[Problem], path: str) -> Playbook:
    """Return the playbook of a document without errors; else Invalid with its problems as lines that begin with `path`."""
    if document.playbook is not None and not has_errors(tuple(problems)):
        return document.playbook
    lines = tuple(problem.render(path) for problem in problems)
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    raise Invalid(
        f"The playbook has {errors} error{'' if errors == 1 else 's'}.",
        advice="Correct what `problems` says and publish again.",
        problems=lines,
    )


def digest(source: str) -> str:
    """Return the SHA-256 of a text, by which two people can tell that they mean the same."""
    return hashlib.sha256(source.encode()).hexdigest()


def pause(tx: Transaction, organization_id: str, playbook: str) -> StoredPlaybook:
    """Let a playbook (its id or name) start no more runs; those that run go on."""
    found = get(tx, organization_id, playbook)
    if found.state is PlaybookState.RETIRED:
        raise Conflict(
            f"{found.name!r} is retired and starts nothing.", advice="Activate it first, if it is to be used again."
        )
    return set_state(tx, found, PlaybookState.PAUSED)


def resume(tx: Transaction, organization_id: str, playbook: str) -> StoredPlaybook:
    """Let a paused or retired playbook (its id or name) start runs again."""
    return set_state(tx, get(tx, organization_id, playbook), PlaybookState.ACTIVE)


def retire(tx: Transaction, organization_id: str, playbook: str) -> StoredPlaybook:
    """Take a playbook (its id or name) out of use; its runs go on, and its versions and runs are kept."""
    return set_state(tx, get(tx, organization_id, playbook), PlaybookState.RETIRED)


def versions(tx: Transaction, organization_id: str, playbook: str) -> list[Version]:
    """Return the published versions of a playbook (its id or name), the newest first."""
    found = get(tx, organization_id, playbook)
    kept = playbook_versions.c
    columns = (kept.id, kept.major, kept.minor, kept.published_at, kept.published_by)
    query = sa.select(*columns, kept.approved_by, kept.note, kept.restores).where(kept.playbook_id == found.id)
    return [Version(**row) for row in tx.all(query.order_by(kept.major.desc(), kept.minor.desc()))]


def version(tx: Transaction, organization_id: str, playbook: str, number: str) -> Version:
    """Return one published version by its number (`1.2`) or its id; NotFound, with those that there are, if there is none."""
    there = versions(tx, organization_id, playbook)
    for each in there:
        if number in (each.number, each.id):
            return each
    listed = ", ".join(each.number for each in there[:20])
    raise NotFound(f"{playbook[:100]!r} has no version {number[:40]!r}.", advice=f"It has: {listed}.")


def every(tx: Transaction, organization_id: str) -> list[StoredPlaybook]:
    """Return an organization's playbooks in the order of their names."""
    query = _query().where(playbooks.c.organization_id == organization_id).order_by(playbooks.c.name)
    return [_stored(row) for row in tx.all(query)]


def get(tx: Transaction, organization_id: str, playbook: str) -> StoredPlaybook:
    """Return a playbook by its id or its name; NotFound, with the names that there are, if there is none."""
    found = _find(tx, organization_id, sa.or_(playbooks.c.id == playbook, playbooks.c.name == playbook))
    if found is not None:
        return found
    names = [each.name for each in every(tx, organization_id)]
    near = get_close_matches(playbook, names, 1)
    advice = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(names) or 'none yet'}."
    raise NotFound(f"There is no playbook {playbook[:100]!r}.", advice=advice)


def source_of(tx: Transaction, organization_id: str, version_id: str) -> str:
    """Return the text of a version, published or superseded; NotFound if the organization has no such version."""
    for _, source in sources(tx, organization_id, [version_id]):
        return source
    raise NotFound(
        f"There is no playbook version with the id {version_id[:40]!r}.", advice="Look at the list of playbooks."
    )


def sources(tx: Transaction, organization_id: str, version_ids: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the id and the text of each of these versions that the organization has."""
    query = (
        sa.select(playbook_versions.c.id, playbook_versions.c.source)
        .join(playbooks, playbooks.c.id == playbook_versions.c.playbook_id)
        .where(playbooks.c.organization_id == organization_id, playbook_versions.c.id.in_(list(version_ids)))
    )
    for row in tx.all(query):
        yield row["id"], row["source"]


def active(tx: Transaction, organization_id: str) -> list[ActiveVersion]:
    """Return the versions that may start runs now, in the order in which their playbooks were made."""
    return [each for each in published(tx, organization_id) if not each.paused]


def published(tx: Transaction, organization_id: str) -> list[ActiveVersion]:
    """Return the newest version of every playbook that is active or paused, in the order in which the playbooks were made."""
    query = (
        sa.select(playbooks.c.id, playbooks.c.active_version_id, playbooks.c.name, playbooks.c.state)
        .where(
            playbooks.c.organization_id == organization_id,
            playbooks.c.active_version_id.is_not(None),
            playbooks.c.state != PlaybookState.RETIRED,
        )
        .order_by(playbooks.c.id)
    )
    return [
        ActiveVersion(row["id"], row["active_version_id"], row["name"], row["state"] != PlaybookState.ACTIVE)
        for row in tx.all(query)
    ]


def _query() -> sa.Select[Any]:
    version = playbook_versions.c
    return sa.select(
        playbooks.c.id,
        playbooks.c.organization_id,
        playbooks.c.name,
        playbooks.c.state,
        version.id.label("version_id"),
        version.major,
        version.minor,
        version.published_at,
        version.published_by,
        playbooks.c.created_at,
        playbooks.c.updated_at,
    ).join(playbook_versions, version.id == playbooks.c.active_version_id)


def _find(tx: Transaction, organization_id: str, condition: sa.ColumnElement[bool]) -> StoredPlaybook | None:
    row = tx.one(_query().where(playbooks.c.organization_id == organization_id, condition))
    return None if row is None else _stored(row)


def _stored(row: sa.RowMapping) -> StoredPlaybook:
    return StoredPlaybook(**{**row, "state": PlaybookState(row["state"])})


def set_state(tx: Transaction, playbook: StoredPlaybook, state: PlaybookState) -> StoredPlaybook:
    """Move a playbook to a state, and write that down; nothing happens where it is there already."""
    done = tx.execute(
        sa.update(playbooks)
        .where(playbooks.c.id == playbook.id, playbooks.c.state != state)
        .values(state=state, updated_at=clock.now())
    )
    if done.rowcount:
        tx.changed(playbook.organization_id, "playbook", playbook.id, state)
        said = {"name": playbook.name, "version": playbook.version, "before": playbook.state.value}
        log.write(tx, _EVENTS[state], playbook.organization_id, playbook.id, details=said)
    return get(tx, playbook.organization_id, playbook.id)


_EVENTS: Final = {
    PlaybookState.ACTIVE: Event.PLAYBOOK_RESUMED,
    PlaybookState.PAUSED: Event.PLAYBOOK_PAUSED,
    PlaybookState.RETIRED: Event.PLAYBOOK_RETIRED,
}


def _row(tx: Transaction, organization_id: str, playbook_id: str | None, name: str) -> sa.RowMapping | None:
    """Return the row whose version a text becomes, a draft's too; Conflict where another playbook has the name."""
    mine = sa.select(playbooks.c.id, playbooks.c.name).where(playbooks.c.organization_id == organization_id)
    named = tx.one(mine.where(playbooks.c.name == name))
    if playbook_id is None:
        return named
    if named is not None and named["id"] != playbook_id:
        raise Conflict(f"Another playbook is named {name[:100]!r}.", advice="Choose another `name:`.")
    return tx.one(mine.where(playbooks.c.id == playbook_id))


def _lock(tx: Transaction, organization_id: str) -> None:
    """Let two who publish at once queue, so that each makes a version of its own."""
    query = sa.select(organizations.c.id).where(organizations.c.id == organization_id).with_for_update(key_share=True)
    if tx.one(query) is None:
        raise Conflict("The organization is gone.", advice="Choose another one.")
