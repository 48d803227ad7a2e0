"""Find accounts and move them between states; each move is one conditional update with its entry in the change feed."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.accounts.model import Account, AccountState, sources
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Conflict, NotFound
from ringfence.services import records as services
from ringfence.storage import Transaction, editions
from ringfence.storage.columns import storable
from ringfence.storage.tables import accounts, organizations, trigger_services

_OF_IT = trigger_services.c.account_id == accounts.c.id
_MOMENT: Final = timedelta(minutes=1)
_SELECT: Final = sa.select(
    accounts,
    sa.select(sa.func.max(trigger_services.c.polled_at)).where(_OF_IT).scalar_subquery().label("polled_at"),
    sa.select(sa.func.coalesce(sa.func.max(trigger_services.c.poll_error), ""))
    .where(_OF_IT)
    .scalar_subquery()
    .label("poll_error"),
)


def insert(tx: Transaction, account: Account) -> Account:
    """Save a new account, followed by a service of its name; Conflict if the organization has one of that name.

    The first account of an organization becomes the one that contains.
    """
    _queue(tx, account.organization_id)
    row = {column.name: getattr(account, column.name) for column in accounts.c}
    first = sensor(tx, account.organization_id) is None
    row |= {"roles": list(account.roles), "state_reason": storable(account.state_reason), "sensor": first}
    row |= {"features": list(account.features), "state_since": account.state_since or account.created_at}
    tx.insert_new(accounts, [row])
    if by_name(tx, account.organization_id, account.name).id != account.id:
        raise name_taken(account.name)
    tx.changed(account.organization_id, "account", account.id, account.state)
    said = {
        "name": account.name,
        "tenant_id": account.tenant_id,
        "client_id": account.client_id,
        "state": account.state,
    }
    log.write(tx, Event.ACCOUNT_ADDED, account.organization_id, account.id, details=said)
    services.follow(tx, account.organization_id, account.id, account.name)
    return by_id(tx, account.id)


def _queue(tx: Transaction, organization_id: str) -> None:
    """Wait for one's turn in an organization: who of its accounts contains is decided by one after the other."""
    tx.one(sa.select(organizations.c.id).where(organizations.c.id == organization_id).with_for_update())


def sensor(tx: Transaction, organization_id: str) -> Account | None:
    """Return the account through which an organization contains hosts, None if it has no account."""
    row = tx.one(_SELECT.where(accounts.c.organization_id == organization_id, accounts.c.sensor.is_(True)))
    return Account(**row) if row is not None else None


def make_sensor(tx: Transaction, account: Account) -> None:
    """Let hosts be contained through this account, and through no other of its organization."""
    _queue(tx, account.organization_id)
    now = clock.now()
    mine = accounts.c.organization_id == account.organization_id
    tx.execute(sa.update(accounts).where(mine, accounts.c.sensor.is_(True)).values(sensor=False, updated_at=now))
    tx.execute(sa.update(accounts).where(accounts.c.id == account.id).values(sensor=True, updated_at=now))
    tx.changed(account.organization_id, "account", account.id, "sensor")
    said = {"name": account.name, "sensor": True}
    log.write(tx, Event.ACCOUNT_CHANGED, account.organization_id, account.id, details=said)


def every(tx: Transaction, organization_id: str) -> list[Account]:
    """Return an organization's accounts in the order of their names."""
    query = _SELECT.where(accounts.c.organization_id == organization_id).order_by(accounts.c.name)
    return [Account(**row) for row in tx.all(query)]


def by_name(tx: Transaction, organization_id: str, name: str) -> Account:
    """Return an account by its name; NotFound, with the names that there are, if there is none."""
    query = _SELECT.where(accounts.c.organization_id == organization_id, accounts.c.name == name)
    row = tx.one(query)
    if row is not None:
        return Account(**row)
    names = [account.name for account in every(tx, organization_id)]
    known = f"Connected are: {', '.join(names)}." if names else "None is connected yet."
    raise NotFound(f"There is no account named {name[:100]!r}.", advice=known)


def by_id(tx: Transaction, account_id: str, *, organization_id: str | None = None) -> Account:
    """Return an account by its id, within one organization where given; NotFound if there is none."""
    query = _SELECT.where(accounts.c.id == account_id)
    if organization_id is not None:
        query = query.where(accounts.c.organization_id == organization_id)
    row = tx.one(query)
    if row is None:
        raise NotFound(f"There is no account with the id {account_id[:40]!r}.", advice="Look at the list of accounts.")
    return Account(**row)


def edition(account: Account) -> str:
    """Return what changes with what people change of an account without a new credential; see `editions`."""
    return editions.edition(account.id, account.name, account.features, account.secret_expires_on)


