"""CACAO documents for tests: one that another tool might have made, and what it takes to change it."""

import copy
import json
from typing import Any

from ringfence.playbooks.cacao.writing import Origin

ORIGIN = Origin.of("playbook-1", "organization-1", "2026-01-31T12:00:00.000Z", "2026-02-01T09:30:00.000Z", "TLP:AMBER")


def ident(kind: str, number: int) -> str:
    """Make an identifier."""
    return f"{kind}--{number:08x}-0000-4000-8000-{number:012x}"


START, END = ident("start", 1), ident("end", 2)
AGENT, TARGET = ident("linux", 3), ident("net-address", 4)


def command(text: str = "Look at the machine", kind: str = "manual", **more: Any) -> dict[str, Any]:
    """Make a command."""
    return {"type": kind, "command": text} | more


def action(name: str, *commands: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Make an action step."""
    return {"type": "action", "name": name, "commands": list(commands) or [command()], "agent": AGENT} | more


def cacao(workflow: dict[str, Any] | None = None, *, first: str = "", **more: Any) -> dict[str, Any]:
    """Make a document; its workflow begins with `first`, and has a start and an end."""
    steps = {ident("action", 5): action("Look", on_completion=END)} if workflow is None else workflow
    begin = first or next(iter(steps))
    made: dict[str, Any] = {
        "type": "playbook",
        "spec_version": "cacao-2.0",
        "id": ident("playbook", 6),
        "name": "Phishing at Contoso",
        "created_by": ident("identity", 7),
        "created": "2026-01-31T12:00:00.000Z",
        "modified": "2026-01-31T12:00:00.000Z",
        "workflow_start": START,
        "workflow": {START: {"type": "start", "on_completion": begin}, **steps, END: {"type": "end"}},
        "agent_definitions": {AGENT: {"type": "linux", "name": "Jump host", "address": {"ipv4": ["192.0.2.7"]}}},
        "target_definitions": {TARGET: {"type": "net-address", "name": "Mail gateway", "address": {}}},
    }
    return copy.deepcopy(made | more)


def text(document: Any) -> str:
    """Write a document."""
    return json.dumps(document)
