"""What subscriptions can be about, how they are written, and how long is waited after failures. Pure.

Messages are those of Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature` (HMAC-SHA256), and a body with
`type`, `timestamp` and `data`. A body says what happened to which thing and where to read it, and nothing that is secret.
"""

import ipaddress
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from urllib.parse import quote, urlsplit

from ringfence.clock import iso
from ringfence.errors import Invalid
from ringfence.security.egress import Network

TEST: Final = "ringfence.test"
LONGEST_NAME: Final = 100
LONGEST_ADDRESS: Final = 1_000
MOST_EVENTS: Final = 50
GIVE_UP: Final = timedelta(days=3)
"""After so long without success a subscription is disabled, and people are told."""
KEPT: Final = timedelta(days=14)
_FIRST: Final = 5.0
_LONGEST: Final = 3_600.0
_PATTERN: Final = re.compile(r"([a-z_]{1,40})\.(\*|[a-z_]{1,40})")

NOUNS: Final[Mapping[str, tuple[str, str]]] = {
    "account": ("A connected account: its state, its credential.", "accounts/{id}"),
    "alert": ("An alert came, or changed.", "alerts/{id}"),
    "approval": ("A question to people: asked, answered, escalated, over.", "approvals/{id}"),
    "brake": ("A limit of policy: reached, lifted, over.", "policy/brakes"),
    "containment": ("A containment: every state from requested to released.", "containments/{id}"),
    "drill": ("A drill: its states and its end.", "drills/{id}"),
    "incident": ("An incident, and the work on it.", "incidents"),
    "isolation": ("How a machine stands in Defender, whoever isolated it.", "isolations"),
    "playbook": ("A playbook: drafted, published, paused, retired.", "playbooks/{id}"),
    "policy": ("Policy, or the kill switch, was changed.", "policy"),
    "response": ("A response action: every state until it is over.", "responses/{id}"),
    "run": ("An execution: requested, under way, over.", "runs/{id}"),
    "service": ("A trigger service: its state.", "services/{id}"),
    "table": ("A table or its entries were changed.", "tables/{id}"),
}
"""What can be subscribed to: in words, and where the API shows it."""


class State(StrEnum):
    """Whether messages are sent: on, paused by a person, or disabled because nobody took them."""

    ON = "on"
    PAUSED = "paused"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Subscription:
    """Somebody who is told; no `events` means all. `secrets` is how many sign now, `waiting` how many messages wait."""

    id: str
    organization_id: str
    name: str
    address: str
    events: tuple[str, ...]
    state: State
    detail: str
    created_at: datetime
    created_by: str
    failures: int
    failing_since: datetime | None
    delivered_at: datetime | None
    next_at: datetime | None
    secrets: int = 0
    waiting: int = 0

    def wants(self, noun: str, kind: str) -> bool:
        """Say whether it is about what happened."""
        if noun not in NOUNS:
            return False
        return not self.events or f"{noun}.*" in self.events or f"{noun}.{kind}" in self.events


@dataclass(frozen=True, slots=True)
class Attempt:
    """One time that a message was sent: the status that came, or what went wrong; `seconds` is how long it took."""

    at: datetime
    status: int | None
    error: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one subscription; `state` is waiting, delivered or failed, `log` its newest attempts."""

    id: str
    subscription_id: str
    kind: str
    body: Mapping[str, Any]
    state: str
    created_at: datetime
    delivered_at: datetime | None
    attempts: int
    log: tuple[Attempt, ...]


def demand_name(name: str) -> str:
    """Return a name without what stands around it; Invalid if it can be none."""
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Invalid(
            "This cannot be a subscription's name.", advice=f"Use 1 to {LONGEST_NAME} characters that can be seen."
        )
    return name


def demand_events(events: Sequence[str]) -> tuple[str, ...]:
    """Return what is subscribed to, each once; Invalid for what there is not."""
    if len(events) > MOST_EVENTS:
        raise Invalid(f"A subscription names at most {MOST_EVENTS} events.", advice="Use noun.* for all of a noun.")
    wrong = [each for each in events if not (found := _PATTERN.fullmatch(each)) or found[1] not in NOUNS]
    if wrong:
        raise Invalid(
            f"There is no event {wrong[0][:80]!r}.",
            advice=f"Write noun.kind or noun.*, such as containment.contained; nouns are {', '.join(NOUNS)}.",
        )
    return tuple(dict.fromkeys(events))


def demand_address(address: str, allowed: Collection[Network]) -> str:
    """Return an address that may be sent to: https, or http into a private network that the operator has opened."""
    address = address.strip()
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if (
        not host
        or len(address) > LONGEST_ADDRESS
        or not address.isascii()
        or not address.isprintable()
        or " " in address
    ):
        raise Invalid(
            "This is not an address that can be sent to.", advice="Write it as https://siem.contoso.com/hook."
        )
    if parts.username or parts.password or parts.fragment:
        raise Invalid(
            "The address must hold no user, password or fragment.",
            advice="Messages are signed: the other side checks the signature.",
        )
    if parts.scheme == "https" or (parts.scheme == "http" and _opened(host, allowed)):
        return address
    raise Invalid(
        "Messages are sent by https only.",
        advice="For http inside, the operator names the IP address in RINGFENCE_EGRESS_PRIVATE, and it is written here.",
    )


def body(noun: str, noun_id: str, kind: str, at: datetime, *, organization_id: str, origin: str) -> dict[str, Any]:
    """Return what a message says; `origin` is where the pages are."""
    _, path = NOUNS[noun]
    data = {"organization_id": organization_id, "noun": noun, "id": noun_id, "kind": kind}
    data["api"] = f"{origin}/api/v1/{path.format(id=quote(noun_id, safe=''))}"
    return {"type": f"{noun}.{kind}", "timestamp": iso(at), "data": data}


def backoff(failures: int) -> float:
    """Return after how many seconds is tried again, having failed so often in a row: ever longer, up to an hour."""
    return float(min(_LONGEST, _FIRST * 4.0 ** min(max(failures - 1, 0), 8)))


def _opened(host: str, allowed: Collection[Network]) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in allowed if network.version == address.version)
