"""What an app is, and for whom it is installed. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ringfence.actions import Release


class Category(StrEnum):
    """What an app is for: steps of playbooks, or services that start them."""

    PLAYBOOK = "playbook"
    TRIGGER_SERVICE = "trigger_service"

    @property
    def label(self) -> str:
        """It as people read it."""
        return "Playbook app" if self is Category.PLAYBOOK else "Trigger service"


@dataclass(frozen=True, slots=True)
class Brought:
    """An action that an app brings, with what it does to the world."""

    id: str
    title: str
    effect: str


@dataclass(frozen=True, slots=True)
class App:
    """One app; `problem` says why it cannot be used, and is empty where it can.

    `package` is what brings it, where that is not Ringfence; `source` is what a service of it reads, where it is one, and
    `parameters` the JSON Schema of what such a service asks for, where a package brings it.
    """

    id: str
    title: str
    version: str
    category: Category
    kind: str
    publisher: str
    description: str
    releases: tuple[Release, ...]
    actions: tuple[Brought, ...] = ()
    triggers: tuple[str, ...] = ()
    source: str = ""
    module: str = ""
    package: str = ""
    package_version: str = ""
    ours: bool = True
    problem: str = ""
    parameters: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Installation:
    """What is written down of an app: `version` is the one that was looked at last, `organizations` are ids."""

    id: str
    version: str
    installed: bool
    everybody: bool
    organizations: tuple[str, ...]
    changed_at: datetime
    changed_by: str

    def allows(self, organization_id: str) -> bool:
        """Whether an organization may use it."""
        return self.installed and (self.everybody or organization_id in self.organizations)


@dataclass(frozen=True, slots=True)
class Placed:
    """An app and for whom it is installed; `installation` is None for one that is as it came."""

    app: App
    installation: Installation | None

    @property
    def installed(self) -> bool:
        """Whether anybody may use it."""
        return not self.app.problem and (self.installation.installed if self.installation else self.app.ours)

    @property
    def everybody(self) -> bool:
        """Whether every organization may, also those to come."""
        return self.installed and (self.installation is None or self.installation.everybody)

    @property
    def organizations(self) -> tuple[str, ...]:
        """The ids of those that may, where not everybody may."""
        return self.installation.organizations if self.installation and self.installed and not self.everybody else ()

    @property
    def news(self) -> tuple[Release, ...]:
        """The releases since the version that was looked at last, where the package has been upgraded since."""
        if self.installation is None or self.app.problem or self.installation.version == self.app.version:
            return ()
        known = [each.version for each in self.app.releases]
        end = known.index(self.installation.version) if self.installation.version in known else len(known)
        return self.app.releases[:end]

    @property
    def upgraded(self) -> bool:
        """Whether the package has another version than the one that was looked at last."""
        return self.installation is not None and self.installed and self.installation.version != self.app.version

    def allows(self, organization_id: str) -> bool:
        """Whether an organization may use it."""
        return self.installed and (self.everybody or organization_id in self.organizations)


def place(shelf: Sequence[App], rows: Mapping[str, Installation]) -> list[Placed]:
    """Put apps and what is written down of them together."""
    return [Placed(app, rows.get(app.id)) for app in shelf]
