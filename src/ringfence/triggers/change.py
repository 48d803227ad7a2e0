"""Changes of what Ringfence keeps: whether an entry of the change feed starts a playbook. Pure.

A playbook is never started by a change that one of its own runs made, nor by one of a run that such a run led to: `lineage`
names the playbooks that led to the change.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ringfence.playbooks.triggers import KINDS, ChangeTrigger
from ringfence.triggers.base import Declaration, FieldMatch, Match
from ringfence.triggers.condition import where

DECLARATION: Final = Declaration(
    type="change",
    title="Change of data",
    description="Starts when an alert, an incident, a containment or an account has changed.",
)


def concerns(trigger: ChangeTrigger, noun: str, kind: str) -> bool:
    """Say whether a change is of the kind that the trigger listens to; most are not, and nothing more is read of those."""
    return trigger.of == noun and kind in (trigger.kinds or KINDS.get(noun, ()))


def match(
    trigger: ChangeTrigger, playbook_id: str, account: str | None, lineage: Sequence[str], seen: Mapping[str, Any]
) -> Match:
    """Say whether a change that concerns the trigger starts its playbook, condition by condition."""
    kind = seen["change"]["kind"]
    fields = [FieldMatch("kinds", True, f"The {trigger.of} was {kind}.")]
    if trigger.account is not None and trigger.account != account:
        fields.append(FieldMatch("account", False, f"The account is {account}, not {trigger.account}."))
    if playbook_id in lineage:
        fields.append(FieldMatch("lineage", False, "The change was made by a run that this playbook led to."))
    if trigger.where is not None and all(field.matched for field in fields):
        fields.append(where(trigger.where, seen, "change"))
    return Match(tuple(fields))
