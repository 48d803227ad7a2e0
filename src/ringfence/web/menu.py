"""The main menu as data: the navigation beside every page, the command palette and the keys that go to a page read it.

A new page is one line here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ringfence.security.rbac import Actor, Permission

_P = Permission


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the menu. `key` is what goes there after `g`; `about` are other words that people look for it by."""

    address: str
    name: str
    icon: str
    permission: Permission
    key: str = ""
    about: str = ""

    def current(self, path: str) -> str | None:
        """Return what `aria-current` says on the page at `path`: `page`, `true` below it, None elsewhere."""
        if path == self.address:
            return "page"
        return "true" if self.address != "/" and path.startswith(f"{self.address}/") else None


@dataclass(frozen=True, slots=True)
class Group:
    """Pages under one heading; `usual` is open where nobody chose."""

    name: str
    entries: tuple[Entry, ...]
    usual: bool = False

    @property
    def key(self) -> str:
        """What a browser remembers it by."""
        return self.name.partition(" ")[0].lower()

    def open(self, path: str) -> bool:
        """Whether the page at `path` is one of its own, with which it is open whatever somebody chose."""
        return any(each.current(path) for each in self.entries)

    def kept(self, chosen: str | None) -> bool:
        """Whether it is open everywhere, where a browser remembers what was `chosen`, None for nothing."""
        return self.usual if chosen is None else self.key in chosen.split(".")


COOKIE: Final = "menu"
"""Which groups somebody keeps open, in this browser: their keys with dots between, so that no page jumps when it is there."""

MENU: Final = (
    Group(
        "Watch",
        (
            Entry("/", "Overview", "layout-dashboard", _P.ORGANIZATION_READ, "o", "dashboard home time to contain"),
            Entry("/alerts", "Alerts", "bell", _P.ALERT_READ, "a", "queue observations"),
            Entry("/incidents", "Incidents", "shield-alert", _P.INCIDENT_READ, "i", "cases"),
        ),
        usual=True,
    ),
    Group(
        "Contain",
        (
            Entry("/containment", "Containment", "shield-check", _P.CONTAINMENT_READ, "c", "isolation board hosts"),
            Entry("/responses", "Responses", "zap", _P.RESPONSE_READ, "r", "scan quarantine restrict indicators"),
            Entry("/approvals", "Approvals", "users", _P.APPROVAL_READ, "q", "questions inbox"),
            Entry(
                "/policy",
                "Policy",
                "shield",
                _P.POLICY_READ,
                "y",
                "kill switch stop containing brakes freeze protected",
            ),
            Entry("/drills", "Drills", "flask-conical", _P.DRILL_READ, "d", "scorecard coverage"),
        ),
        usual=True,
    ),
    Group(
        "Automate",
        (
            Entry("/playbooks", "Playbooks", "workflow", _P.PLAYBOOK_READ, "p", "automation designer components"),
            Entry("/executions", "Executions", "play", _P.RUN_READ, "e", "runs history"),
            Entry("/services", "Services", "timer", _P.SERVICE_READ, "s", "triggers polling"),
            Entry("/webhooks", "Webhooks", "webhook", _P.WEBHOOK_READ, "w", "webhooks in hooks start by http messages"),
            Entry("/tables", "Tables", "table", _P.TABLE_READ, "t", "lists lookup"),
        ),
        usual=True,
    ),
    Group(
        "Connect",
        (
            Entry("/accounts", "Accounts", "plug", _P.ACCOUNT_READ, "n", "tenant entra credentials"),
            Entry("/apps", "Apps", "layers", _P.APP_READ, "", "catalog connectors install release notes"),
            Entry("/outbound", "HTTP", "globe", _P.OUTBOUND_READ, "h", "outbound destinations egress"),
            Entry("/subscriptions", "Subscriptions", "zap", _P.WEBHOOK_READ, "b", "webhooks out events siem"),
            Entry("/notifications", "Notifications", "send", _P.NOTIFICATION_READ, "m", "channels mail chat"),
        ),
    ),
    Group(
        "Account for",
        (
            Entry("/audit", "Audit", "history", _P.AUDIT_READ, "u", "log who did what"),
            Entry("/people", "People", "users", _P.USER_READ, "l", "teams roles members invite permissions"),
            Entry(
                "/identity-providers",
                "Sign-in",
                "key-round",
                _P.SIGN_IN_MANAGE,
                "",
                "identity providers oidc openid connect entra okta keycloak single sign-on",
            ),
            Entry("/keys", "Keys", "lock", _P.KEY_MANAGE, "", "encryption master data audit signing rotate rotation"),
            Entry(
                "/installation", "Installation", "activity", _P.SYSTEM_MANAGE, "", "health doctor backup keys support"
            ),
            Entry("/organizations", "Organizations", "layers", _P.ORGANIZATION_READ, "z", "customers tenants switch"),
        ),
    ),
)
"""Every page that the menu knows, in its order."""


def entries() -> Iterator[Entry]:
    """Yield all entries in the order of the menu."""
    for group in MENU:
        yield from group.entries


def for_actor(actor: Actor | None) -> tuple[Group, ...]:
    """Return the menu with only what somebody may look at; empty for nobody."""
    if actor is None:
        return ()
    kept = (
        Group(group.name, tuple(each for each in group.entries if actor.may(each.permission)), group.usual)
        for group in MENU
    )
    return tuple(group for group in kept if group.entries)
