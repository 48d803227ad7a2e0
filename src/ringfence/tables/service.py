"""The tables of an organization: make, describe, list, find, remove. All functions work inside the caller's transaction."""

from difflib import get_close_matches
from typing import Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import lookup_entries, lookup_tables
from ringfence.tables.model import LONGEST_NAME, LONGEST_NOTE, Kind, Table

MOST_TABLES: Final = 200


def make(tx: Transaction, organization_id: str, name: str, kind: str, description: str, *, by: str) -> Table:
    """Make a table; Invalid if it cannot be one, Conflict if the name is taken."""
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise Invalid("This cannot be a table's name.", advice=f"Use 1 to {LONGEST_NAME} characters that can be seen.")
    if kind not in list(Kind):
        raise Invalid(f"There is no kind {kind[:60]!r}.", advice=f"Kinds are: {', '.join(Kind)}.")
    if len(description) > LONGEST_NOTE:
        raise Invalid(f"A description has at most {LONGEST_NOTE} characters.")
    if len(every(tx, organization_id)) >= MOST_TABLES:
        raise Conflict(f"An organization keeps at most {MOST_TABLES} tables.", advice="Remove one first.")
    row = {"id": clock.new_id(), "organization_id": organization_id, "name": name, "kind": kind}
    more = {"description": storable(description.strip()), "created_at": clock.now(), "created_by": storable(by)}
    tx.insert_new(lookup_tables, [row | more])
    made = by_name(tx, organization_id, name)
    if made.id != row["id"]:
        raise Conflict(f"There already is a table named {name!r}.", advice="Choose another name.")
    tx.changed(organization_id, "table", made.id, "created")
    log.write(tx, Event.TABLE_CREATED, organization_id, made.id, details={"name": name, "kind": kind}, actor=by)
    return made


def remove(tx: Transaction, organization_id: str, name: str, *, by: str) -> Table:
    """Remove a table with its entries; returns it as it was."""
    found = by_name(tx, organization_id, name)
    tx.execute(sa.delete(lookup_tables).where(lookup_tables.c.id == found.id))
    tx.changed(organization_id, "table", found.id, "removed")
    details = {"name": found.name, "entries": found.entries + found.expired}
    log.write(tx, Event.TABLE_REMOVED, organization_id, found.id, details=details, actor=by)
    return found


def every(tx: Transaction, organization_id: str) -> list[Table]:
    """Return an organization's tables in the order of their names."""
    query = _query().where(lookup_tables.c.organization_id == organization_id).order_by(lookup_tables.c.name)
    return [Table(**row) for row in tx.all(query)]


def by_name(tx: Transaction, organization_id: str, name: str) -> Table:
    """Return a table by its name or id; NotFound, with the names that there are, if there is none."""
    wanted = sa.or_(lookup_tables.c.name == storable(name), lookup_tables.c.id == storable(name))
    row = tx.one(_query().where(lookup_tables.c.organization_id == organization_id, wanted))
    if row is not None:
        return Table(**row)
    names = [each.name for each in every(tx, organization_id)]
    near = get_close_matches(name, names, 1)
    make_it = "Make it: `ringfence table add`."
    advice = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(names)}." if names else make_it
    raise NotFound(f"There is no table named {name[:100]!r}.", advice=advice)


def locked(tx: Transaction, organization_id: str, name: str) -> Table:
    """Return a table as `by_name` does, and let nobody else who does so go on until the transaction ends."""
    found = by_name(tx, organization_id, name)
    tx.one(sa.select(lookup_tables.c.id).where(lookup_tables.c.id == found.id).with_for_update())
    return by_name(tx, organization_id, found.id)


def _query() -> sa.Select[tuple[object, ...]]:
    entries, now = lookup_entries.c, clock.now()
    mine = sa.select(sa.func.count()).where(entries.table_id == lookup_tables.c.id)
    over = entries.expires_at <= now
    return sa.select(
        lookup_tables,
        mine.where(sa.or_(entries.expires_at.is_(None), ~over)).scalar_subquery().label("entries"),
        mine.where(over).scalar_subquery().label("expired"),
    )
