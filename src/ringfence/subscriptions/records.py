"""The rows of subscriptions: made, changed, given new secrets, and the log of what was sent.

A secret is sealed in the database and told once, when it is made. All functions work inside the caller's transaction.
"""

import os
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.clock import iso
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.security.crypto import Vault
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import subscription_messages as messages
from ringfence.storage.tables import subscription_secrets as secrets
from ringfence.storage.tables import subscriptions as table
from ringfence.subscriptions.model import (
    TEST,
    Attempt,
    Message,
    State,
    Subscription,
    demand_events,
    demand_name,
)
from ringfence.triggers.webhook import PREFIX, key_of

MOST: Final = 50
MOST_SECRETS: Final = 5
_KEY_BYTES: Final = 32
_WRITTEN: Final = frozenset({"address", "events", "state"})
_PURPOSE: Final = "subscription-secret"


def add(
    tx: Transaction, vault: Vault, organization_id: str, name: str, address: str, events: Sequence[str], *, by: str
) -> tuple[Subscription, str]:
    """Make a subscription and return it with its secret, which nobody can read again; Conflict if the name is taken."""
    name, wanted = demand_name(name), demand_events(events)
    if len(every(tx, organization_id)) >= MOST:
        raise Conflict(f"There are {MOST} subscriptions already.", advice="Remove one that is not needed.")
    row = {
        "id": clock.new_id(),
        "organization_id": organization_id,
        "name": name,
        "address": address,
        "events": list(wanted),
        "state": State.ON.value,
        "created_at": clock.now(),
        "created_by": storable(by),
    }
    tx.insert_new(table, [row])
    made = by_name(tx, organization_id, name)
    if made.id != row["id"]:
        raise Conflict(f"There already is a subscription named {name!r}.", advice="Choose another name.")
    secret = _new_secret(tx, vault, made)
    _tell(tx, made, "created", Event.SUBSCRIPTION_CREATED, {"address": address, "events": list(wanted)}, by)
    return by_name(tx, organization_id, made.id), secret


def change(
    tx: Transaction,
    organization_id: str,
    name: str,
    *,
    by: str,
    address: str | None = None,
    events: Sequence[str] | None = None,
    state: State | None = None,
) -> Subscription:
    """Change where and of what a subscription is told, or switch it on or off; what is None stays."""
    found = by_name(tx, organization_id, name)
    values: dict[str, Any] = {}
    if address is not None and address != found.address:
        values["address"] = address
    if events is not None and (wanted := demand_events(events)) != found.events:
        values["events"] = list(wanted)
    if state is not None and state is not found.state:
        if state is State.DISABLED:
            raise Invalid("People pause a subscription; it is disabled by itself.", advice="Pause it.")
        values |= {"state": state.value, "detail": "", "failures": 0, "failing_since": None, "next_at": None}
    if values:
        tx.execute(sa.update(table).where(table.c.id == found.id).values(values))
        said: dict[str, Any] = {key: value for key, value in values.items() if key in _WRITTEN}
        _tell(tx, found, "changed", Event.SUBSCRIPTION_CHANGED, said, by)
    return by_name(tx, organization_id, found.id)


def rotate(
    tx: Transaction, vault: Vault, organization_id: str, name: str, *, keep: timedelta, by: str
) -> tuple[Subscription, str, datetime]:
    """Give a subscription a new secret and return it; those before it sign too for `keep`, until the moment returned."""
    found, now = by_name(tx, organization_id, name), clock.now()
    if not timedelta(0) <= keep <= timedelta(days=30):
        raise Invalid("The old secret signs for 0 seconds to 30 days.", advice="Give 0 to end it at once.")
    mine, until = secrets.c.subscription_id == found.id, now + keep
    tx.execute(sa.delete(secrets).where(mine, secrets.c.expires_at <= now))
    longer = sa.or_(secrets.c.expires_at.is_(None), secrets.c.expires_at > until)
    tx.execute(sa.update(secrets).where(mine, longer).values(expires_at=until))
    if keep and len(tx.all(sa.select(secrets.c.id).where(mine))) >= MOST_SECRETS:
        raise Conflict(
            f"{MOST_SECRETS} secrets of {found.name!r} sign still.", advice="Wait until they end, or end them now: 0."
        )
    secret = _new_secret(tx, vault, found)
    _tell(tx, found, "rotated", Event.SUBSCRIPTION_ROTATED, {"old_until": until}, by)
    return by_name(tx, organization_id, found.id), secret, until


def remove(tx: Transaction, organization_id: str, name: str, *, by: str) -> Subscription:
    """Remove a subscription with its secrets and its log."""
    found = by_name(tx, organization_id, name)
    tx.execute(sa.delete(table).where(table.c.id == found.id))
    _tell(tx, found, "removed", Event.SUBSCRIPTION_REMOVED, {}, by)
    return found


def every(tx: Transaction, organization_id: str) -> list[Subscription]:
    """Return an organization's subscriptions in the order of their names."""
    found = tx.all(_query().where(table.c.organization_id == organization_id).order_by(table.c.name))
    return [_subscription(row) for row in found]


def by_name(tx: Transaction, organization_id: str, name: str) -> Subscription:
    """Return a subscription by its name or id; NotFound if there is none."""
    wanted = sa.or_(table.c.id == storable(name), table.c.name == storable(name))
    row = tx.one(_query().where(table.c.organization_id == organization_id, wanted))
    if row is None:
        raise NotFound(f"There is no subscription {name[:100]!r}.", advice="Look at the list of subscriptions.")
    return _subscription(row)


