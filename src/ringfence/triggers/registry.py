"""The triggers of an organization that wait for alerts, read once for each published version.

Which versions are active is asked in the caller's transaction each time, so that a playbook published or paused anywhere
counts from its commit on; only the reading of their texts, which never change, is remembered.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ringfence import logs
from ringfence.organizations import service as organizations
from ringfence.playbooks import library
from ringfence.playbooks.document import read
from ringfence.playbooks.model import DefenderAlertTrigger
from ringfence.storage import Transaction
from ringfence.triggers.needs import needs

_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class ActiveTrigger:
    """The trigger of a playbook, the version that it starts, unless the playbook is paused, and what that needs of an alert."""

    playbook_id: str
    version_id: str
    name: str
    trigger: DefenderAlertTrigger
    paused: bool = False
    needs: frozenset[str] = frozenset()


class Registry:
    """Remembers triggers by version; may be shared by all organizations and threads of a process."""

    def __init__(self) -> None:
        self._known: dict[str, DefenderAlertTrigger | None] = {}
        self._needs: dict[str, frozenset[str]] = {}

    def of_organization(self, tx: Transaction, organization_id: str) -> list[ActiveTrigger]:
        """Return the triggers of all playbooks that are active or paused, in the order in which these were made.

        In an organization that is frozen or closed all count as paused.
        """
        published = library.published(tx, organization_id)
        still = not organizations.is_active(tx, organization_id)
        self._learn(tx, organization_id, {each.version_id: each.name for each in published})
        found = []
        for each in published:
            trigger = self._known.get(each.version_id)
            if trigger is not None:
                needed = self._needs[each.version_id]
                found.append(
                    ActiveTrigger(each.playbook_id, each.version_id, each.name, trigger, still or each.paused, needed)
                )
        return found

    def by_version(
        self, tx: Transaction, organization_id: str, version_ids: Iterable[str]
    ) -> dict[str, DefenderAlertTrigger]:
        """Return the triggers of these versions, published or superseded, as far as this release can read them."""
        wanted = list(version_ids)
        self._learn(tx, organization_id, dict.fromkeys(wanted, ""))
        found = {version_id: self._known.get(version_id) for version_id in wanted}
        return {version_id: trigger for version_id, trigger in found.items() if trigger is not None}

    def _learn(self, tx: Transaction, organization_id: str, names: dict[str, str]) -> None:
        unknown = [version_id for version_id in names if version_id not in self._known]
        if not unknown:
            return
        for version_id, text in library.sources(tx, organization_id, unknown):
            playbook = read(text).playbook
            if playbook is None:
                # Published by another release: it was refused or accepted by other rules than this one's.
                _log.error("playbook_not_readable", playbook=names[version_id], version=version_id)
            trigger = playbook.trigger if playbook is not None else None
            self._needs[version_id] = needs(playbook) if playbook is not None else frozenset()
            self._known[version_id] = trigger if isinstance(trigger, DefenderAlertTrigger) else None
