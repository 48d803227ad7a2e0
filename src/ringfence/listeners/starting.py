"""Start a playbook for a cause, exactly once; every function works inside the caller's transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.accounts import records
from ringfence.playbooks.library import StoredPlaybook
from ringfence.runs import rows
from ringfence.storage import Transaction
from ringfence.triggers.base import Match
from ringfence.triggers.listening import Listener, T

_PAUSED = "The playbook is paused."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an event meant for one playbook: the run that it started, or why it started none."""

    playbook_id: str
    playbook: str
    version: str
    run_id: str | None
    reason: str

    @property
    def started(self) -> bool:
        """Whether a run was started."""
        return self.run_id is not None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Outcome":
        """Read one as it is stored."""
        return cls(**document)

    def to_json(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return {name: getattr(self, name) for name in self.__slots__}


def outcome(
    tx: Transaction, listener: Listener[T], match: Match, cause: str, trigger: Mapping[str, Any], account: str | None
) -> Outcome:
    """Start the listener's playbook if the event matched and the playbook is active; say what came of it."""
    if not match.matched:
        return refused(listener.playbook, match.reason)
    if listener.paused:
        return refused(listener.playbook, _PAUSED)
    run_id = start(tx, listener.playbook, cause, trigger, account)
    return Outcome(listener.playbook.id, listener.playbook.name, listener.playbook.version, run_id, match.reason)


def refused(playbook: StoredPlaybook, reason: str) -> Outcome:
    """Return the outcome of an event that starts nothing."""
    return Outcome(playbook.id, playbook.name, playbook.version, None, reason)


def start(
    tx: Transaction,
    playbook: StoredPlaybook,
    cause: str,
    trigger: Mapping[str, Any],
    account: str | None,
    *,
    account_id: str | None = None,
    alert_id: str | None = None,
    alert_version: int | None = None,
) -> str:
    """Ask for a run, once for each cause of a playbook, and return its id.

    Its steps reach Defender with `account_id`, else with the account called `account`, else with the organization's only
    account; where that is not clear, steps that reach Defender fail and say so.
    """
    return rows.request(
        tx,
        organization_id=playbook.organization_id,
        playbook_id=playbook.id,
        playbook_version_id=playbook.version_id,
        cause_key=cause,
        trigger=trigger,
        account_id=account_id or _account(tx, playbook.organization_id, account),
        alert_id=alert_id,
        alert_version=alert_version,
    )


def _account(tx: Transaction, organization_id: str, name: str | None) -> str | None:
    known = records.every(tx, organization_id)
    if name is not None:
        return next((each.id for each in known if each.name == name), None)
    return known[0].id if len(known) == 1 else None
