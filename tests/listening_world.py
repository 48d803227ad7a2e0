"""Playbooks that listen, and what they were started by."""

from typing import Any

import sqlalchemy as sa

from accounts_samples import VAULT
from ringfence.actions.catalogue import discover
from ringfence.listeners import webhooks
from ringfence.playbooks import library
from ringfence.playbooks.library import StoredPlaybook
from ringfence.storage import Database
from ringfence.storage.tables import runs
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