def locked(tx: Transaction, organization_id: str, name: str) -> Account:
    """Return an account as `by_name` does, and let nobody else change it until the transaction ends."""
    found = by_name(tx, organization_id, name)
    tx.one(sa.select(accounts.c.id).where(accounts.c.id == found.id).with_for_update())
    return by_id(tx, found.id)


def mark_failed(tx: Transaction, account_id: str, reason: str) -> bool:
    """Record that the credential does not work; returns whether anything changed. A disabled account stays disabled.

    One that was never proven stays pending, with the reason: it is nobody's loss yet.
    """
    reason = storable(reason)
    never = (accounts.c.state == AccountState.PENDING) & accounts.c.proven_at.is_(None)
    tx.execute(sa.update(accounts).where(accounts.c.id == account_id, never).values(state_reason=reason))
    present = accounts.c.state.in_(sources(AccountState.FAILED)) & ~never | (
        (accounts.c.state == AccountState.FAILED) & (accounts.c.state_reason != reason)
    )
    return _move(tx, account_id, present, Event.ACCOUNT_FAILED, state=AccountState.FAILED, state_reason=reason)


def mark_degraded(tx: Transaction, account_id: str, reason: str, roles: tuple[str, ...] | None = None) -> bool:
    """Record that the account works, but not for all that it is needed for; returns whether anything changed."""
    reason = storable(reason)
    seen = _seen(tx, account_id, roles)
    present = accounts.c.state.in_(sources(AccountState.DEGRADED)) | (
        (accounts.c.state == AccountState.DEGRADED) & (accounts.c.state_reason != reason)
    )
    changes = {"state": AccountState.DEGRADED, "state_reason": reason} | seen
    if _move(tx, account_id, present, Event.ACCOUNT_DEGRADED, **changes):
        return True
    still = (accounts.c.id == account_id) & (accounts.c.state == AccountState.DEGRADED)
    tx.execute(sa.update(accounts).where(still).values(**seen))
    return False


def mark_lacking(tx: Transaction, account_id: str, roles: tuple[str, ...], reason: str) -> bool:
    """Record that Defender refused a call for want of permissions; a healthy account is degraded until the next check.

    Returns whether anything changed. The check is due at once.
    """
    account = by_id(tx, account_id)
    if account.state is AccountState.DEGRADED and account.refused.keys() >= set(roles):
        return False
    said = dict(account.refused) | {role: clock.iso(clock.now()) for role in roles}
    mine = accounts.c.id == account_id
    tx.execute(sa.update(accounts).where(mine).values(refused=said, check_due_at=None))
    reason = storable(reason)
    healthy = accounts.c.state == AccountState.HEALTHY
    return _move(tx, account_id, healthy, Event.ACCOUNT_DEGRADED, state=AccountState.DEGRADED, state_reason=reason)


def mark_proven(tx: Transaction, account_id: str, roles: tuple[str, ...] | None) -> bool:
    """Record that the account was proven just now, with the roles seen; returns whether it thereby became healthy."""
    seen = _seen(tx, account_id, roles)
    present = accounts.c.state.in_(sources(AccountState.HEALTHY))
    if _move(tx, account_id, present, Event.ACCOUNT_PROVEN, state=AccountState.HEALTHY, state_reason="", **seen):
        return True
    still = (accounts.c.id == account_id) & (accounts.c.state == AccountState.HEALTHY)
    tx.execute(sa.update(accounts).where(still).values(**seen))
    return False


def _seen(tx: Transaction, account_id: str, roles: tuple[str, ...] | None) -> dict[str, Any]:
    now = clock.now()
    seen: dict[str, Any] = {"proven_at": now}
    if roles is not None:
        seen["roles"] = list(roles)
        if set(by_id(tx, account_id).roles) != set(roles):
            # Whoever holds a token with other permissions is to get a new one.
            seen["updated_at"] = now
    return seen


def note_check(
    tx: Transaction,
    account_id: str,
    *,
    checks: Sequence[Mapping[str, Any]],
    other_roles: Mapping[str, Sequence[str]],
    refused: Mapping[str, str],
    due_at: datetime,
) -> None:
    """Keep what a check found, whatever that means for the state, and when the next one is due."""
    values: dict[str, Any] = {"checks": list(checks), "checked_at": clock.now(), "check_due_at": due_at}
    values |= {"other_roles": dict(other_roles), "refused": dict(refused)}
    tx.execute(sa.update(accounts).where(accounts.c.id == account_id).values(**values))
    account = by_id(tx, account_id)
    tx.changed(account.organization_id, "account", account_id, "checked")


def due(tx: Transaction) -> list[str]:
    """Return the ids of the accounts whose check is due, the longest waiting first."""
    query = sa.select(accounts.c.id).where(accounts.c.state != AccountState.DISABLED, _due(clock.now()))
    return [row["id"] for row in tx.all(query.order_by(accounts.c.check_due_at.nulls_first(), accounts.c.id))]


