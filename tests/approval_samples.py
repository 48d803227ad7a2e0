"""Questions to people, for tests of what shows and answers them."""

from dataclasses import replace
from typing import Any

from ringfence.approvals import service
from ringfence.approvals.model import Approval, Question, Subject
from ringfence.storage import Database

QUESTION = Question(
    Subject.CONTAINMENT,
    "c-1",
    "Cut fin-ws-014.contoso.com off the network? Ransomware behavior",
    ("It runs a server's operating system (WindowsServer2022).",),
    {
        "machine_id": "a" * 40,
        "name": "fin-ws-014.contoso.com",
        "domain_admin": None,
        "tags": ["Finance", "Server"],
        "action": "isolate",
        "policy_version": "organization 3",
    },
    asked_by="playbook Contain ransomware 1.3",
    patience=1_800.0,
)


def ask(database: Database, organization_id: str, **changes: Any) -> Approval:
    """Ask people of an organization."""
    return database.run_now(lambda tx: service.ask(tx, organization_id, replace(QUESTION, **changes)))


def look(database: Database, asked: Approval) -> Approval:
    """Return a question as it stands now."""
    return database.read_now(lambda tx: service.get(tx, asked.id))
