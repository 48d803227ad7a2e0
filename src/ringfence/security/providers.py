"""Providers of identities (OpenID Connect), each kept by one organization; the client's secret is sealed.

A provider maps groups to roles. One whose people may come to other organizations too, or whose button everybody is shown, is the
installation's, and only System Administrators keep it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Conflict, Invalid, NotFound, NotSignedIn, Outdated, RingfenceError
from ringfence.security.crypto import Vault
from ringfence.security.oidc import demand_address
from ringfence.security.rbac import Actor, Permission, Role, require
from ringfence.storage import editions
from ringfence.storage.columns import storable
from ringfence.storage.database import Transaction
from ringfence.storage.tables import identity_providers

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,49}")
_DOMAIN: Final = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_MOST: Final = 200
SCOPES: Final = "openid profile email"
GROUPS_CLAIM: Final = "groups"
NAME_CLAIM: Final = "preferred_username"
_EDITED: Final = (
    "id", "name", "label", "issuer", "client_id", "scopes", "groups_claim", "name_claim", "domains", "button", "mapping",
    "default_role",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """Who is in `group` has this role in this organization."""

    group: str
    organization_id: str
    role: Role


@dataclass(frozen=True, slots=True)
class NewProvider:
    """What an administrator says. `secret` is None for a public client, or to keep the one that there is.

    `domains` are those of names (`megan@contoso.com`) that are led there; `button` shows it to everybody on the sign-in page.
    Nobody is let in whose groups have no rule, unless `default_role` says otherwise.
    """

    name: str
    issuer: str
    client_id: str
    secret: str | None = None
    label: str = ""
    scopes: str = SCOPES
    groups_claim: str = GROUPS_CLAIM
    name_claim: str = NAME_CLAIM
    domains: tuple[str, ...] = ()
    button: bool = False
    mapping: tuple[Rule, ...] = ()
    default_role: Role | None = None


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider, without its secret. `error` is why it could not be used the last time that it could not, and when."""

    id: str
    organization_id: str
    name: str
    label: str
    issuer: str
    client_id: str
    has_secret: bool
    scopes: str
    groups_claim: str
    name_claim: str
    domains: tuple[str, ...]
    button: bool
    mapping: tuple[Rule, ...]
    default_role: Role | None
    enabled: bool
    tested_at: datetime | None
    error: str
    error_at: datetime | None
    created_at: datetime
    changed_at: datetime


class SwitchedOff(NotSignedIn):
    """Nobody signs in at this provider for now."""

    code = "provider_off"


def check(new: NewProvider) -> None:
    """Raise Invalid, with each reason, for what cannot be a provider; nobody is asked."""
    _checked(new)


def edition(tx: Transaction, organization_id: str, name: str) -> str:
    """Return what changes with all that people change of a provider, its secret too, and with nothing else; see `editions`."""
    row = tx.one(_named(name).where(identity_providers.c.organization_id == organization_id))
    return _edition(row) if row is not None else editions.NONE


def put(
    tx: Transaction,
    vault: Vault,
    actor: Actor,
    new: NewProvider,
    *,
    tested: bool = False,
    seen: str | None = None,
) -> Provider:
    """Add a provider to the actor's organization, or change the one of that name; Invalid for what cannot be one.

    `tested` says that it answered just now. Outdated if it is not any more as it was `seen` (see `edition`).
    """
    require(actor, Permission.SIGN_IN_MANAGE)
    values = _checked(new)
    beyond = {rule.organization_id for rule in new.mapping} - {actor.organization_id}
    roles = {rule.role for rule in new.mapping} | {new.default_role}
    if beyond or new.button or Role.SYSTEM_ADMINISTRATOR in roles:
        require(actor, Permission.SYSTEM_MANAGE)
    _demand_free_domains(tx, new)
    before = tx.one(_named(new.name).with_for_update())
    if before is not None and before["organization_id"] != actor.organization_id:
        raise Conflict("Another organization has a provider of that name.", advice="Choose another name.")
    editions.demand(seen, _edition(before) if before is not None else editions.NONE)
    provider_id = before["id"] if before is not None else clock.new_id()
    values |= {"organization_id": actor.organization_id, "changed_at": clock.now(), "error": "", "error_at": None}
    values |= {"tested_at": clock.now() if tested else None}
    if new.secret is not None:
        values["sealed_secret"] = vault.seal(actor.organization_id, purpose(provider_id), new.secret)
    elif before is not None and (before["issuer"], before["client_id"]) != (values["issuer"], values["client_id"]):
        # A secret goes nowhere but to the issuer that it was entered for.
        values["sealed_secret"] = None
    said = {"name": new.name, "issuer": new.issuer, "client_id": new.client_id}
    if before is None:
        tx.insert_new(identity_providers, [values | {"id": provider_id, "created_at": clock.now()}])
        if by_name(tx, new.name).id != provider_id:
            # Somebody else added one of this name at the same moment.
            raise Outdated("There is one of this name already.", advice="Look at it first.")
        log.write(tx, Event.IDENTITY_PROVIDER_ADDED, actor.organization_id, provider_id, details=said)
    else:
        tx.execute(sa.update(identity_providers).where(identity_providers.c.id == provider_id).values(values))
        log.write(tx, Event.IDENTITY_PROVIDER_CHANGED, actor.organization_id, provider_id, details=said)
    return by_name(tx, new.name)


