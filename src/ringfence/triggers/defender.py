"""Whether a version of an alert starts a playbook: a pure function of the trigger and of what is known of the version.

Words are compared as Microsoft writes them, letter case included. `decide` gives the verdict that is kept, as cheaply as
can be, for it is asked for every version and every trigger; `match` says the same at length for people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ringfence.alerts.transitions import Change
from ringfence.alerts.versions import Standing
from ringfence.playbooks.expressions import ExpressionError, holds
from ringfence.playbooks.model import RAW_ALERT, DefenderAlertTrigger
from ringfence.triggers.base import Declaration, FieldMatch, Match, Verdict

DECLARATION: Final = Declaration(
    type="defender.alert",
    title="Alert of Microsoft Defender for Endpoint",
    description="Starts when an alert of a connected account is created or changed.",
    changes=tuple(Change),
)
_ALL: Final = "All"


@dataclass(frozen=True, slots=True)
class Event:
    """One version of an alert: what it did to the alert, what it is to it, and the document in the form of Defender.

    `original` is the document as it came, where that is another: from Microsoft Graph. `services` are the names of those that
    pass such a change of the account's alerts on; without them, each account counts as followed by one of its own name.
    """

    raw: Mapping[str, Any]
    changes: Sequence[Change]
    account: str
    standing: Standing = Standing.NEWS
    original: Mapping[str, Any] | None = None
    services: tuple[str, ...] | None = None


def decide(trigger: DefenderAlertTrigger, event: Event) -> Verdict:
    """Say whether a version starts a playbook: STARTED, or the first thing that stands against it."""
    if event.standing is Standing.LATE:
        return Verdict.LATE
    if event.standing is Standing.OWN:
        return Verdict.OWN
    if not _listens(trigger, event):
        return Verdict.ACCOUNT
    if trigger.changes and not any(change in trigger.changes for change in event.changes):
        return Verdict.CHANGES
    if not _fits(trigger.status, event.raw.get("status")):
        return Verdict.STATUS
    if not _fits(trigger.severity, event.raw.get("severity")):
        return Verdict.SEVERITY
    if not _fits(trigger.category, event.raw.get("category")):
        return Verdict.CATEGORY
    if trigger.where is not None and not _where(trigger, event).matched:
        return Verdict.WHERE
    return Verdict.STARTED


def match(trigger: DefenderAlertTrigger, event: Event) -> Match:
    """Say the same condition by condition, each with its reason.

    `where` is looked at only where everything else matches. One that cannot be evaluated does not match, with the reason.
    """
    fields = [
        _account(trigger, event),
        _changes(trigger, event),
        _one_of("status", trigger.status, event.raw.get("status")),
        _one_of("severity", trigger.severity, event.raw.get("severity")),
        _one_of("category", trigger.category, event.raw.get("category")),
    ]
    if trigger.where is not None and all(field.matched for field in fields):
        fields.append(_where(trigger, event))
    return Match(tuple(fields))


def _listens(trigger: DefenderAlertTrigger, event: Event) -> bool:
    """Tell whether the alert comes from where the trigger listens: its service, its account, or anywhere."""
    services = (event.account,) if event.services is None else event.services
    if trigger.service is not None:
        return trigger.service in services
    return bool(services) and trigger.account in (None, event.account)


def chosen(trigger: DefenderAlertTrigger, changes: Sequence[Change]) -> Change:
    """Return the change for which the trigger starts: of those it asks for, the one that says most."""
    asked = [change for change in changes if not trigger.changes or change in trigger.changes]
    return asked[0] if asked else changes[0]


def document(trigger: DefenderAlertTrigger, event: Event) -> dict[str, Any]:
    """Return what the trigger's `where` looks into."""
    return {
        "type": trigger.type,
        "account": event.account,
        "service": trigger.service,
        "alert": event.raw,
        "change": chosen(trigger, event.changes).value,
        "changes": [change.value for change in event.changes],
        RAW_ALERT: event.raw if event.original is None else event.original,
    }


def folds_by(trigger: DefenderAlertTrigger, raw: Mapping[str, Any]) -> str | None:
    """Return what alerts must share to be told to one run (`machine:ID`), None if each has a run of its own."""
    if trigger.run_per == "alert":
        return None
    value = raw.get("machineId" if trigger.run_per == "machine" else "incidentId")
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value):
        return None
    return f"{trigger.run_per}:{str(value)[:200]}"


def _account(trigger: DefenderAlertTrigger, event: Event) -> FieldMatch:
    account = event.account
    if _listens(trigger, event):
        said = (
            f"The account is {account}."
            if trigger.service is None
            else f"The service {trigger.service} follows {account}."
        )
        return FieldMatch("account", True, said)
    if trigger.service is not None:
        return FieldMatch("account", False, f"No alert of {account} comes by the service {trigger.service}.")
    if trigger.account not in (None, account):
        return FieldMatch("account", False, f"The account is {account}, not {trigger.account}.")
    return FieldMatch("account", False, f"No service of {account} that is on passes such a change on.")


def _changes(trigger: DefenderAlertTrigger, event: Event) -> FieldMatch:
    if event.standing is Standing.LATE:
        return FieldMatch("changes", False, "The version is older than what was known when it came.")
    if event.standing is Standing.OWN:
        return FieldMatch("changes", False, "The alert was updated only by what Ringfence itself wrote.")
    said = " and ".join(spoken(change) for change in event.changes)
    if trigger.changes and not any(change in trigger.changes for change in event.changes):
        wanted = " or ".join(spoken(change) for change in trigger.changes)
        return FieldMatch("changes", False, f"The alert was {said}, not {wanted}.")
    return FieldMatch("changes", True, f"The alert was {said}.")


def spoken(change: str) -> str:
    """Return a change as it stands in a sentence: `severity raised`."""
    return change.replace("_", " ")


def _fits(wanted: Sequence[str], value: object) -> bool:
    return not wanted or value in wanted or _ALL in wanted


def _one_of(field: str, wanted: Sequence[str], value: object) -> FieldMatch:
    if not wanted or _ALL in wanted:
        return FieldMatch(field, True, f"Any {field} will do.")
    said = f"{value[:100]}" if isinstance(value, str) else "missing"
    return FieldMatch(
        field,
        _fits(wanted, value),
        f"The {field} is {said}." if _fits(wanted, value) else f"The {field} is {said}, not {' or '.join(wanted)}.",
    )


def _where(trigger: DefenderAlertTrigger, event: Event) -> FieldMatch:
    try:
        true = holds(trigger.where or "", document(trigger, event))
    except ExpressionError as error:
        return FieldMatch("where", False, error.message)
    return FieldMatch("where", true, f"The condition `where` is {'true' if true else 'not true'} for this alert.")
