"""The webhooks of an organization and their secrets: make, list, rotate, remove, and see what came.

A secret is sealed in the database and told once, when it is made. All functions work inside the caller's transaction.
"""

import os
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.listeners.answers import LONGEST
from ringfence.listeners.starting import Outcome
from ringfence.security.crypto import Vault
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import webhook_deliveries, webhook_secrets, webhooks
from ringfence.triggers.webhook import PREFIX, key_of

LONGEST_NAME: Final = 100
MOST_SECRETS: Final = 5
KEPT: Final = timedelta(days=30)
"""How long what came is remembered, and so how long a repeated message is known again without its run."""
_PURPOSE: Final = "webhook-secret"
_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook; `secrets` is how many are valid now, `last_received_at` None until something came.

    `answer_within` is for how many seconds a sender waits for the answer of a playbook; 0: not at all.
    """

    id: str
    organization_id: str
    name: str
    created_at: datetime
    created_by: str
    secrets: int
    last_received_at: datetime | None
    answer_within: float = 0.0
    enabled: bool = True

    @property
    def path(self) -> str:
        """Where messages are posted, below the address of the pages."""
        return f"/hooks/{self.id}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that was accepted, and what it meant for each playbook that listened."""

    id: str
    message_id: str
    size: int
    received_at: datetime
    outcomes: tuple[Outcome, ...]


def add(
    tx: Transaction, vault: Vault, organization_id: str, name: str, by: str, *, answer_within: float = 0.0
) -> tuple[Webhook, str]:
    """Make a webhook and return it with its secret, which nobody can read again; Conflict if the name is taken."""
    name = name.strip()
    _demand_patience(answer_within)
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Invalid(
            "This cannot be a webhook's name.", advice=f"Use 1 to {LONGEST_NAME} characters that can be seen."
        )
    row = {"id": clock.new_id(), "organization_id": organization_id, "name": name, "created_at": clock.now()}
    tx.insert_new(webhooks, [row | {"created_by": storable(by), "answer_within": answer_within}])
    made = by_name(tx, organization_id, name)
    if made.id != row["id"]:
        raise Conflict(
            f"There already is a webhook named {name!r}.", advice="Choose another name, or rotate its secret."
        )
    secret = _new_secret(tx, vault, made)
    tx.changed(organization_id, "webhook", made.id, "created")
    log.write(tx, Event.WEBHOOK_CREATED, organization_id, made.id, details={"name": name}, actor=by)
    return by_name(tx, organization_id, name), secret


def wait_for_answers(tx: Transaction, organization_id: str, name: str, seconds: float) -> Webhook:
    """Let senders wait so long for the answer of a playbook; 0: not at all."""
    _demand_patience(seconds)
    found = by_name(tx, organization_id, name)
    tx.execute(sa.update(webhooks).where(webhooks.c.id == found.id).values(answer_within=seconds))
    tx.changed(organization_id, "webhook", found.id, "changed")
    said = {"name": found.name, "answer_within": seconds}
    log.write(tx, Event.WEBHOOK_CHANGED, organization_id, found.id, details=said)
    return by_name(tx, organization_id, found.id)


def switch(tx: Transaction, organization_id: str, name: str, *, enabled: bool) -> Webhook:
    """Switch a webhook off, or on again; what had been accepted stays, with its runs, and senders who wait go on waiting."""
    found = by_name(tx, organization_id, name)
    if found.enabled is not enabled:
        tx.execute(sa.update(webhooks).where(webhooks.c.id == found.id).values(enabled=enabled))
        tx.changed(organization_id, "webhook", found.id, "enabled" if enabled else "disabled")
        event = Event.WEBHOOK_ENABLED if enabled else Event.WEBHOOK_DISABLED
        log.write(tx, event, organization_id, found.id, details={"name": found.name})
    return by_name(tx, organization_id, found.id)


def _demand_patience(seconds: float) -> None:
    if not 0 <= seconds <= LONGEST:
        raise Invalid(f"A sender waits for 0 to {LONGEST:g} seconds.")


def rotate(
    tx: Transaction, vault: Vault, organization_id: str, name: str, *, keep: timedelta
) -> tuple[Webhook, str, datetime]:
    """Give a webhook a new secret and return it; the ones before it stay valid for `keep`, until the moment returned."""
    found, now = by_name(tx, organization_id, name), clock.now()
    if keep < timedelta(0):
        raise Invalid("The old secret cannot end in the past.", advice="Give 0 to end it at once.")
    until = now + keep
    secrets = webhook_secrets.c
    mine = secrets.webhook_id == found.id
    tx.execute(sa.delete(webhook_secrets).where(mine, secrets.expires_at <= now))
    tx.execute(
        sa.update(webhook_secrets)
        .where(mine, sa.or_(secrets.expires_at.is_(None), secrets.expires_at > until))
        .values(expires_at=until)
    )
    if keep and len(tx.all(sa.select(secrets.id).where(mine))) >= MOST_SECRETS:
        raise Conflict(
            f"The webhook {found.name!r} has {MOST_SECRETS} secrets that are still valid.",
            advice="Wait until the older ones end, or end them now with --keep 0.",
        )
    secret = _new_secret(tx, vault, found)
    tx.changed(organization_id, "webhook", found.id, "rotated")
    said = {"name": found.name, "old_until": until}
    log.write(tx, Event.WEBHOOK_ROTATED, organization_id, found.id, details=said)
    return by_name(tx, organization_id, name), secret, until


