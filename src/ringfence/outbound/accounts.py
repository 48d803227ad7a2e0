"""The accounts of an organization for services by HTTP: add, renew, list, find, remove, and open to send only.

All functions work inside the caller's transaction.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Conflict, NotFound
from ringfence.outbound.model import HttpAccount, NewHttpAccount, base, check_name, text_of
from ringfence.security.crypto import Vault
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import http_accounts


def add(tx: Transaction, vault: Vault, organization_id: str, new: NewHttpAccount, *, by: str) -> HttpAccount:
    """Make an account; Invalid if it cannot be one, Conflict if the name is taken. Its credential is never shown again."""
    name, now, account_id = check_name(new.name), clock.now(), clock.new_id()
    row = {
        "id": account_id,
        "organization_id": organization_id,
        "name": name,
        "kind": new.kind,
        "address": str(base(new.address)),
        "shown": new.settings(),
        "sealed": _sealed(vault, organization_id, account_id, new.secret),
        "created_at": now,
        "created_by": storable(by),
        "renewed_at": now,
    }
    tx.insert_new(http_accounts, [row])
    made = by_name(tx, organization_id, name)
    if made.id != account_id:
        raise Conflict(f"There already is an account named {name!r}.", advice="Choose another name, or renew that one.")
    _tell(tx, Event.HTTP_ACCOUNT_ADDED, made, by)
    return made


def renew(tx: Transaction, vault: Vault, organization_id: str, name: str, secret: str, *, by: str) -> HttpAccount:
    """Give an account a new credential of the same kind."""
    found = by_name(tx, organization_id, name)
    sealed, now = _sealed(vault, organization_id, found.id, secret), clock.now()
    mine = http_accounts.c.id == found.id
    tx.execute(sa.update(http_accounts).where(mine).values(sealed=sealed, renewed_at=now))
    _tell(tx, Event.HTTP_ACCOUNT_RENEWED, found, by)
    return replace(found, renewed_at=now)


def remove(tx: Transaction, organization_id: str, name: str, *, by: str) -> HttpAccount:
    """Remove an account and its credential."""
    found = by_name(tx, organization_id, name)
    tx.execute(sa.delete(http_accounts).where(http_accounts.c.id == found.id))
    _tell(tx, Event.HTTP_ACCOUNT_REMOVED, found, by)
    return found


def every(tx: Transaction, organization_id: str) -> list[HttpAccount]:
    """Return an organization's accounts in the order of their names."""
    mine = http_accounts.c.organization_id == organization_id
    return [_account(row) for row in tx.all(sa.select(http_accounts).where(mine).order_by(http_accounts.c.name))]


def by_name(tx: Transaction, organization_id: str, name: str) -> HttpAccount:
    """Return an account by its name or id; NotFound, with the names that there are, if there is none."""
    known = every(tx, organization_id)
    for each in known:
        if name in (each.name, each.id):
            return each
    names = [each.name for each in known]
    near = get_close_matches(name, names, 1)
    make_it = "Make it: `ringfence http-account add`."
    advice = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(names)}." if names else make_it
    raise NotFound(f"There is no HTTP account named {name[:100]!r}.", advice=advice)


def opened(tx: Transaction, vault: Vault, account: HttpAccount) -> str:
    """Open an account's secret."""
    sealed = tx.scalar(sa.select(http_accounts.c.sealed).where(http_accounts.c.id == account.id))
    if sealed is None:
        raise NotFound("The account was removed.")
    document: Mapping[str, Any] = json.loads(vault.open(account.organization_id, _purpose(account.id), sealed))
    return str(document["secret"])


def _sealed(vault: Vault, organization_id: str, account_id: str, secret: str) -> str:
    document = json.dumps({"secret": text_of(secret, "secret")})
    return vault.seal(organization_id, _purpose(account_id), document)


def _tell(tx: Transaction, event: Event, account: HttpAccount, by: str) -> None:
    tx.changed(account.organization_id, "http_account", account.id, event.value.partition(":")[2])
    details = {"name": account.name, "kind": account.kind.value, "address": account.address}
    log.write(tx, event, account.organization_id, account.id, details=details, actor=by)


def _purpose(account_id: str) -> str:
    return f"http-account:{account_id}"


def _account(row: sa.RowMapping) -> HttpAccount:
    return HttpAccount(**{name: row[name] for name in HttpAccount.__dataclass_fields__})
