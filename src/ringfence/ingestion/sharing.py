"""Start the playbooks of other organizations that listen to a shared service, in the transaction that stores the alerts.

Such a playbook names the service as `OWNER/NAME`. Its run gets the alert as a document and nothing else of the owner's: the
rows stay the owner's, and its steps reach Defender with an account of the run's own organization, under its own policy.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.accounts import records as accounts
from ringfence.accounts.model import Account
from ringfence.alerts.transitions import Change
from ringfence.ingestion import requests
from ringfence.ingestion.requests import Version
from ringfence.organizations import service as organizations
from ringfence.organizations.model import State
from ringfence.playbooks.model import RAW_ALERT, DefenderAlertTrigger
from ringfence.services import records as services
from ringfence.services.model import Service
from ringfence.storage import Transaction
from ringfence.storage.tables import runs
from ringfence.triggers import defender
from ringfence.triggers.base import Verdict
from ringfence.triggers.identity import identity
from ringfence.triggers.registry import ActiveTrigger, Registry


def start(
    tx: Transaction, account: Account, versions: Sequence[Version], registry: Registry, now: datetime
) -> tuple[str, ...]:
    """Ask for the runs that new versions of an account's alerts mean to those that its services are shared with."""
    shared = [each for each in services.of_account(tx, account.id) if _is_shared(each)] if versions else []
    if not shared:
        return ()
    every = organizations.every(tx)
    owner = next(each for each in every if each.id == account.organization_id)
    made: list[str] = []
    for organization in every:
        if organization.id == owner.id or organization.state is not State.ACTIVE:
            continue
        heard = {f"{owner.name}/{each.name}": each for each in shared if _hears(organization.id, each)}
        if not heard:
            continue
        own = accounts.every(tx, organization.id)
        account_id = own[0].id if len(own) == 1 else None
        for active in registry.of_organization(tx, organization.id):
            service = heard.get(active.trigger.service or "")
            if service is not None and not active.paused:
                made += _ask(tx, organization.id, account_id, account, service, active, versions, now)
    return tuple(made)


def _is_shared(service: Service) -> bool:
    return service.enabled and (service.everybody or bool(service.shared_with))


def _hears(organization_id: str, service: Service) -> bool:
    return service.everybody or organization_id in service.shared_with


def _ask(
    tx: Transaction,
    organization_id: str,
    account_id: str | None,
    account: Account,
    service: Service,
    active: ActiveTrigger,
    versions: Sequence[Version],
    now: datetime,
) -> list[str]:
    trigger, name = active.trigger, active.trigger.service or ""
    made: list[str] = []
    for version in versions:
        if Change.CREATED not in version.changes and not service.updates:
            continue
        event = defender.Event(
            version.document, version.changes, account.name, version.standing, version.original, (name,)
        )
        if defender.decide(trigger, event) is not Verdict.STARTED:
            continue
        common = defender.folds_by(trigger, version.document)
        key = None if common is None else f"{active.playbook_id}:{account.id}:{common}"
        if key is not None and requests.open_runs(tx, [key], now):
            continue
        made += _write(tx, organization_id, account_id, active, version, _seen(trigger, version, name), key, now)
    return made


def _seen(trigger: DefenderAlertTrigger, version: Version, name: str) -> dict[str, Any]:
    return {
        "type": defender.DECLARATION.type,
        "service": name,
        "change": defender.chosen(trigger, version.changes).value,
        "changes": [change.value for change in version.changes],
        "version": version.number,
        "alert": dict(version.document),
        "alerts": [dict(version.document)],
        RAW_ALERT: dict(version.original),
    }


def _write(
    tx: Transaction,
    organization_id: str,
    account_id: str | None,
    active: ActiveTrigger,
    version: Version,
    seen: Mapping[str, Any],
    key: str | None,
    now: datetime,
) -> list[str]:
    created = Change.CREATED in version.changes
    run_id, trigger = clock.new_id(), active.trigger
    row = {
        "id": run_id,
        "organization_id": organization_id,
        "playbook_id": active.playbook_id,
        "playbook_version_id": active.version_id,
        "account_id": account_id,
        "cause_key": f"shared:{version.alert_id}:{'created' if created else f'updated:{version.number}'}",
        "trigger": seen,
        "status": "requested",
        "requested_at": now,
        "fold_key": key,
        "fold_until": now + timedelta(seconds=trigger.window.seconds) if key is not None else None,
        **identity(seen, machine_id=version.document.get("machineId")).row(),
    }
    tx.insert_new(runs, [row])
    if tx.scalar(sa.select(runs.c.id).where(runs.c.id == run_id)) is None:
        return []
    tx.changed(organization_id, "run", run_id, "requested")
    return [run_id]
