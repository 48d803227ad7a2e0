"""Filters of lists, kept by name: for oneself, or shared with everybody in the organization. All inside the caller's transaction.

One filter of each list can be a person's default: the bare address of the list leads to it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Conflict, Forbidden, Invalid, NotFound
from ringfence.security.rbac import Actor, Permission, require
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import list_choices, saved_filters, users
from ringfence.views.lists import LISTS, by_name

MOST: Final = 100
"""So many filters somebody keeps of one list."""
LONGEST_NAME: Final = 80
_F, _C = saved_filters.c, list_choices.c


@dataclass(frozen=True, slots=True)
class Filter:
    """One saved filter as somebody sees it: `query` is what the address says after the question mark."""

    id: str
    list: str
    name: str
    query: str
    shared: bool
    owner: str
    mine: bool
    default: bool
    changed_at: datetime

    @property
    def address(self) -> str:
        """Where it leads."""
        return f"{LISTS[self.list].address}?{self.query}"


def visible(tx: Transaction, asker: Actor, name: str | None = None) -> list[Filter]:
    """Return the filters that somebody may use, of one list or of all: their own first, then shared ones, each by name."""
    query = _seen(asker).order_by(_F.list, _F.user_id != (asker.user_id or ""), sa.func.lower(_F.name), _F.id)
    if name is not None:
        query = query.where(_F.list == name)
    return list(_filters(tx, asker, query))


def get(tx: Transaction, asker: Actor, filter_id: str) -> Filter:
    """Return one filter that somebody may use; NotFound if there is none."""
    found = next(_filters(tx, asker, _seen(asker).where(_F.id == storable(filter_id))), None)
    if found is None:
        raise NotFound(
            "There is no such saved filter.", advice="Somebody may have removed it, or keeps it for themselves."
        )
    return found


def default(tx: Transaction, asker: Actor, name: str) -> Filter | None:
    """Return the filter that the bare address of a list leads somebody to, None where they chose none."""
    chosen = _C.filter_id.is_not(None)
    return next(_filters(tx, asker, _seen(asker).where(_F.list == name, chosen)), None)


def save(
    tx: Transaction, asker: Actor, name: str, title: str, query: str, *, shared: bool = False, as_default: bool = False
) -> Filter:
    """Keep a filter of a list under a title; one of the asker's own that has it already is replaced."""
    user_id = _person(asker)
    kind = by_name(name)
    require(asker, kind.permission)
    title, wanted = _title(title), kind.normal(query)
    if not wanted:
        raise Invalid(
            "There is no filter to save.", advice=f"Filter the list first. Its fields are: {', '.join(kind.fields)}."
        )
    own = [each for each in visible(tx, asker, name) if each.mine]
    before = next((each for each in own if each.name == title), None)
    if before is None and len(own) >= MOST:
        raise Conflict(f"You keep {MOST} filters of this list.", advice="Remove one first.")
    _may_share(asker, before, shared=shared, changed=before is None or before.query != wanted)
    row = {"organization_id": asker.organization_id, "user_id": user_id, "list": name, "name": title}
    values = {"query": wanted, "shared": shared, "changed_at": clock.now()}
    if before is None:
        tx.insert_new(saved_filters, [{"id": clock.new_id()} | row | values])
    else:
        tx.execute(sa.update(saved_filters).where(_F.id == before.id).values(**values))
    made = next(each for each in visible(tx, asker, name) if each.mine and each.name == title)
    _note(tx, asker, made, before)
    return set_default(tx, asker, made.id, on=True) if as_default and not made.default else made


def change(
    tx: Transaction, asker: Actor, filter_id: str, *, title: str | None = None, shared: bool | None = None
) -> Filter:
    """Rename a filter of one's own, share it or keep it for oneself; what is None stays."""
    _person(asker)
    before = get(tx, asker, filter_id)
    if not before.mine:
        raise Forbidden(
            f"{before.name!r} is a filter of {before.owner}.", advice="Save it anew, under a name of your own."
        )
    title = before.name if title is None else _title(title)
    shared = before.shared if shared is None else shared
    if any(each.mine and each.name == title and each.id != before.id for each in visible(tx, asker, before.list)):
        raise Conflict(f"You have a filter of this list named {title!r}.", advice="Choose another name.")
    _may_share(asker, before, shared=shared, changed=title != before.name)
    values = {"name": title, "shared": shared, "changed_at": clock.now()}
    tx.execute(sa.update(saved_filters).where(_F.id == before.id).values(**values))
    made = get(tx, asker, before.id)
    _note(tx, asker, made, before)
    return made


