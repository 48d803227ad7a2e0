"""A trigger service: which account is read from which source, how often and how far back, and how that goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

MOST_RESTARTS: Final = 100
COMPLETENESS: Final = "completeness"
"""The kind of problem that a sweep notices: alerts may be missing."""


class ServiceState(StrEnum):
    """How a service stands; it follows from the facts in its row (`judge`) and is never set by hand.

    off: a person switched it off. starting: switched on, not polled yet. running: the last poll went well. degraded: polls
    fail and are repeated, or something is known to be missed. failed: polls failed more often than restarts are allowed;
    it is still tried every few minutes, and goes on by itself when one succeeds.
    """

    OFF = "off"
    STARTING = "starting"
    RUNNING = "running"
    DEGRADED = "degraded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Service:
    """One trigger service; `account` and `account_state` are those of the account that it follows.

    One whose type a package brings follows none: `account_id` and `account` are empty, and it has `parameters`, and the
    `cursor` that its last poll gave back.

    `pool` names the workers that may read it; `notify_to` are mail addresses that are told when it fails; `shared_with` are the
    ids of other organizations whose playbooks may listen to it, where not `everybody` may.
    `interval` and `history` are words, empty where the installation decides. `problems` has, by kind, sentences about what
    was noticed beside the polls. `lag` is in seconds.
    """

    id: str
    organization_id: str
    account_id: str
    account: str
    account_state: str
    account_updated_at: datetime
    name: str
    source: str
    parameters: Mapping[str, Any]
    cursor: Any
    interval: str
    history: str
    start_at_once: bool
    updates: bool
    max_restarts: int
    pool: str
    notify_to: tuple[str, ...]
    everybody: bool
    shared_with: tuple[str, ...]
    enabled: bool
    state: ServiceState
    state_reason: str
    poll_error: str
    problems: Mapping[str, str]
    failures: int
    watermark: datetime | None
    polled_at: datetime | None
    next_poll_at: datetime | None
    lag: float | None
    polls: int
    hits: int
    misses: int
    errors: int
    activated_at: datetime
    created_at: datetime
    updated_at: datetime

    @property
    def packaged(self) -> bool:
        """Whether a package brings what reads it."""
        return "." in self.source

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", ServiceState(self.state))
        object.__setattr__(self, "notify_to", tuple(self.notify_to))
        object.__setattr__(self, "shared_with", tuple(self.shared_with))


def judge(
    *,
    enabled: bool,
    polled: bool,
    failures: int,
    max_restarts: int,
    poll_error: str,
    problems: Mapping[str, str],
) -> tuple[ServiceState, str]:
    """Return the state that the facts amount to, and why: empty where nothing is wrong."""
    if not enabled:
        return ServiceState.OFF, ""
    if failures:
        return ServiceState.FAILED if failures > max_restarts else ServiceState.DEGRADED, poll_error
    if problems:
        return ServiceState.DEGRADED, " ".join(problems[kind] for kind in sorted(problems))
    return (ServiceState.RUNNING if polled else ServiceState.STARTING), ""
