"""Playbooks that listen, and what they were started by."""

import json
from typing import Any

import sqlalchemy as sa

from accounts_samples import VAULT
from ringfence import clock
from ringfence.actions.catalogue import discover
from ringfence.listeners import webhooks
from ringfence.listeners.refusals import Reason, Refused
from ringfence.playbooks import library
from ringfence.playbooks.library import StoredPlaybook
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import alert_versions, alerts, runs
from ringfence.triggers.webhook import Signed, key_of, sign

SOURCE = """\
ringfence: 1
name: {name}
trigger: {trigger}
steps: {{one: {{action: logic.set, with: {{values: {{}}}}}}}}
"""


def publish(database: Database, organization: str, name: str, trigger: str) -> StoredPlaybook:
    """Publish a playbook of one step."""
    source, catalogue = SOURCE.format(name=name, trigger=trigger), discover()
    return database.run_now(lambda tx: library.publish(tx, organization, source, "ada", catalogue=catalogue)).playbook


def runs_of(database: Database, playbook: StoredPlaybook | None = None) -> list[dict[str, Any]]:
    """Return the requested runs, of one playbook where given, in their order."""
    query = sa.select(runs).order_by(runs.c.id)
    if playbook is not None:
        query = query.where(runs.c.playbook_id == playbook.id)
    return [dict(row) for row in database.read_now(lambda tx: tx.all(query))]


def a_webhook(database: Database, organization: str, name: str = "siem") -> tuple[str, str]:
    """Make a webhook and return its id and its secret."""
    made, secret = database.run_now(lambda tx: webhooks.add(tx, VAULT, organization, name, "ada"))
    return made.id, secret


def refused(*reasons: Reason, dropped: int = 0) -> Refused:
    """Make refusals of now, one for each reason, and so many more of the first that were only counted."""
    now = clock.now()
    counts = {(now.date().isoformat(), reason): (1, 0) for reason in reasons}
    counts[now.date().isoformat(), reasons[0]] = (1 + dropped, dropped)
    return Refused([(reason, now, "203.0.113.7", 512) for reason in reasons], counts)


def signed(secret: str, body: bytes, *, message_id: str = "msg_1", at: float) -> Signed:
    """Sign a message as a sender would."""
    timestamp = str(int(at))
    return Signed(message_id, timestamp, sign(key_of(secret), message_id, timestamp, body))


def headers(of: Signed, content_type: str = "application/json") -> dict[str, str]:
    """Return what the sender puts into the request."""
    return {
        "webhook-id": of.message_id,
        "webhook-timestamp": of.timestamp,
        "webhook-signature": of.signature,
        "content-type": content_type,
    }


def a_version(
    database: Database, organization: str, account_id: str, name: str, *, standing: str = "news", **values: Any
) -> str:
    """Store a new version of an alert as the poller would, and return our id of the alert."""

    def work(tx: Transaction) -> str:
        now = clock.now()
        before = tx.one(sa.select(alerts.c.id, alerts.c.version).where(alerts.c.alert_id == name))
        alert_id, version = (clock.new_id(), 1) if before is None else (before["id"], before["version"] + 1)
        named = {"title": "Ransomware", "severity": "High", "status": "New", "category": "Ransomware"} | values
        row = {"id": alert_id, "organization_id": organization, "account_id": account_id, "alert_id": name}
        row |= {"version": version, "ingested_at": now, "machine_id": "a" * 40, **named}
        tx.upsert(alerts, [row])
        raw = json.dumps({"id": name, "machineId": row["machine_id"], **named})
        written = {"alert_id": alert_id, "version": version, "fingerprint": f"{version:032d}", "seen_at": now}
        tx.execute(sa.insert(alert_versions), [written | {"raw": raw, "standing": standing}])
        tx.changed(organization, "alert", alert_id, "created" if version == 1 else "updated")
        return str(alert_id)

    return database.run_now(work)