def set_default(tx: Transaction, asker: Actor, filter_id: str, *, on: bool) -> Filter:
    """Let the bare address of a filter's list lead the asker to it, or no longer; nobody else's does."""
    user_id = _person(asker)
    found = get(tx, asker, filter_id)
    mine = {"organization_id": asker.organization_id, "user_id": user_id, "list": found.list}
    tx.insert_new(list_choices, [mine])
    here = [list_choices.c[column] == value for column, value in mine.items()]
    if on:
        tx.execute(sa.update(list_choices).where(*here).values(filter_id=found.id))
    else:
        tx.execute(sa.update(list_choices).where(*here, _C.filter_id == found.id).values(filter_id=None))
    return get(tx, asker, found.id)


def remove(tx: Transaction, asker: Actor, filter_id: str) -> Filter:
    """Remove a filter: one's own, or a shared one for whoever may change the organization."""
    _person(asker)
    found = get(tx, asker, filter_id)
    if not found.mine:
        require(asker, Permission.ORGANIZATION_CHANGE)
    tx.execute(sa.delete(saved_filters).where(_F.id == found.id))
    if found.shared:
        log.write(tx, Event.FILTER_REMOVED, asker.organization_id, found.id, details=_said(found))
    return found


def _seen(asker: Actor) -> sa.Select[tuple[object, ...]]:
    me = asker.user_id or ""
    mine = sa.and_(_C.filter_id == _F.id, _C.user_id == me, _C.organization_id == _F.organization_id)
    return (
        sa.select(saved_filters, users.c.name.label("owner"), _C.filter_id.label("chosen"))
        # Whoever left the organization is nobody that it may look at.
        .select_from(saved_filters.outerjoin(users, users.c.id == _F.user_id).outerjoin(list_choices, mine))
        .where(_F.organization_id == asker.organization_id, sa.or_(_F.user_id == me, _F.shared))
    )


def _filters(tx: Transaction, asker: Actor, query: sa.Select[tuple[object, ...]]) -> Iterator[Filter]:
    for row in tx.all(query):
        kind = LISTS.get(row["list"])
        # A list that this release no longer has leads nowhere.
        if kind is None or not asker.may(kind.permission):
            continue
        yield Filter(
            id=row["id"],
            list=row["list"],
            name=row["name"],
            query=row["query"],
            shared=row["shared"],
            owner=row["owner"] or "somebody who left",
            mine=row["user_id"] == asker.user_id,
            default=row["chosen"] is not None,
            changed_at=row["changed_at"],
        )


def _person(asker: Actor) -> str:
    if asker.user_id is None:
        raise Invalid("Only a person keeps filters.", advice="Ask with a session, or with a token of a person.")
    return asker.user_id


def _title(text: str) -> str:
    title = storable(" ".join(text.split()))
    if not 1 <= len(title) <= LONGEST_NAME or not title.isprintable():
        raise Invalid("This cannot be a filter's name.", advice=f"Use 1 to {LONGEST_NAME} characters that can be seen.")
    return title


def _may_share(asker: Actor, before: Filter | None, *, shared: bool, changed: bool) -> None:
    was = before is not None and before.shared
    if shared != was or (was and changed):
        require(asker, Permission.FILTER_SHARE)


def _note(tx: Transaction, asker: Actor, made: Filter, before: Filter | None) -> None:
    if made.shared:
        log.write(tx, Event.FILTER_SHARED, asker.organization_id, made.id, details=_said(made))
    elif before is not None and before.shared:
        log.write(tx, Event.FILTER_REMOVED, asker.organization_id, made.id, details=_said(made))


def _said(found: Filter) -> dict[str, str]:
    return {"name": found.name, "list": found.list, "query": found.query}
