"""The playbooks whose trigger is of one type, read once for each published version.

Which versions are current is asked in the caller's transaction each time, so that a playbook published or paused anywhere
counts from its commit on; only the reading of their texts, which never change, is remembered.
"""

from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from pydantic import BaseModel

from ringfence import logs
from ringfence.organizations import service as organizations
from ringfence.playbooks import library
from ringfence.playbooks.document import read
from ringfence.playbooks.library import PlaybookState, StoredPlaybook
from ringfence.playbooks.model import AnyTrigger
from ringfence.storage import Transaction

_log = logs.get(__name__)
T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Listener(Generic[T]):
    """A playbook with the trigger of its newest version."""

    playbook: StoredPlaybook
    trigger: T

    @property
    def paused(self) -> bool:
        """Whether the playbook starts nothing at present."""
        return self.playbook.state is PlaybookState.PAUSED


class Listening:
    """Remembers triggers by version; may be shared by all organizations and threads of a process."""

    def __init__(self) -> None:
        self._known: dict[str, AnyTrigger | None] = {}

    def of(self, tx: Transaction, organization_id: str, kind: type[T]) -> list[Listener[T]]:
        """Return an organization's playbooks, active or paused, whose trigger is of a type, in the order of their names.

        In an organization that is frozen or closed all count as paused.
        """
        stored = [each for each in library.every(tx, organization_id) if each.state is not PlaybookState.RETIRED]
        self._learn(tx, organization_id, [each for each in stored if each.version_id not in self._known])
        still = not organizations.is_active(tx, organization_id)
        found = []
        for each in stored:
            trigger: object = self._known.get(each.version_id)
            if isinstance(trigger, kind):
                found.append(Listener(replace(each, state=PlaybookState.PAUSED) if still else each, trigger))
        return found

    def trigger(self, tx: Transaction, playbook: StoredPlaybook) -> AnyTrigger | None:
        """Return the trigger of a playbook's newest version, None if this release cannot read it."""
        self._learn(tx, playbook.organization_id, [playbook] if playbook.version_id not in self._known else [])
        return self._known.get(playbook.version_id)

    def _learn(self, tx: Transaction, organization_id: str, unknown: list[StoredPlaybook]) -> None:
        if not unknown:
            return
        names = {each.version_id: each.name for each in unknown}
        for version_id, text in library.sources(tx, organization_id, names):
            playbook = read(text).playbook
            if playbook is None:
                # Published by another release: it was refused or accepted by other rules than this one's.
                _log.error("playbook_not_readable", playbook=names[version_id], version=version_id)
            self._known[version_id] = playbook.trigger if playbook is not None else None