def by_name(tx: Transaction, name: str, *, organization_id: str | None = None) -> Provider:
    """Return a provider by its name, of one organization if that is said; NotFound if there is none."""
    query = _named(name)
    if organization_id is not None:
        query = query.where(identity_providers.c.organization_id == organization_id)
    row = tx.one(query)
    if row is None:
        raise NotFound("There is no such provider.", advice="List them: `ringfence identity-provider list`.")
    return _provider(row)


def by_id(tx: Transaction, provider_id: str) -> Provider | None:
    """Return a provider by its id, None if it is gone."""
    row = tx.one(sa.select(identity_providers).where(identity_providers.c.id == provider_id))
    return _provider(row) if row is not None else None


def every(tx: Transaction, organization_id: str) -> list[Provider]:
    """Return the providers that an organization keeps, by name."""
    query = sa.select(identity_providers).where(identity_providers.c.organization_id == organization_id)
    return [_provider(row) for row in tx.all(query.order_by(identity_providers.c.name))]


def switch(tx: Transaction, actor: Actor, name: str, *, on: bool) -> Provider:
    """Let people sign in at a provider, or not; who is signed in stays so until the session ends."""
    require(actor, Permission.SIGN_IN_MANAGE)
    found = by_name(tx, name, organization_id=actor.organization_id)
    if found.enabled is not on:
        mine = sa.update(identity_providers).where(identity_providers.c.id == found.id)
        tx.execute(mine.values(enabled=on, changed_at=clock.now()))
        said = {"name": found.name, "issuer": found.issuer, "enabled": on}
        log.write(tx, Event.IDENTITY_PROVIDER_CHANGED, found.organization_id, found.id, details=said)
    return by_name(tx, name, organization_id=actor.organization_id)


def note(tx: Transaction, provider_id: str, problem: RingfenceError | None) -> None:
    """Keep, for administrators, that a provider answered just now, or why it could not be used."""
    now = clock.now()
    values: dict[str, Any] = (
        {"tested_at": now} if problem is None else {"error": storable(str(problem)), "error_at": now}
    )
    tx.execute(sa.update(identity_providers).where(identity_providers.c.id == provider_id).values(values))


def demand_on(provider: Provider) -> Provider:
    """Return a provider that people may sign in at; SwitchedOff for any other."""
    if not provider.enabled:
        raise SwitchedOff(f"{provider.label} is switched off.", advice="Sign in another way, or ask an administrator.")
    return provider


def buttons(tx: Transaction) -> list[Provider]:
    """Return the providers that everybody is shown, by name."""
    query = sa.select(identity_providers).where(identity_providers.c.button, identity_providers.c.enabled)
    return [_provider(row) for row in tx.all(query.order_by(identity_providers.c.name))]


def for_name(tx: Transaction, name: str) -> Provider | None:
    """Return the provider to which the domain of a person's name leads, None where it leads to none."""
    domain = name.strip().casefold().rpartition("@")[2]
    if not domain or "@" not in name:
        return None
    query = sa.select(identity_providers).where(identity_providers.c.enabled)
    for row in tx.all(query.order_by(identity_providers.c.name)):
        if domain in row["domains"]:
            return _provider(row)
    return None


