"""Whether an alert of Defender starts a playbook: a pure function of the trigger and the alert as it came.

Words are compared as Microsoft writes them, letter case included. Of kinds of change, `created` is the first version of an
alert that was seen and `updated` each later one, except those that only hold what Ringfence itself wrote.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ringfence.alerts.versions import Change, only_ours
from ringfence.playbooks.expressions import ExpressionError, holds
from ringfence.playbooks.model import RAW_ALERT, DefenderAlertTrigger
from ringfence.triggers.base import Declaration, FieldMatch, Match

DECLARATION: Final = Declaration(
    type="defender.alert",
    title="Alert of Microsoft Defender for Endpoint",
    description="Starts when an alert of a connected account is created or updated.",
    changes=tuple(Change),
)
_ALL: Final = "All"


def match(
    trigger: DefenderAlertTrigger,
    raw: Mapping[str, Any],
    change: Change,
    *,
    account: str,
    before: Mapping[str, Any] | None = None,
) -> Match:
    """Say whether a version of an alert starts a playbook; `before` is the version before it, needed for updates.

    `where` is looked at only where everything else matches. One that cannot be evaluated does not match, with the reason.
    """
    fields = [
        _account(trigger, account),
        _change(trigger, change, raw, before),
        _one_of("status", trigger.status, raw.get("status")),
        _one_of("severity", trigger.severity, raw.get("severity")),
        _one_of("category", trigger.category, raw.get("category")),
    ]
    if trigger.where is not None and all(field.matched for field in fields):
        fields.append(_where(trigger, raw, change, account))
    return Match(tuple(fields))


def source(trigger: DefenderAlertTrigger) -> str | None:
    """Return the name of the account that the trigger listens to, None for every account of the organization."""
    return trigger.account if trigger.account is not None else trigger.service


def document(trigger: DefenderAlertTrigger, raw: Mapping[str, Any], change: Change, account: str) -> dict[str, Any]:
    """Return what the trigger's `where` looks into."""
    return {
        "type": trigger.type,
        "account": account,
        "service": trigger.service,
        "alert": raw,
        "change": change.value,
        "changes": [change.value],
        RAW_ALERT: raw,
    }


def _account(trigger: DefenderAlertTrigger, account: str) -> FieldMatch:
    wanted = source(trigger)
    if wanted is None or wanted == account:
        return FieldMatch("account", True, f"The account is {account}.")
    return FieldMatch("account", False, f"The account is {account}, not {wanted}.")


def _change(
    trigger: DefenderAlertTrigger, change: Change, raw: Mapping[str, Any], before: Mapping[str, Any] | None
) -> FieldMatch:
    if trigger.changes and change.value not in trigger.changes:
        return FieldMatch("changes", False, f"The alert was {change}, not {' or '.join(trigger.changes)}.")
    if change is Change.UPDATED and before is not None and only_ours(before, raw):
        return FieldMatch("changes", False, "The alert was updated only by a comment of Ringfence's own.")
    return FieldMatch("changes", True, f"The alert was {change}.")


def _one_of(field: str, wanted: Sequence[str], value: object) -> FieldMatch:
    if not wanted or _ALL in wanted:
        return FieldMatch(field, True, f"Any {field} will do.")
    said = f"{value[:100]}" if isinstance(value, str) else "missing"
    if isinstance(value, str) and value in wanted:
        return FieldMatch(field, True, f"The {field} is {said}.")
    return FieldMatch(field, False, f"The {field} is {said}, not {' or '.join(wanted)}.")


def _where(trigger: DefenderAlertTrigger, raw: Mapping[str, Any], change: Change, account: str) -> FieldMatch:
    try:
        true = holds(trigger.where or "", document(trigger, raw, change, account))
    except ExpressionError as error:
        return FieldMatch("where", False, error.message)
    return FieldMatch("where", true, f"The condition `where` is {'true' if true else 'not true'} for this alert.")
