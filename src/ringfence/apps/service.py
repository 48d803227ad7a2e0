"""Install apps, for all or for chosen organizations, take them away, and say what uses them.

Uninstalling stops nothing: playbooks that are published go on, and cannot be published anew without the app.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.apps.model import App, Category, Installation, Placed, place
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.organizations import service as organizations
from ringfence.playbooks import library
from ringfence.playbooks.document import read
from ringfence.services import records as services
from ringfence.storage import Transaction, editions
from ringfence.storage.columns import storable
from ringfence.storage.tables import apps


@dataclass(frozen=True, slots=True)
class Use:
    """A playbook that uses an app, by its steps or by a service that starts it."""

    organization_id: str
    organization: str
    playbook_id: str
    playbook: str


def listing(tx: Transaction, shelf: Sequence[App], organization_id: str | None = None) -> list[Placed]:
    """Return every app and for whom it is installed, or those that one organization may use."""
    found = place(shelf, _rows(tx))
    return [each for each in found if organization_id is None or each.allows(organization_id)]


def get(tx: Transaction, shelf: Sequence[App], app_id: str) -> Placed:
    """Return one app; NotFound, with one that is called alike, if there is none."""
    for each in listing(tx, shelf):
        if each.app.id == app_id:
            return each
    near = get_close_matches(app_id, [each.id for each in shelf], 1)
    advice = f"Did you mean {near[0]!r}?" if near else "Look at the list: `ringfence app list`."
    raise NotFound(f"There is no app named {app_id[:100]!r}.", advice=advice)


def edition(placed: Placed) -> str:
    """Return what changes with who may use an app, and with its version, which whoever installs it has looked at."""
    return editions.edition(placed.app.version, placed.app.problem, placed.installation)


def install(
    tx: Transaction,
    shelf: Sequence[App],
    app_id: str,
    *,
    names: Iterable[str] | None = None,
    by: str,
    seen: str | None = None,
) -> Placed:
    """Let organizations use an app: those named, by name or id, and no other; None means all, also those to come.

    It counts as looked at in its present version. Conflict if it cannot be used, Invalid if nobody is named. Outdated if it is
    not any more as it was `seen` (see `edition`).
    """
    tx.one(sa.select(apps.c.id).where(apps.c.id == storable(app_id)).with_for_update())
    before = get(tx, shelf, app_id)
    editions.demand(seen, edition(before))
    if before.app.problem:
        raise Conflict(f"This app cannot be used. {before.app.problem}", advice="Repair or uninstall its package.")
    chosen: list[str] = []
    if names is not None:
        known = organizations.every(tx)
        for name in names:
            found = [each.id for each in known if name in (each.id, each.name)]
            if not found:
                raise NotFound(f"There is no organization named {name[:100]!r}.")
            chosen += [each for each in found if each not in chosen]
        if not chosen:
            raise Invalid("Nobody would get the app.", advice="Name organizations, or install it for all.")
    _put(tx, before.app, installed=True, everybody=names is None, chosen=chosen, by=by)
    event = Event.APP_CHANGED if before.installed else Event.APP_INSTALLED
    _tell(tx, event, before.app, {"for": "all" if names is None else chosen}, by)
    return get(tx, shelf, app_id)


def uninstall(tx: Transaction, shelf: Sequence[App], app_id: str, *, by: str) -> list[Use]:
    """Take an app away from everybody and return what uses it; that goes on, and is not published anew."""
    before = get(tx, shelf, app_id)
    if before.app.problem:
        raise Conflict(
            "This app is not installed: it cannot be used.", advice="Uninstall its package to have it off the list."
        )
    if before.installed:
        _put(tx, before.app, installed=False, everybody=False, chosen=[], by=by)
        _tell(tx, Event.APP_UNINSTALLED, before.app, {}, by)
    return uses(tx, before.app)


def accept(tx: Transaction, shelf: Sequence[App], app_id: str, *, by: str) -> Placed:
    """Note that what an upgrade brought was looked at; nothing happens where there was none."""
    before = get(tx, shelf, app_id)
    if before.upgraded and before.installation is not None:
        old = before.installation
        chosen = list(old.organizations)
        _put(tx, before.app, installed=True, everybody=old.everybody, chosen=chosen, by=by)
        _tell(tx, Event.APP_UPGRADED, before.app, {"before": old.version}, by)
    return get(tx, shelf, app_id)


def remember(tx: Transaction, shelf: Sequence[App]) -> None:
    """Write down apps that were never seen, as they come, so that a later version is known for an upgrade."""
    known = _rows(tx)
    now = clock.now()
    tx.insert_new(
        apps,
        [
            {
                "id": app.id,
                "version": app.version,
                "installed": app.ours,
                "everybody": app.ours,
                "organizations": [],
                "changed_at": now,
                "changed_by": "Ringfence",
            }
            for app in shelf
            if not app.problem and app.id not in known
        ],
    )


def demand(tx: Transaction, shelf: Sequence[App], app_id: str, organization_id: str) -> App:
    """Return an app that an organization may use; Conflict if it may not."""
    found = get(tx, shelf, app_id)
    if not found.allows(organization_id):
        raise Conflict(
            f"The app {found.app.title} is not installed for this organization.",
            advice=f"Ask who runs the server to install it: `ringfence app install {app_id}`.",
        )
    return found.app


def uses(tx: Transaction, app: App, organization_id: str | None = None) -> list[Use]:
    """Return the playbooks, of one organization or of all, that were published and use an app."""
    found: list[Use] = []
    for each in organizations.every(tx):
        if organization_id not in (None, each.id):
            continue
        published = {item.version_id: item for item in library.published(tx, each.id)}
        fed = {item.name for item in services.every(tx, each.id) if app.source and item.source == app.source}
        for version_id, text in library.sources(tx, each.id, published):
            playbook = read(text).playbook
            if playbook is None:
                continue
            steps = {step.action.partition(".")[0] for step in playbook.steps.values()}
            named = getattr(playbook.trigger, "service", None)
            if app.category is Category.TRIGGER_SERVICE and named not in fed:
                continue
            if app.category is Category.PLAYBOOK and app.id not in steps:
                continue
            item = published[version_id]
            found.append(Use(each.id, each.name, item.playbook_id, item.name))
    return sorted(found, key=lambda use: (use.organization, use.playbook))


def _rows(tx: Transaction) -> dict[str, Installation]:
    found = {}
    for row in tx.all(sa.select(apps)):
        found[row["id"]] = Installation(**{**row, "organizations": tuple(row["organizations"])})
    return found


def _put(tx: Transaction, app: App, *, installed: bool, everybody: bool, chosen: list[str], by: str) -> None:
    row = {
        "id": app.id,
        "version": app.version,
        "installed": installed,
        "everybody": everybody,
        "organizations": chosen,
        "changed_at": clock.now(),
        "changed_by": storable(by),
    }
    tx.upsert(apps, [row])


def _tell(tx: Transaction, event: Event, app: App, more: dict[str, Any], by: str) -> None:
    """Write it down in every organization, as each is concerned."""
    for each in organizations.every(tx):
        log.write(tx, event, each.id, app.id, details={"name": app.title, "version": app.version, **more}, actor=by)
        tx.changed(each.id, "app", app.id, event.value.partition(":")[2])