def remove(tx: Transaction, organization_id: str, name: str) -> Webhook:
    """Remove a webhook with its secrets and what came; runs that it started stay."""
    found = by_name(tx, organization_id, name)
    tx.execute(sa.delete(webhooks).where(webhooks.c.id == found.id))
    tx.changed(organization_id, "webhook", found.id, "removed")
    log.write(tx, Event.WEBHOOK_REMOVED, organization_id, found.id, details={"name": found.name})
    return found


def every(tx: Transaction, organization_id: str) -> list[Webhook]:
    """Return an organization's webhooks in the order of their names."""
    query = _query().where(webhooks.c.organization_id == organization_id).order_by(webhooks.c.name)
    return [Webhook(**row) for row in tx.all(query)]


def by_name(tx: Transaction, organization_id: str, name: str) -> Webhook:
    """Return a webhook by its name or id; NotFound, with the names that there are, if there is none."""
    known = every(tx, organization_id)
    for each in known:
        if name in (each.name, each.id):
            return each
    near = get_close_matches(name, [each.name for each in known], 1)
    names = ", ".join(each.name for each in known)
    advice = (
        f"Did you mean {near[0]!r}?"
        if near
        else f"There are: {names}."
        if names
        else "Make it: `ringfence webhook add`."
    )
    raise NotFound(f"There is no webhook named {name[:100]!r}.", advice=advice)


def by_id(tx: Transaction, webhook_id: str) -> Webhook | None:
    """Return a webhook of any organization by its id, None if there is none."""
    row = tx.one(_query().where(webhooks.c.id == storable(webhook_id)))
    return None if row is None else Webhook(**row)


def keys(tx: Transaction, vault: Vault, webhook: Webhook) -> list[bytes]:
    """Return the keys of the secrets that are valid now."""
    secrets = webhook_secrets.c
    query = sa.select(secrets.id, secrets.sealed).where(
        secrets.webhook_id == webhook.id, sa.or_(secrets.expires_at.is_(None), secrets.expires_at > clock.now())
    )
    return [key_of(vault.open(webhook.organization_id, _purpose(row["id"]), row["sealed"])) for row in tx.all(query)]


def deliveries(tx: Transaction, webhook: Webhook, *, limit: int = 100) -> list[Delivery]:
    """Return what came, the newest first."""
    query = sa.select(webhook_deliveries).where(webhook_deliveries.c.webhook_id == webhook.id)
    newest_first = (webhook_deliveries.c.received_at.desc(), webhook_deliveries.c.id.desc())
    return [
        Delivery(row["id"], row["message_id"], row["size"], row["received_at"], tuple(map(Outcome.of, row["outcomes"])))
        for row in tx.all(query.order_by(*newest_first).limit(limit))
    ]


def forget(tx: Transaction, webhook: Webhook | None = None) -> None:
    """Delete what came, to one webhook or to any, longer ago than it is kept."""
    old = sa.delete(webhook_deliveries).where(webhook_deliveries.c.received_at < clock.now() - KEPT)
    tx.execute(old if webhook is None else old.where(webhook_deliveries.c.webhook_id == webhook.id))


def _new_secret(tx: Transaction, vault: Vault, webhook: Webhook) -> str:
    secret, secret_id = PREFIX + b64encode(os.urandom(_KEY_BYTES)).decode(), clock.new_id()
    sealed = vault.seal(webhook.organization_id, _purpose(secret_id), secret)
    row = {"id": secret_id, "webhook_id": webhook.id, "sealed": sealed, "created_at": clock.now(), "expires_at": None}
    tx.execute(sa.insert(webhook_secrets), [row])
    return secret


def _purpose(secret_id: str) -> str:
    return f"{_PURPOSE}:{secret_id}"


def _query() -> sa.Select[tuple[object, ...]]:
    secrets, came = webhook_secrets.c, webhook_deliveries.c
    valid = sa.or_(secrets.expires_at.is_(None), secrets.expires_at > clock.now())
    return sa.select(
        webhooks.c.id,
        webhooks.c.organization_id,
        webhooks.c.name,
        webhooks.c.created_at,
        webhooks.c.created_by,
        webhooks.c.answer_within,
        webhooks.c.enabled,
        sa.select(sa.func.count()).where(secrets.webhook_id == webhooks.c.id, valid).scalar_subquery().label("secrets"),
        sa.select(sa.func.max(came.received_at))
        .where(came.webhook_id == webhooks.c.id)
        .scalar_subquery()
        .label("last_received_at"),
    )
