"""An account as people look at it: what it needs and has, who uses it, its second credential, and what became of it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ringfence.accounts import credentials, records
from ringfence.accounts.credentials import Beside
from ringfence.accounts.model import Account
from ringfence.accounts.permissions import Need, Standing, Wish, compare
from ringfence.accounts.service import needed_of
from ringfence.audit import log
from ringfence.defender import Api
from ringfence.services import records as services
from ringfence.services.model import Service
from ringfence.storage import Transaction

HISTORY = 50
"""Entries of the history that are shown at most, newest first."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One entry of an account's history: a state that it came into, with the reason, or what somebody did."""

    at: datetime
    event: str
    reason: str
    actor: str


@dataclass(frozen=True, slots=True)
class Picture:
    """One account with all that belongs to it; `history` is newest first, as the audit log has it."""

    account: Account
    beside: Beside | None
    needed: tuple[Need, ...]
    standing: Standing
    playbooks: tuple[Wish, ...]
    services: tuple[Service, ...]
    history: tuple[Happening, ...]


def picture(
    tx: Transaction,
    account_id: str,
    wishes: Callable[[Transaction, Account], Sequence[Wish]],
    *,
    organization_id: str,
) -> Picture:
    """Return an organization's account as it is now; NotFound if it has none with this id."""
    account = records.by_id(tx, account_id, organization_id=organization_id)
    needed = needed_of(tx, account, wishes)
    return Picture(
        account=account,
        beside=credentials.beside(tx, account.id),
        needed=needed,
        standing=compare(needed, granted(account)),
        playbooks=tuple(wishes(tx, account)),
        services=tuple(services.of_account(tx, account.id)),
        history=history(tx, account),
    )


def history(tx: Transaction, account: Account) -> tuple[Happening, ...]:
    """Return what became of an account last, newest first."""
    return page_of_history(tx, account, limit=HISTORY)[0]


def page_of_history(
    tx: Transaction, account: Account, *, limit: int, below: int | None = None
) -> tuple[tuple[Happening, ...], int | None]:
    """Return what became of an account, newest first, `below` an entry of the log; and below which one there is more."""
    found = log.listing(tx, account.organization_id, subject="account", subject_id=account.id, limit=limit, below=below)
    shown = tuple(
        Happening(each.at, each.event, str(json.loads(each.details).get("reason") or ""), each.actor)
        for each in found.entries
    )
    return shown, found.next


def granted(account: Account) -> dict[Api, Sequence[str] | None]:
    """Return the roles that the account's tokens held when they were looked at last; absent where they never were."""
    found: dict[Api, Sequence[str] | None] = {}
    if account.roles or account.proven_at is not None:
        found[Api.MDE] = account.roles
    for api in (Api.XDR, Api.GRAPH):
        if api.value in account.other_roles:
            found[api] = account.other_roles[api.value]
    return found
