"""The entries of a table: put, take out, look up, list. All functions work inside the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Conflict, Invalid
from ringfence.storage import Transaction, editions
from ringfence.storage.columns import storable
from ringfence.storage.tables import lookup_entries
from ringfence.tables.model import Entry, NewEntry, Table, check, key_of, keys_for

MOST_ENTRIES: Final = 50_000
MOST_LOOKED_UP: Final = 1_000
_TOGETHER: Final = 500
_NAMED: Final = 20
_SHOWN: Final = [lookup_entries.c[name] for name in Entry.__dataclass_fields__]


@dataclass(frozen=True, slots=True)
class Found:
    """A value that was looked for, and the closest entry that holds it, None where none does."""

    value: str
    entry: Entry | None


def put(tx: Transaction, table: Table, new: Sequence[NewEntry], *, by: str, effect: str | None = None) -> int:
    """Put entries into a table, replacing those with the same values; returns how many were not there before.

    Invalid, and nothing is put, for a value, note or field that cannot be kept. With an `effect`, its key: entries that it
    put before stay as they are.
    """
    now, rows = clock.now(), dict[str, dict[str, Any]]()
    for each in new:
        check(each)
        if each.expires_at is not None and each.expires_at <= now:
            raise Invalid(f"{each.value[:60]!r} would have expired already.", advice="Give a moment to come, or none.")
        key = key_of(table.kind, storable(each.value))
        rows[key] = {
            "id": clock.new_id(),
            "table_id": table.id,
            "key": key,
            "value": storable(each.value.strip()),
            "note": _seen(each.note.strip()),
            "data": {name: _seen(text) for name, text in each.data.items()},
            "expires_at": each.expires_at,
            "added_at": now,
            "added_by": storable(by),
            "effect_key": effect,
        }
    before = _by_keys(tx, table, list(rows))
    done = [key for key, row in before.items() if effect is not None and row["effect_key"] == effect]
    for key in done:
        del rows[key]
    if not rows:
        return len(done)
    added = [key for key in rows if key not in before]
    if table.entries + table.expired + len(added) > MOST_ENTRIES:
        raise Conflict(f"A table has at most {MOST_ENTRIES} entries.", advice="Take out what has expired.")
    _delete(tx, table, [key for key in rows if key in before])
    tx.execute(sa.insert(lookup_entries), list(rows.values()))
    named = [row["value"] for row in rows.values()]
    _tell(tx, table, by, {"added": len(added), "replaced": len(rows) - len(added), "values": named[:_NAMED]})
    return len(added) + len(done)


def take_out(tx: Transaction, table: Table, values: Sequence[str], *, by: str) -> int:
    """Take entries out of a table by their values; returns how many were there."""
    keys = [key_of(table.kind, storable(each)) for each in values]
    found = _by_keys(tx, table, keys)
    if found:
        _delete(tx, table, list(found))
        _tell(tx, table, by, {"removed": len(found), "values": [row["value"] for row in found.values()][:_NAMED]})
    return len(found)


def take_out_expired(tx: Transaction, table: Table, *, by: str) -> int:
    """Take out what has expired; returns how many entries."""
    over = sa.and_(lookup_entries.c.table_id == table.id, lookup_entries.c.expires_at <= clock.now())
    count: int = tx.execute(sa.delete(lookup_entries).where(over)).rowcount
    if count:
        _tell(tx, table, by, {"removed": count, "expired": True})
    return count


def empty(tx: Transaction, table: Table, *, by: str) -> int:
    """Take everything out, as an import that replaces the whole table begins; returns how many entries."""
    count: int = tx.execute(sa.delete(lookup_entries).where(lookup_entries.c.table_id == table.id)).rowcount
    if count:
        _tell(tx, table, by, {"removed": count, "all": True})
    return count


def edition(tx: Transaction, table: Table) -> str:
    """Return what changes with a table and whenever something is put into it or taken out; see `editions`."""
    newest = sa.select(sa.func.count(), sa.func.max(lookup_entries.c.added_at), sa.func.max(lookup_entries.c.id))
    counted = tx.one(newest.where(lookup_entries.c.table_id == table.id))
    return editions.edition(table, *(counted or {}).values())


def look_up(tx: Transaction, table: Table, values: Sequence[str]) -> list[Found]:
    """Return for each value, in order, the closest entry that holds it and has not expired."""
    if len(values) > MOST_LOOKED_UP:
        raise Invalid(f"At most {MOST_LOOKED_UP} values are looked up at once.", advice="Look them up in parts.")
    wanted = [keys_for(table.kind, storable(each)) for each in values]
    present = _by_keys(tx, table, list(dict.fromkeys(key for keys in wanted for key in keys)))
    now, found = clock.now(), []
    for value, keys in zip(values, wanted, strict=True):
        entries = (_entry(present[key]) for key in keys if key in present)
        found.append(Found(value, next((each for each in entries if not each.expired(now)), None)))
    return found


def listed(
    tx: Transaction, table: Table, *, text: str = "", limit: int = 100, offset: int = 0, after: str | None = None
) -> list[Entry]:
    """Return entries in the order of their keys, those with a text in value or note where one is given.

    They begin behind `after`, a value that need not be there any more.
    """
    query = sa.select(*_SHOWN).where(lookup_entries.c.table_id == table.id)
    if after is not None:
        query = query.where(lookup_entries.c.key > key_of(table.kind, storable(after)))
    if text.strip():
        parts = [column.icontains(storable(text.strip()), autoescape=True) for column in (_VALUE, _NOTE)]
        query = query.where(sa.or_(*parts))
    return [_entry(row) for row in tx.all(query.order_by(lookup_entries.c.key).limit(limit).offset(offset))]


_VALUE: Final = lookup_entries.c.value
_NOTE: Final = lookup_entries.c.note


def _seen(text: str) -> str:
    """Return a text without what commands a terminal: it goes there and into spreadsheets as it is."""
    return "".join(each if each.isprintable() or each in "\n\t" else "\ufffd" for each in storable(text))


def _by_keys(tx: Transaction, table: Table, keys: Sequence[str]) -> dict[str, sa.RowMapping]:
    found: dict[str, sa.RowMapping] = {}
    for first in range(0, len(keys), _TOGETHER):
        some = keys[first : first + _TOGETHER]
        query = sa.select(lookup_entries).where(lookup_entries.c.table_id == table.id, lookup_entries.c.key.in_(some))
        found |= {row["key"]: row for row in tx.all(query)}
    return found


def _delete(tx: Transaction, table: Table, keys: Sequence[str]) -> None:
    for first in range(0, len(keys), _TOGETHER):
        some = keys[first : first + _TOGETHER]
        mine = sa.and_(lookup_entries.c.table_id == table.id, lookup_entries.c.key.in_(some))
        tx.execute(sa.delete(lookup_entries).where(mine))


def _tell(tx: Transaction, table: Table, by: str, details: dict[str, Any]) -> None:
    tx.changed(table.organization_id, "table", table.id, "changed")
    said = {"name": table.name, **details}
    log.write(tx, Event.TABLE_CHANGED, table.organization_id, table.id, details=said, actor=by)


def _entry(row: sa.RowMapping) -> Entry:
    return Entry(**{name: row[name] for name in Entry.__dataclass_fields__})
