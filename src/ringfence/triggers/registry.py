"""The triggers that are active in an organization, read once for each published version.

Which versions are active is asked in the caller's transaction each time, so that a playbook published or paused anywhere
counts from its commit on; only the reading of their texts, which never change, is remembered.
"""

from dataclasses import dataclass

from ringfence import logs
from ringfence.playbooks import library
from ringfence.playbooks.document import read
from ringfence.playbooks.model import DefenderAlertTrigger
from ringfence.storage import Transaction
from ringfence.triggers import defender

_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class ActiveTrigger:
    """The trigger of an active playbook, and the version that it starts."""

    playbook_id: str
    version_id: str
    name: str
    trigger: DefenderAlertTrigger


class Registry:
    """Remembers triggers by version; may be shared by all organizations and threads of a process."""

    def __init__(self) -> None:
        self._known: dict[str, DefenderAlertTrigger | None] = {}

    def for_account(self, tx: Transaction, organization_id: str, account: str) -> list[ActiveTrigger]:
        """Return the triggers that listen to alerts of an account (its name), in a fixed order."""
        found = []
        active = library.active(tx, organization_id)
        self._learn(tx, organization_id, [each for each in active if each.version_id not in self._known])
        for each in active:
            trigger = self._known.get(each.version_id)
            if trigger is not None and defender.source(trigger) in (None, account):
                found.append(ActiveTrigger(each.playbook_id, each.version_id, each.name, trigger))
        return found

    def _learn(self, tx: Transaction, organization_id: str, unknown: list[library.ActiveVersion]) -> None:
        if not unknown:
            return
        names = {each.version_id: each.name for each in unknown}
        for version_id, text in library.sources(tx, organization_id, names):
            playbook = read(text).playbook
            if playbook is None:
                # Published by another release: it was refused or accepted by other rules than this one's.
                _log.error("playbook_not_readable", playbook=names[version_id], version=version_id)
            trigger = playbook.trigger if playbook is not None else None
            self._known[version_id] = trigger if isinstance(trigger, DefenderAlertTrigger) else None
