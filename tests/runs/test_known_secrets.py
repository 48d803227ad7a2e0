"""Every secret that Ringfence seals for an organization is known, and hidden wherever it turns up."""

import json
from typing import Any

import pytest
import sqlalchemy as sa

from ringfence import clock
from ringfence.runs import known_secrets
from ringfence.runs.known_secrets import SEALED
from ringfence.security.crypto import Vault
from ringfence.security.hiding import HIDDEN
from ringfence.storage import Database, Transaction
from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables import metadata, organizations, webhook_secrets, webhooks

VAULT = Vault(bytes(32))


def test_no_sealed_column_is_forgotten() -> None:
    sealed = {column for table in metadata.tables.values() for column in table.c if column.name.endswith("sealed")}
    assert sealed == {each.column for each in SEALED}


def something(column: sa.Column[Any]) -> object:
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
            return "x"


def filled(tx: Transaction, table: sa.Table, **values: Any) -> str:
    """Insert a row with something in every column that must have it."""
    needed = [column for column in table.c if not column.nullable and column.server_default is None]
    row = {column.name: something(column) for column in needed} | {"id": clock.new_id()} | values
    tx.execute(sa.insert(table).values(row))
    return str(row["id"])


@pytest.mark.parametrize("number", range(len(SEALED)), ids=[each.column.table.name for each in SEALED])
def test_what_is_sealed_is_hidden_and_that_of_others_is_not_known(embedded: Database, number: int) -> None:
    each, secret = SEALED[number], "canary-of-contoso-42"
    table = each.column.table
    assert isinstance(table, sa.Table)

    def put(tx: Transaction) -> tuple[str, str]:
        made = {name: clock.new_id() for name in ("contoso", "fabrikam")}
        for name, own_id in made.items():
            tx.execute(sa.insert(organizations).values(id=own_id, name=name, created_at=clock.now()))
        owner: dict[str, Any] = {"organization_id": made["contoso"]}
        if table is webhook_secrets:
            owner = {"webhook_id": filled(tx, webhooks, **owner)}
        row_id = filled(tx, table, **owner)
        opened = json.dumps({"password": secret, "to": ["soc"]})
        sealed = VAULT.seal(made["contoso"], f"{each.purpose}:{row_id}", opened)
        tx.execute(sa.update(table).where(table.c.id == row_id).values({each.column.name: sealed}))
        return made["contoso"], made["fabrikam"]

    own, other = embedded.run_now(put)
    assert embedded.read_now(lambda tx: known_secrets.hider(tx, VAULT, own)).text(f"a {secret} b") == f"a {HIDDEN} b"
    assert embedded.read_now(lambda tx: known_secrets.hider(tx, VAULT, other)).text(secret) == secret
    # With another key there is nothing to be known, and no failure.
    strange = Vault(bytes([1]) * 32)
    assert embedded.read_now(lambda tx: known_secrets.hider(tx, strange, own)).text(secret) == secret
