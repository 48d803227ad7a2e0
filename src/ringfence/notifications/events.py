"""What people can be told of: each event, its words, whether it is urgent, and whether it is told again. Pure."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final


class Event(StrEnum):
    """Something that people can be told of."""

    APPROVAL_ASKED = "approval_asked"
    APPROVAL_ESCALATED = "approval_escalated"
    APPROVAL_REJECTED = "approval_rejected"
    APPROVAL_EXPIRED = "approval_expired"
    BRAKE_TRIPPED = "brake_tripped"
    KILL_SWITCH = "kill_switch"
    CONTAINMENT_CONFIRMED = "containment_confirmed"
    CONTAINMENT_FAILED = "containment_failed"
    RELEASE_SOON = "release_soon"
    RELEASE_FAILED = "release_failed"
    HOST_ORPHANED = "host_orphaned"
    ACCOUNT_FAILED = "account_failed"
    ACCOUNT_DEGRADED = "account_degraded"
    CREDENTIAL_EXPIRING = "credential_expiring"
    SERVICE_FAILED = "service_failed"
    SERVICE_UNHEALTHY = "service_unhealthy"
    SERVICE_UNSERVED = "service_unserved"
    SUBSCRIPTION_DISABLED = "subscription_disabled"
    SIGN_IN_LOCKED = "sign_in_locked"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Kind:
    """How an event is told: what it means, whether quiet hours let it through, and whether people are reminded of it."""

    about: str
    urgent: bool = False
    stands: bool = False


KINDS: Final[dict[Event, Kind]] = {
    Event.APPROVAL_ASKED: Kind("People are asked, and something waits for their answer.", urgent=True),
    Event.APPROVAL_ESCALATED: Kind("Nobody answered in time, and others are asked too.", urgent=True),
    Event.APPROVAL_REJECTED: Kind("Somebody said no, and what waited for the answer is not done."),
    Event.APPROVAL_EXPIRED: Kind("Nobody answered in time, and what waited for the answer is not done.", urgent=True),
    Event.BRAKE_TRIPPED: Kind("A limit of policy was reached; containing stops, releasing goes on.", urgent=True),
    Event.KILL_SWITCH: Kind("Containing was stopped by hand; releasing goes on.", True, stands=True),
    Event.CONTAINMENT_CONFIRMED: Kind("Defender confirmed that a host is cut off."),
    Event.CONTAINMENT_FAILED: Kind("A host could not be cut off, or not in time.", urgent=True),
    Event.RELEASE_SOON: Kind("A timer will soon let a host go."),
    Event.RELEASE_FAILED: Kind("A host could not be let go; it is still cut off.", urgent=True, stands=True),
    Event.HOST_ORPHANED: Kind("A host has been cut off for long, and nobody is bound to come back to it.", stands=True),
    Event.ACCOUNT_FAILED: Kind("An account's credential was refused; nothing is attempted with it.", True, stands=True),
    Event.ACCOUNT_DEGRADED: Kind("An account works, but not for all that it is needed for.", stands=True),
    Event.CREDENTIAL_EXPIRING: Kind("A credential will expire in 60, 30, 14, 7 or 1 days."),
    Event.SERVICE_FAILED: Kind("A trigger service has failed; alerts may come late.", stands=True),
    Event.SERVICE_UNHEALTHY: Kind("A trigger service may have missed alerts.", stands=True),
    Event.SERVICE_UNSERVED: Kind("No worker serves the pool that a trigger service waits in.", stands=True),
    Event.SUBSCRIPTION_DISABLED: Kind("Nobody took what a subscription sends (webhooks out), and it was disabled."),
    Event.SIGN_IN_LOCKED: Kind("Somebody guesses: after too many failures a name is locked for a quarter of an hour."),
    Event.MESSAGE: Kind("A playbook has something to say (`notify.send`)."),
}

_REMINDERS: Final = (timedelta(hours=1), timedelta(hours=4), timedelta(hours=24))


def next_reminder(told: int) -> timedelta:
    """Return after how long people are reminded of what still stands, having been reminded `told` times: ever more rarely."""
    return _REMINDERS[min(told, len(_REMINDERS) - 1)]