def locked(tx: Transaction, organization_id: str, name: str) -> Subscription:
    """Return a subscription as it is now, and let nobody else change it until the transaction ends; NotFound if there is none."""
    found = by_name(tx, organization_id, name)
    tx.one(sa.select(table.c.id).where(table.c.id == found.id).with_for_update())
    return by_name(tx, organization_id, found.id)


def by_id(tx: Transaction, subscription_id: str) -> Subscription | None:
    """Return a subscription of any organization, for whoever sends; None if it is gone."""
    row = tx.one(_query().where(table.c.id == subscription_id))
    return None if row is None else _subscription(row)


def keys(tx: Transaction, vault: Vault, subscription: Subscription) -> list[bytes]:
    """Return the keys that sign now, the newest first."""
    query = sa.select(secrets.c.id, secrets.c.sealed).where(secrets.c.subscription_id == subscription.id, _valid())
    rows = tx.all(query.order_by(secrets.c.created_at.desc(), secrets.c.id.desc()))
    return [key_of(vault.open(subscription.organization_id, _purpose(row["id"]), row["sealed"])) for row in rows]


def put(tx: Transaction, subscription: Subscription, kind: str, body: Mapping[str, Any], *, change: int | None) -> None:
    """Put a message on its way; one about the same change is there once."""
    row: dict[str, Any] = {
        "id": clock.new_id(),
        "organization_id": subscription.organization_id,
        "subscription_id": subscription.id,
        "change": change,
        "kind": kind,
        "body": dict(body),
        "state": "waiting",
        "created_at": clock.now(),
        "log": [],
    }
    tx.insert_new(messages, [row])


def try_out(tx: Transaction, organization_id: str, name: str) -> Message:
    """Put a message on its way that says it is a test, before all others; Conflict where nothing is sent."""
    found = by_name(tx, organization_id, name)
    _demand_on(found)
    data = {"organization_id": organization_id, "noun": "subscription", "id": found.id, "kind": "test"}
    put(tx, found, TEST, {"type": TEST, "timestamp": iso(clock.now()), "data": data}, change=None)
    _wake(tx, found)
    return sent(tx, found, limit=1)[0]


def again(tx: Transaction, organization_id: str, name: str, message_id: str, *, by: str) -> Message:
    """Send a message once more, with the id that it had; Conflict where nothing is sent."""
    found = by_name(tx, organization_id, name)
    _demand_on(found)
    mine = (messages.c.subscription_id == found.id, messages.c.id == storable(message_id))
    if not tx.execute(sa.update(messages).where(*mine).values(state="waiting")).rowcount:
        raise NotFound("There is no such message.", advice="Look at the list of messages; they are kept for 14 days.")
    _wake(tx, found)
    _tell(tx, found, "redelivered", Event.SUBSCRIPTION_REDELIVERED, {"message": message_id}, by)
    row = tx.one(sa.select(messages).where(*mine))
    assert row is not None
    return message_of(row)


def sent(tx: Transaction, subscription: Subscription, *, limit: int = 100) -> list[Message]:
    """Return the messages of a subscription, the newest first."""
    query = sa.select(messages).where(messages.c.subscription_id == subscription.id)
    rows = tx.all(query.order_by(messages.c.created_at.desc(), messages.c.id.desc()).limit(limit))
    return [message_of(row) for row in rows]


def message_of(row: sa.RowMapping) -> Message:
    """Read a row."""
    attempts = tuple(Attempt(**{**each, "at": datetime.fromisoformat(each["at"])}) for each in row["log"])
    own = {name: row[name] for name in Message.__dataclass_fields__ if name != "log"}
    return Message(**own, log=attempts)


def _demand_on(found: Subscription) -> None:
    if found.state is not State.ON:
        raise Conflict(f"The subscription {found.name!r} is {found.state}.", advice="Switch it on first.")


def _wake(tx: Transaction, found: Subscription) -> None:
    tx.execute(sa.update(table).where(table.c.id == found.id).values(next_at=None))
    tx.changed(found.organization_id, "subscription", found.id, "waiting")


def _new_secret(tx: Transaction, vault: Vault, subscription: Subscription) -> str:
    secret, secret_id = PREFIX + b64encode(os.urandom(_KEY_BYTES)).decode(), clock.new_id()
    sealed = vault.seal(subscription.organization_id, _purpose(secret_id), secret)
    row = {"id": secret_id, "subscription_id": subscription.id, "sealed": sealed, "created_at": clock.now()}
    tx.execute(sa.insert(secrets), [row])
    return secret


def _purpose(secret_id: str) -> str:
    return f"{_PURPOSE}:{secret_id}"


def _valid() -> sa.ColumnElement[bool]:
    return sa.or_(secrets.c.expires_at.is_(None), secrets.c.expires_at > clock.now())


def _query() -> sa.Select[tuple[object, ...]]:
    own = [table.c[name] for name in Subscription.__dataclass_fields__ if name in table.c]
    signing = sa.select(sa.func.count()).where(secrets.c.subscription_id == table.c.id, _valid())
    waiting = sa.select(sa.func.count()).where(messages.c.subscription_id == table.c.id, messages.c.state == "waiting")
    return sa.select(*own, signing.scalar_subquery().label("secrets"), waiting.scalar_subquery().label("waiting"))


def _subscription(row: sa.RowMapping) -> Subscription:
    return Subscription(**{**row, "events": tuple(row["events"]), "state": State(row["state"])})


def _tell(tx: Transaction, found: Subscription, kind: str, event: Event, details: Mapping[str, Any], by: str) -> None:
    tx.changed(found.organization_id, "subscription", found.id, kind)
    log.write(tx, event, found.organization_id, found.id, details={"name": found.name, **details}, actor=by)
