"""New alerts that a playbook waits for: they lack the machine or the evidence that it needs, and are read again.

The polls of the account go back to them until what was missing has come or the time is over; then the playbook is asked once
more about the alert as it stands, as about a new one. Playbooks that do not need what is missing have long begun.
"""

import json
from collections import defaultdict
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.accounts import records as accounts
from ringfence.alerts import ledger
from ringfence.alerts.source import common_form
from ringfence.alerts.transitions import Change
from ringfence.alerts.versions import Standing
from ringfence.ingestion import requests
from ringfence.storage import Transaction
from ringfence.storage.tables import alert_versions, alerts
from ringfence.storage.tables import awaited_alerts as table
from ringfence.triggers.needs import missing
from ringfence.triggers.registry import Registry

PAUSE: Final = 10.0
"""Seconds between polls while a playbook waits, where the service does not poll more often anyway."""


def since(tx: Transaction) -> dict[str, datetime]:
    """Return, for each account with alerts that are waited for, from which time of the last update it is to be read."""
    query = sa.select(table.c.account_id, sa.func.min(table.c.updated_at).label("since")).group_by(table.c.account_id)
    return {row["account_id"]: row["since"] for row in tx.all(query) if row["since"] is not None}


def release(tx: Transaction, account_id: str, registry: Registry) -> tuple[str, ...]:
    """Ask again about what has become complete or was waited for long enough; returns the ids of the new runs."""
    now = clock.now()
    account = accounts.by_id(tx, account_id)
    active = {each.version_id: each for each in registry.of_organization(tx, account.organization_id)}
    found: list[str] = []
    due: dict[str, list[sa.RowMapping]] = defaultdict(list)
    for row in _standing(tx, account_id):
        trigger = active.get(row["playbook_version_id"])
        form = common_form(row["source"], json.loads(row["raw"]))
        if trigger is not None and row["until"] > now and missing(trigger.needs, form):
            continue
        due[row["playbook_version_id"]].append(row)
    for version_id, rows in due.items():
        trigger = active.get(version_id)
        if trigger is not None:
            versions = [_version(row) for row in rows]
            made, letters = requests.ask(tx, account, versions, [trigger], now, patient=False)
            found += made.runs
            for row, text in zip(rows, letters, strict=True):
                ledger.revise(tx, row["alert_id"], row["version"], trigger.playbook_id, text)
        for row in rows:
            tx.execute(
                sa.delete(table).where(
                    table.c.alert_id == row["alert_id"],
                    table.c.version == row["version"],
                    table.c.playbook_version_id == version_id,
                )
            )
    return tuple(found)


def _standing(tx: Transaction, account_id: str) -> list[sa.RowMapping]:
    query = (
        sa.select(
            table.c.alert_id,
            table.c.playbook_version_id,
            table.c.version,
            table.c.until,
            alerts.c.version.label("current"),
            alert_versions.c.raw,
            alert_versions.c.source,
        )
        .join(alerts, alerts.c.id == table.c.alert_id)
        .join(
            alert_versions,
            sa.and_(alert_versions.c.alert_id == alerts.c.id, alert_versions.c.version == alerts.c.version),
        )
        .where(table.c.account_id == account_id)
        .order_by(table.c.alert_id, table.c.playbook_version_id)
        .with_for_update(of=table)
    )
    return list(tx.all(query))


def _version(row: sa.RowMapping) -> requests.Version:
    raw: Any = json.loads(row["raw"])
    return requests.Version(
        row["alert_id"], row["current"], Standing.NEWS, (Change.CREATED,), common_form(row["source"], raw), raw
    )