def claim_check(tx: Transaction, account_id: str, *, until: datetime) -> bool:
    """Take a check that is due for oneself until a moment; returns whether nobody else has it."""
    mine = sa.update(accounts).where(accounts.c.id == account_id, _due(clock.now())).values(check_due_at=until)
    return tx.execute(mine).rowcount == 1


def hurry(tx: Transaction, account_id: str, *, again: bool = False) -> None:
    """Have an account checked at once; where it was a moment ago, only if it is to be checked `again`."""
    stale = sa.true() if again else accounts.c.checked_at.is_(None) | (accounts.c.checked_at < clock.now() - _MOMENT)
    tx.execute(sa.update(accounts).where(accounts.c.id == account_id, stale).values(check_due_at=None))


def _due(now: datetime) -> sa.ColumnElement[bool]:
    return accounts.c.check_due_at.is_(None) | (accounts.c.check_due_at <= now)


def change(tx: Transaction, account: Account, said: Mapping[str, Any], **values: Any) -> Account:
    """Write what a person changed, with what the audit log is to say, and have the account checked at once."""
    changes = {**values, "updated_at": clock.now(), "check_due_at": None}
    tx.execute(sa.update(accounts).where(accounts.c.id == account.id).values(**changes))
    tx.changed(account.organization_id, "account", account.id, "changed")
    details = {"name": account.name, **said}
    log.write(tx, Event.ACCOUNT_CHANGED, account.organization_id, account.id, details=details)
    return by_id(tx, account.id)


def remove(tx: Transaction, account: Account) -> None:
    """Remove an account that was never proven, and so never used; Conflict for any other."""
    if account.proven_at is not None:
        raise Conflict(
            f"The account {account.name!r} was in use, and what was done through it names it.",
            advice="Switch it off instead: `ringfence account disable`.",
        )
    mine = (accounts.c.id == account.id) & accounts.c.proven_at.is_(None)
    for service in services.of_account(tx, account.id):
        services.remove(tx, service)
    tx.execute(sa.delete(accounts).where(mine))
    tx.changed(account.organization_id, "account", account.id, "removed")
    log.write(tx, Event.ACCOUNT_REMOVED, account.organization_id, account.id, details={"name": account.name})


def disable(tx: Transaction, account_id: str) -> bool:
    """Switch an account off; returns whether it was on."""
    present = accounts.c.state.in_(sources(AccountState.DISABLED))
    switched = {"state": AccountState.DISABLED, "state_reason": "Switched off by a person."}
    return _move(tx, account_id, present, Event.ACCOUNT_DISABLED, **switched)


def enable(tx: Transaction, account_id: str) -> bool:
    """Switch a disabled account on, to be proven before it is used; returns whether it was off."""
    present = accounts.c.state.in_(sources(AccountState.PENDING))
    return _move(tx, account_id, present, Event.ACCOUNT_ENABLED, state=AccountState.PENDING, state_reason="")


def replace_credential(
    tx: Transaction, renewed: Account, roles: tuple[str, ...] | None, *, shortcoming: str = ""
) -> None:
    """Store the new sealed credential of an account, proven just now; Conflict if it was switched off meanwhile.

    With a `shortcoming` it works, but not for all that it is needed for.
    """
    values: dict[str, Any] = {
        "secret_sealed": renewed.secret_sealed,
        "secret_expires_on": renewed.secret_expires_on,
        "certificate_thumbprint": renewed.certificate_thumbprint,
        "proven_at": clock.now(),
    }
    values |= {} if roles is None else {"roles": list(roles)}
    present = accounts.c.state != AccountState.DISABLED
    state = AccountState.DEGRADED if shortcoming else AccountState.HEALTHY
    switched = {"state": state, "state_reason": storable(shortcoming)}
    if not _move(tx, renewed.id, present, Event.ACCOUNT_RENEWED, **switched, **values):
        raise Conflict(
            "The account is switched off.", advice="Switch it on first (`ringfence account enable`), then renew it."
        )


def name_taken(name: str) -> Conflict:
    """Return the error for a name that is in use."""
    return Conflict(
        f"There already is an account named {name!r}.",
        advice="Choose another name, or renew its credential: `ringfence account renew`.",
    )


def _move(tx: Transaction, account_id: str, present: sa.ColumnElement[bool], event: Event, **values: Any) -> bool:
    now = clock.now()
    since = sa.case((accounts.c.state == values["state"], accounts.c.state_since), else_=now)
    done = tx.execute(
        sa.update(accounts)
        .where(accounts.c.id == account_id, present)
        .values(**{"updated_at": now, "state_since": since} | values)
    )
    if done.rowcount == 0:
        return False
    account = by_id(tx, account_id)
    tx.changed(account.organization_id, "account", account_id, account.state)
    said = {"name": account.name, "state": account.state, "reason": account.state_reason}
    log.write(tx, event, account.organization_id, account_id, details=said)
    return True
