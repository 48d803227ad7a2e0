"""Rows that hold sealed texts, with something in every column that must have it."""

from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.security.crypto import Vault
from ringfence.security.sealed import SEALED, Sealed
from ringfence.storage import Transaction
from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables import organizations


def organization(tx: Transaction, name: str) -> str:
    """Insert an organization and return its id."""
    organization_id = clock.new_id()
    filled(tx, organizations, id=organization_id, name=name)
    return organization_id


def filled(tx: Transaction, table: sa.Table, **values: Any) -> str:
    """Insert a row and return its id."""
    needed = [column for column in table.c if not column.nullable and column.server_default is None]
    values = {name: value for name, value in values.items() if name in table.c}
    row = {column.name: _something(column) for column in needed} | values
    if "id" in table.c:
        row = {"id": clock.new_id()} | values | {key: value for key, value in row.items() if key != "id"}
    tx.execute(sa.insert(table).values(row))
    return str(row.get("id", ""))


def put(tx: Transaction, vault: Vault, organization_id: str, each: Sealed, text: str, **more: Any) -> str:
    """Insert a row of the column's table with `text` sealed in it, and return its id.

    `more` are values for those columns of it, and of what it needs, that have these names.
    """
    table = each.column.table
    assert isinstance(table, sa.Table)
    row_id = clock.new_id()
    values: dict[str, Any] = {"organization_id": organization_id}
    if each.owner is not None:
        name, owner = each.owner
        values = {name: filled(tx, owner, **(more | values))}
        row_id = values.get(each.key, row_id)
    for foreign in table.foreign_keys:
        if foreign.parent.name not in values and not foreign.parent.nullable:
            # What such a row seals itself is left empty: it is not asked for.
            empty = {other.column.name: "" for other in SEALED if other.column.table is foreign.column.table}
            values[foreign.parent.name] = filled(
                tx, foreign.column.table, **(more | {"organization_id": organization_id} | empty)
            )
    row_id = values.get(each.key, row_id)
    sealed = vault.seal(organization_id, f"{each.purpose}:{row_id}", text)
    filled(tx, table, **(more | values | {each.key: row_id, each.column.name: sealed}))
    return str(row_id)


def _something(column: sa.Column[Any]) -> object:
    match column.type:
        case Moment():
            return clock.now()
        case JsonText():
            return {}
        case sa.Boolean():
            return False
        case sa.Integer() | sa.Float():
            return 1
        case _:
            # Of its own for each row: some columns are unique.
            return clock.new_id()[-8:]
