"""Keep playbooks and their versions: publish, pause, resume, find.

A published version never changes, and a run pins the version that started it; publishing the same text again makes none.
All functions work inside the caller's transaction and within one organization.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.playbooks import checks
from ringfence.playbooks.document import Document, read
from ringfence.playbooks.model import AnyTrigger, Catalogue, DefenderAlertTrigger, Playbook
from ringfence.playbooks.problems import Problem, Severity, has_errors
from ringfence.playbooks.triggers import ChangeTrigger, MailboxTrigger, ManualTrigger, WebhookTrigger
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import (
    accounts,
    mailboxes,
    organizations,
    playbook_versions,
    playbooks,
    trigger_services,
    webhooks,
)

MAX_SOURCE: Final = 1_000_000
LONGEST_NAME: Final = 200


class PlaybookState(StrEnum):
    """Whether a playbook is listening. active: its newest version starts runs. paused: it starts none."""

    ACTIVE = "active"
    PAUSED = "paused"


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


def publish(
    tx: Transaction, organization_id: str, source: str, by: str, *, catalogue: Catalogue, path: str = "playbook"
) -> Published:
    """Publish a text as the newest, active version of the playbook that it names.

    Invalid, with the problems as lines that begin with `path`, if the text has an error; nothing is stored then. The same
    text as the newest version makes no version, but makes a paused playbook active.
    """
    if len(source) > MAX_SOURCE:
        raise Invalid(
            f"The playbook has {len(source)} characters.", advice=f"Split it: {MAX_SOURCE} characters are the most."
        )
    if storable(source) != source:
        raise Invalid("The playbook holds characters that cannot be stored.", advice="Save it as UTF-8 text.")
    document = read(source)
    problems = (*checks.check(document, catalogue), *_fit(tx, organization_id, document, catalogue))
    problems = tuple(sorted(problems, key=lambda problem: problem.order))
    if document.playbook is None or has_errors(problems):
        lines = tuple(problem.render(path) for problem in problems)
        errors = sum(problem.severity is Severity.ERROR for problem in problems)
        raise Invalid(
            f"The playbook has {errors} error{'' if errors == 1 else 's'}.",
            advice="Correct what `problems` says and publish again.",
            problems=lines,
        )
    _lock(tx, organization_id)
    name, now = document.playbook.name, clock.now()
    before = _find(tx, organization_id, playbooks.c.name == name)
    if before is not None and source_of(tx, organization_id, before.version_id) == source:
        return Published(_set_state(tx, before, PlaybookState.ACTIVE), changed=False, problems=problems)
    playbook_id, version_id = before.id if before else clock.new_id(), clock.new_id()
    if before is None:
        row = {"id": playbook_id, "organization_id": organization_id, "name": name, "created_at": now}
        tx.execute(sa.insert(playbooks), [row | {"state": PlaybookState.PAUSED, "updated_at": now}])
    version: dict[str, Any] = {"id": version_id, "playbook_id": playbook_id, "source": source, "published_at": now}
    number = {"major": 1, "minor": 0} if before is None else {"major": before.major, "minor": before.minor + 1}
    tx.execute(sa.insert(playbook_versions), [version | number | {"published_by": storable(by)}])
    tx.execute(
        sa.update(playbooks)
        .where(playbooks.c.id == playbook_id)
        .values(state=PlaybookState.ACTIVE, active_version_id=version_id, updated_at=now)
    )
    tx.changed(organization_id, "playbook", playbook_id, "published")
    said = {"name": name, "version": f"{number['major']}.{number['minor']}", "version_id": version_id}
    said["sha256"] = hashlib.sha256(source.encode()).hexdigest()
    log.write(tx, Event.PLAYBOOK_PUBLISHED, organization_id, playbook_id, details=said, actor=by)
    return Published(get(tx, organization_id, playbook_id), changed=True, problems=problems)


def pause(tx: Transaction, organization_id: str, playbook: str) -> StoredPlaybook:
    """Let a playbook (its id or name) start no more runs; those that run go on."""
    return _set_state(tx, get(tx, organization_id, playbook), PlaybookState.PAUSED)


def resume(tx: Transaction, organization_id: str, playbook: str) -> StoredPlaybook:
    """Let a paused playbook (its id or name) start runs again."""
    return _set_state(tx, get(tx, organization_id, playbook), PlaybookState.ACTIVE)


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
    """Return the newest version of every playbook, paused ones too, in the order in which the playbooks were made."""
    query = (
        sa.select(playbooks.c.id, playbooks.c.active_version_id, playbooks.c.name, playbooks.c.state)
        .where(playbooks.c.organization_id == organization_id, playbooks.c.active_version_id.is_not(None))
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


def _set_state(tx: Transaction, playbook: StoredPlaybook, state: PlaybookState) -> StoredPlaybook:
    done = tx.execute(
        sa.update(playbooks)
        .where(playbooks.c.id == playbook.id, playbooks.c.state != state)
        .values(state=state, updated_at=clock.now())
    )
    if done.rowcount:
        tx.changed(playbook.organization_id, "playbook", playbook.id, state)
        event = Event.PLAYBOOK_RESUMED if state is PlaybookState.ACTIVE else Event.PLAYBOOK_PAUSED
        log.write(tx, event, playbook.organization_id, playbook.id, details={"name": playbook.name})
    return get(tx, playbook.organization_id, playbook.id)


def _lock(tx: Transaction, organization_id: str) -> None:
    """Let two who publish at once queue, so that each makes a version of its own."""
    query = sa.select(organizations.c.id).where(organizations.c.id == organization_id).with_for_update(key_share=True)
    if tx.one(query) is None:
        raise Conflict("The organization is gone.", advice="Choose another one.")


def _fit(tx: Transaction, organization_id: str, document: Document, catalogue: Catalogue) -> Sequence[Problem]:
    """Say where a playbook does not fit this installation: what only the database can know."""
    if document.playbook is None:
        return []
    problem: Callable[..., Problem] = document.problem
    found = []
    name = document.playbook.name
    if len(name) > LONGEST_NAME or not name.isprintable() or name != name.strip():
        message = "This cannot be a playbook's name."
        advice = f"Use at most {LONGEST_NAME} characters that can be seen, without blanks around them."
        found.append(problem("wrong-value", Severity.ERROR, message, advice=advice, path=("name",)))
    for wanted in _named(document.playbook.trigger):
        table = wanted.table.c
        query = sa.select(table.name).where(table.organization_id == organization_id).order_by(table.name)
        names = [row["name"] for row in tx.all(query)]
        if wanted.name not in names:
            noun, done = wanted.noun, wanted.done
            message = f"No {noun} named {wanted.name[:100]!r} is {done}."
            listed = f"{done.capitalize()} are: {', '.join(names)}."
            advice = listed if names else f"None is {done} yet: {wanted.how}."
            path = ("trigger", wanted.field)
            found.append(problem(f"unknown-{noun}", Severity.ERROR, message, advice=advice, path=path))
        elif wanted.table is trigger_services and not _is_on(tx, organization_id, wanted.name):
            message = f"The service {wanted.name[:100]!r} is off, so nothing would start this playbook."
            advice = f"Switch it on: `ringfence service resume {wanted.name[:100]}`."
            found.append(problem("service-off", Severity.ERROR, message, advice=advice, path=("trigger", "service")))
    if _lacks_an_account(tx, organization_id, document.playbook, catalogue):
        message = "A step reaches Defender, and it is not clear with which account."
        advice = "Add `account:` to the trigger, or connect exactly one account."
        found.append(problem("no-account", Severity.WARNING, message, advice=advice, path=("trigger",), of_key=True))
    return found


def _is_on(tx: Transaction, organization_id: str, service: str) -> bool:
    row = trigger_services.c
    query = sa.select(row.enabled).where(row.organization_id == organization_id, row.name == service)
    return bool(tx.scalar(query))


def _lacks_an_account(tx: Transaction, organization_id: str, playbook: Playbook, catalogue: Catalogue) -> bool:
    trigger = playbook.trigger
    # A run that is about an alert or a host uses its account.
    if trigger.account is not None or isinstance(trigger, DefenderAlertTrigger | ChangeTrigger):
        return False
    if isinstance(trigger, ManualTrigger) and trigger.on:
        return False
    actions = [catalogue.find(step.action) for step in playbook.steps.values()]
    if not any(action is not None and action.permissions for action in actions):
        return False
    return len(tx.all(sa.select(accounts.c.id).where(accounts.c.organization_id == organization_id).limit(2))) != 1


@dataclass(frozen=True, slots=True)
class _Named:
    """Something that a trigger names and that must be there."""

    field: str
    name: str
    table: sa.Table
    noun: str
    done: str
    how: str


def _named(trigger: AnyTrigger) -> Iterator[_Named]:
    connect = "connect it first with `ringfence account add`"
    if trigger.account is not None:
        yield _Named("account", trigger.account, accounts, "account", "connected", connect)
    if isinstance(trigger, DefenderAlertTrigger) and trigger.service is not None:
        how = "make it first with `ringfence service add`"
        yield _Named("service", trigger.service, trigger_services, "service", "made", how)
    if isinstance(trigger, WebhookTrigger):
        how = "make it first with `ringfence webhook add`"
        yield _Named("hook", trigger.hook, webhooks, "webhook", "made", how)
    if isinstance(trigger, MailboxTrigger):
        how = "connect it first with `ringfence mailbox add`"
        yield _Named("mailbox", trigger.mailbox, mailboxes, "mailbox", "connected", how)
