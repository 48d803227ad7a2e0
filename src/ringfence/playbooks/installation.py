"""What checks may know of an installation and of the person who publishes, as plain facts. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from ringfence.playbooks.model import Effect, Playbook
from ringfence.security.egress import Network


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """A connected account: its state as people know it, why, and the roles that were proven; none known is empty.

    `roles` are those for Defender for Endpoint, `other_roles` those for other APIs (`graph`, `xdr`) that were asked about.
    """

    name: str
    state: str = "healthy"
    reason: str = ""
    roles: tuple[str, ...] = ()
    other_roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KnownService:
    """A trigger service, the account whose alerts it reads and from where; another organization's `owner` shares it."""

    name: str
    account: str
    enabled: bool = True
    source: str = "defender"
    owner: str = ""

    @property
    def app(self) -> str:
        """The id of the app that it is made of."""
        return self.source if self.packaged else f"{self.source}_service"

    @property
    def packaged(self) -> bool:
        """Whether a package brings what reads it: it gives events, and no alerts."""
        return "." in self.source


@dataclass(frozen=True, slots=True)
class Publisher:
    """A person and what they may publish; `holders` names, for each effect that not everybody may publish, who may."""

    name: str
    may_publish: bool = True
    may: frozenset[Effect] = frozenset(Effect)
    holders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


Called: TypeAlias = tuple[str, str]
"""What a step calls: a component's name, and its version as it is written, or nothing."""


@dataclass(frozen=True, slots=True)
class Installation:
    """One organization at one moment. `components` are those that a playbook reaches, at any depth.

    `audience` are names of people and teams, `channels` those of channels for messages; `allowed` are the private networks
    that requests may reach, None where that is not known. `webhooks` are all, also those that are off. `uninstalled` are the
    apps, by id, that the organization may not use. Without a `publisher` nobody publishes: rights are not looked at.
    """

    accounts: tuple[KnownAccount, ...] = ()
    services: tuple[KnownService, ...] = ()
    webhooks: tuple[str, ...] = ()
    webhooks_off: frozenset[str] = frozenset()
    mailboxes: tuple[str, ...] = ()
    audience: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    components: Mapping[Called, Playbook] = field(default_factory=dict)
    allowed: tuple[Network, ...] | None = ()
    uninstalled: frozenset[str] = frozenset()
    publisher: Publisher | None = None
