"""The second credential of an account: beside the one that it uses, to be proven first, and then switched to.

Each move is one transaction: whenever a process dies, an account uses exactly one credential, and the other one is either
not there yet, or lies beside it with its stage. Both are sealed for the same purpose, so that a switch copies sealed texts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.accounts import records
from ringfence.accounts.model import Account, AccountState
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Conflict, NotFound
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import account_credentials as table


class Stage(StrEnum):
    """How far a second credential is: added; proven to work; used until the switch."""

    NEW = "new"
    PROVEN = "proven"
    OLD = "old"


@dataclass(frozen=True, slots=True)
class Beside:
    """The credential beside the one that an account uses; `reason` says why it did not work when it was tried last."""

    id: str
    organization_id: str
    account_id: str
    stage: Stage
    secret_sealed: str = field(repr=False)
    secret_expires_on: date | None
    certificate_thumbprint: str | None
    reason: str
    proven_at: datetime | None
    created_at: datetime
    created_by: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "stage", Stage(self.stage))

    def of(self, account: Account) -> Account:
        """Return the account as it would be with this credential."""
        return replace(
            account,
            secret_sealed=self.secret_sealed,
            secret_expires_on=self.secret_expires_on,
            certificate_thumbprint=self.certificate_thumbprint,
        )


_SELECT: Final = sa.select(table)


def beside(tx: Transaction, account_id: str) -> Beside | None:
    """Return the second credential of an account, None if there is none."""
    row = tx.one(_SELECT.where(table.c.account_id == account_id))
    return None if row is None else Beside(**row)


def get(tx: Transaction, account: Account) -> Beside:
    """Return the second credential of an account; NotFound if there is none."""
    found = beside(tx, account.id)
    if found is None:
        raise NotFound(
            f"The account {account.name!r} has one credential only.",
            advice="Add a second one first: `ringfence account credential add`.",
        )
    return found


def all_of(tx: Transaction, organization_id: str) -> Mapping[str, Beside]:
    """Return the second credentials of an organization by their accounts."""
    return {
        row["account_id"]: Beside(**row) for row in tx.all(_SELECT.where(table.c.organization_id == organization_id))
    }


def offer(
    tx: Transaction,
    account: Account,
    *,
    sealed: str,
    expires_on: date | None,
    thumbprint: str | None,
    by: str,
) -> Beside:
    """Put a new credential beside the one that the account uses; Conflict if there is one already."""
    row = {
        "id": clock.new_id(),
        "organization_id": account.organization_id,
        "account_id": account.id,
        "stage": Stage.NEW,
        "secret_sealed": sealed,
        "secret_expires_on": expires_on,
        "certificate_thumbprint": thumbprint,
        "reason": "",
        "proven_at": None,
        "created_at": clock.now(),
        "created_by": storable(by),
    }
    tx.insert_new(table, [row])
    found = get(tx, account)
    if found.id != row["id"]:
        raise Conflict(
            f"The account {account.name!r} has a second credential already.",
            advice="Switch to it, or remove it first: `ringfence account credential remove`.",
        )
    _tell(tx, account, Event.ACCOUNT_CREDENTIAL_ADDED, found)
    if account.state is AccountState.FAILED:
        # Everything waits for it: it is tried at once, and taken if it works.
        records.hurry(tx, account.id)
    return found


def mark(tx: Transaction, found: Beside, *, proven: bool, reason: str) -> None:
    """Record whether the second credential worked just now, unless it was switched or removed meanwhile."""
    values: dict[str, Any] = {"reason": storable(reason)}
    if proven:
        values |= {"stage": Stage.PROVEN, "proven_at": clock.now()}
    elif found.stage is Stage.PROVEN:
        values |= {"stage": Stage.NEW}
    mine = (table.c.id == found.id) & (table.c.secret_sealed == found.secret_sealed)
    tx.execute(sa.update(table).where(mine).values(**values))
    tx.changed(found.organization_id, "account", found.account_id, "credential")


def switch(
    tx: Transaction, account: Account, found: Beside, roles: tuple[str, ...] | None, *, shortcoming: str = ""
) -> None:
    """Use the second credential, proven just now, and keep the one before beside it; Conflict if somebody was quicker."""
    current = records.by_id(tx, account.id)
    mine = (table.c.id == found.id) & (table.c.secret_sealed == found.secret_sealed)
    before = {
        "stage": Stage.OLD,
        "secret_sealed": current.secret_sealed,
        "secret_expires_on": current.secret_expires_on,
        "certificate_thumbprint": current.certificate_thumbprint,
        "reason": "",
        "proven_at": current.proven_at,
    }
    if tx.execute(sa.update(table).where(mine).values(**before)).rowcount == 0:
        raise Conflict("The second credential was switched or removed meanwhile.", advice="Look at the account again.")
    records.replace_credential(tx, found.of(current), roles, shortcoming=shortcoming)


def withdraw(tx: Transaction, account: Account) -> None:
    """Remove the second credential; NotFound if there is none."""
    found = get(tx, account)
    tx.execute(sa.delete(table).where(table.c.id == found.id))
    _tell(tx, account, Event.ACCOUNT_CREDENTIAL_REMOVED, found)


def _tell(tx: Transaction, account: Account, event: Event, found: Beside) -> None:
    tx.changed(account.organization_id, "account", account.id, "credential")
    said = {
        "name": account.name,
        "stage": found.stage,
        "thumbprint": found.certificate_thumbprint,
        "expires_on": found.secret_expires_on.isoformat() if found.secret_expires_on else None,
    }
    log.write(tx, event, account.organization_id, account.id, details=said)