def remove(tx: Transaction, actor: Actor, name: str) -> Provider:
    """Remove a provider; who came by it keeps the account, and can be given a link."""
    require(actor, Permission.SIGN_IN_MANAGE)
    found = by_name(tx, name, organization_id=actor.organization_id)
    tx.execute(sa.delete(identity_providers).where(identity_providers.c.id == found.id))
    said = {"name": found.name, "issuer": found.issuer}
    log.write(tx, Event.IDENTITY_PROVIDER_REMOVED, found.organization_id, found.id, details=said)
    return found


def secret_of(tx: Transaction, vault: Vault, provider: Provider) -> str | None:
    """Return the client's secret, opened; None for a public client."""
    sealed = tx.scalar(sa.select(identity_providers.c.sealed_secret).where(identity_providers.c.id == provider.id))
    return vault.open(provider.organization_id, purpose(provider.id), sealed) if sealed is not None else None


def purpose(provider_id: str) -> str:
    """Return for what a client's secret is sealed."""
    return f"identity-provider:{provider_id}"


def _checked(new: NewProvider) -> dict[str, Any]:
    problems = []
    if not _NAME.fullmatch(new.name):
        problems.append("name: small letters, digits and hyphens, 50 at most")
    for what in ("client_id", "groups_claim", "name_claim"):
        value = getattr(new, what)
        if not 1 <= len(value) <= 300 or not value.isprintable():
            problems.append(f"{what}: 1 to 300 characters that can be seen")
    if len(new.label) > 100 or not (new.label or "x").isprintable():
        problems.append("label: 100 characters at most")
    if "openid" not in new.scopes.split() or not new.scopes.isprintable() or len(new.scopes) > 300:
        problems.append("scopes: openid is always among them")
    if new.secret is not None and not 1 <= len(new.secret) <= 1000:
        problems.append("secret: 1 to 1000 characters")
    problems += [f"domain: {each[:60]!r} is none" for each in new.domains if not _DOMAIN.fullmatch(each)]
    groups = [rule.group for rule in new.mapping]
    if len(new.mapping) > _MOST or not all(1 <= len(each) <= 300 and each.isprintable() for each in groups):
        problems.append(f"mapping: {_MOST} groups at most, each of 1 to 300 characters")
    try:
        demand_address(new.issuer, "issuer")
    except Invalid as error:
        problems.append(f"issuer: {error.message} {error.advice}")
    if problems:
        raise Invalid("This cannot be a provider.", advice="Correct what is named.", problems=tuple(problems))
    return {
        "name": new.name,
        "label": storable(new.label) or new.name,
        "issuer": new.issuer,
        "client_id": storable(new.client_id),
        "scopes": new.scopes,
        "groups_claim": new.groups_claim,
        "name_claim": new.name_claim,
        "domains": list(new.domains),
        "button": new.button,
        "mapping": [
            {"group": storable(rule.group), "organization_id": rule.organization_id, "role": rule.role.value}
            for rule in new.mapping
        ],
        "default_role": new.default_role.value if new.default_role else None,
    }


def _demand_free_domains(tx: Transaction, new: NewProvider) -> None:
    query = sa.select(identity_providers.c.domains).where(identity_providers.c.name != new.name)
    taken = {domain for row in tx.all(query) for domain in row["domains"]} & set(new.domains)
    if taken:
        raise Conflict(
            f"Another provider has the domain {', '.join(sorted(taken))}.", advice="A domain leads to one provider."
        )


def _named(name: str) -> sa.Select[Any]:
    return sa.select(identity_providers).where(identity_providers.c.name == storable(name))


def _edition(row: sa.RowMapping) -> str:
    kept = _provider(row)
    return editions.edition(*(getattr(kept, each) for each in _EDITED), row["sealed_secret"])


def _provider(row: sa.RowMapping) -> Provider:
    return Provider(
        id=row["id"],
        organization_id=row["organization_id"],
        name=row["name"],
        label=row["label"],
        issuer=row["issuer"],
        client_id=row["client_id"],
        has_secret=row["sealed_secret"] is not None,
        scopes=row["scopes"],
        groups_claim=row["groups_claim"],
        name_claim=row["name_claim"],
        domains=tuple(row["domains"]),
        button=row["button"],
        mapping=_rules(row["mapping"]),
        default_role=Role(row["default_role"]) if row["default_role"] else None,
        enabled=row["enabled"],
        tested_at=row["tested_at"],
        error=row["error"],
        error_at=row["error_at"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
    )


def _rules(stored: Sequence[dict[str, str]]) -> tuple[Rule, ...]:
    return tuple(Rule(each["group"], each["organization_id"], Role(each["role"])) for each in stored)
