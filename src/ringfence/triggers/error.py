"""Failures of runs: whether a run that failed starts a playbook that is there for that. Pure.

A run that was itself started by a failure starts nothing, so that a broken error playbook cannot go round in circles.
"""

from collections.abc import Mapping
from typing import Any, Final

from ringfence.playbooks.triggers import ErrorTrigger
from ringfence.triggers.base import Declaration, FieldMatch, Match
from ringfence.triggers.condition import where

DECLARATION: Final = Declaration(
    type="error",
    title="Failed run",
    description="Starts when a run of another playbook has failed.",
)


def match(trigger: ErrorTrigger, playbook_id: str, account: str | None, seen: Mapping[str, Any]) -> Match:
    """Say whether a failed run starts the playbook, condition by condition."""
    run = seen["run"]
    fields = [FieldMatch("failed", True, f"A run of {run['playbook']} failed.")]
    if seen["trigger"].get("type") == DECLARATION.type:
        fields.append(FieldMatch("recursion", False, "The run was itself started by a failure."))
    if run["playbook_id"] == playbook_id:
        fields.append(FieldMatch("recursion", False, "It is a run of this playbook."))
    if trigger.playbooks and run["playbook"] not in trigger.playbooks:
        fields.append(FieldMatch("playbooks", False, f"Runs of {run['playbook']} do not count."))
    if trigger.account is not None and trigger.account != account:
        fields.append(FieldMatch("account", False, f"The account is {account}, not {trigger.account}."))
    if trigger.where is not None and all(field.matched for field in fields):
        fields.append(where(trigger.where, seen, "run"))
    return Match(tuple(fields))
