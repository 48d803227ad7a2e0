"""Read from the database what checks may know of an organization: see `playbooks.installation`."""

import sqlalchemy as sa

from ringfence.organizations.teams import everybody
from ringfence.playbooks import rules
from ringfence.playbooks.calls import calls
from ringfence.playbooks.document import read
from ringfence.playbooks.installation import Called, Installation, KnownAccount, KnownService
from ringfence.playbooks.model import Playbook
from ringfence.security.egress import Network
from ringfence.storage import Transaction
from ringfence.storage.tables import (
    accounts,
    apps,
    channels,
    mailboxes,
    organizations,
    playbook_versions,
    playbooks,
    teams,
    trigger_services,
    webhooks,
)


def look(
    tx: Transaction,
    organization_id: str,
    *,
    by: str | None = None,
    about: Playbook | None = None,
    allowed: tuple[Network, ...] | None = None,
) -> Installation:
    """Return an organization as it is now, with the components that the playbook `about` reaches.

    `by` is the person who publishes, if somebody does.
    """

    def names(table: sa.Table) -> tuple[str, ...]:
        query = sa.select(table.c.name).where(table.c.organization_id == organization_id).order_by(table.c.name)
        return tuple(row["name"] for row in tx.all(query))

    connected = sa.select(
        accounts.c.name, accounts.c.state, accounts.c.state_reason, accounts.c.roles, accounts.c.other_roles
    )
    connected = connected.where(accounts.c.organization_id == organization_id).order_by(accounts.c.name)
    listening = (
        sa.select(
            trigger_services.c.name,
            sa.func.coalesce(accounts.c.name, "").label("account"),
            trigger_services.c.enabled,
            trigger_services.c.source,
        )
        .outerjoin(accounts, accounts.c.id == trigger_services.c.account_id)
        .where(trigger_services.c.organization_id == organization_id)
        .order_by(trigger_services.c.name)
    )
    off = sa.select(webhooks.c.name).where(webhooks.c.organization_id == organization_id, ~webhooks.c.enabled)
    return Installation(
        accounts=tuple(
            KnownAccount(
                row["name"],
                row["state"],
                row["state_reason"],
                tuple(row["roles"]),
                {api: tuple(roles) for api, roles in row["other_roles"].items()},
            )
            for row in tx.all(connected)
        ),
        services=(
            *(
                KnownService(row["name"], row["account"], bool(row["enabled"]), row["source"])
                for row in tx.all(listening)
            ),
            *_shared(tx, organization_id),
        ),
        webhooks=names(webhooks),
        webhooks_off=frozenset(row["name"] for row in tx.all(off)),
        mailboxes=names(mailboxes),
        audience=frozenset((*everybody(tx, organization_id), *names(teams))),
        channels=frozenset(names(channels)),
        components={} if about is None else components(tx, organization_id, about),
        allowed=allowed,
        uninstalled=frozenset(row["id"] for row in tx.all(sa.select(apps)) if not _may(row, organization_id)),
        publisher=None if by is None else rules.publisher(tx, organization_id, by),
    )


def _shared(tx: Transaction, organization_id: str) -> list[KnownService]:
    """Return the services of others that share them with an organization, as its playbooks name them."""
    query = (
        sa.select(trigger_services, organizations.c.name.label("owner"))
        .join(organizations, organizations.c.id == trigger_services.c.organization_id)
        .where(trigger_services.c.organization_id != organization_id)
        .where(sa.or_(trigger_services.c.everybody, trigger_services.c.shared_with != []))
        .order_by(organizations.c.name, trigger_services.c.name)
    )
    with tx.everywhere():
        rows = tx.all(query)
    return [
        KnownService(f"{row['owner']}/{row['name']}", "", bool(row["enabled"]), row["source"], row["owner"])
        for row in rows
        if row["everybody"] or organization_id in row["shared_with"]
    ]


def _may(app: sa.RowMapping, organization_id: str) -> bool:
    return bool(app["installed"]) and (bool(app["everybody"]) or organization_id in app["organizations"])


def components(tx: Transaction, organization_id: str, playbook: Playbook) -> dict[Called, Playbook]:
    """Return the components that a playbook reaches, at any depth; what is not there or cannot be read is left out."""
    return {wanted: component for wanted, (component, _) in _reached(tx, organization_id, playbook).items()}


def sources(tx: Transaction, organization_id: str, playbook: Playbook) -> dict[Called, str]:
    """Return the texts of the components that a playbook reaches, as `components` does."""
    return {wanted: source for wanted, (_, source) in _reached(tx, organization_id, playbook).items()}


def _reached(tx: Transaction, organization_id: str, playbook: Playbook) -> dict[Called, tuple[Playbook, str]]:
    found: dict[Called, tuple[Playbook, str]] = {}
    seen: set[Called] = set()
    waiting = list(calls(playbook))
    while waiting:
        wanted = waiting.pop()
        if wanted in seen:
            continue
        seen.add(wanted)
        source = _source(tx, organization_id, wanted)
        component = None if source is None else read(source).playbook
        if source is not None and component is not None:
            found[wanted] = (component, source)
            waiting.extend(calls(component))
    return found


def _source(tx: Transaction, organization_id: str, wanted: Called) -> str | None:
    name, version = wanted
    query = sa.select(playbook_versions.c.source).join(playbooks, playbooks.c.id == playbook_versions.c.playbook_id)
    query = query.where(playbooks.c.organization_id == organization_id, playbooks.c.name == name)
    major, dot, minor = version.partition(".")
    if not version:
        query = query.where(playbook_versions.c.id == playbooks.c.active_version_id)
    elif dot and major.isdecimal() and minor.isdecimal() and len(version) < 12:
        query = query.where(playbook_versions.c.major == int(major), playbook_versions.c.minor == int(minor))
    else:
        return None
    row = tx.one(query)
    return None if row is None else str(row["source"])
