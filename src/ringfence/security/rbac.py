"""Who may do what: permissions, the roles that have them, and the one `require()`.

A person has a role in an organization (System Administrator: in all of them). Roles stand on a ladder: each may do what
those below it may, so that a permission is one line here, with the lowest role that has it. A new route declares one of
these, or brings a line of its own.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from ringfence.errors import Invalid, MissingPermission


class Role(StrEnum):
    """What a person is in an organization, lowest first."""

    READ_ONLY = "read_only"
    ANALYST = "analyst"
    RESPONDER = "responder"
    ORGANIZATION_ADMINISTRATOR = "organization_administrator"
    SYSTEM_ADMINISTRATOR = "system_administrator"

    @property
    def label(self) -> str:
        """The role as people read it."""
        return self.value.replace("_", " ").title()


class Permission(StrEnum):
    """What somebody may do, `noun:verb`."""

    ALERT_READ = "alert:read"
    INCIDENT_READ = "incident:read"
    CONTAINMENT_READ = "containment:read"
    RESPONSE_READ = "response:read"
    APPROVAL_READ = "approval:read"
    PLAYBOOK_READ = "playbook:read"
    RUN_READ = "run:read"
    POLICY_READ = "policy:read"
    DRILL_READ = "drill:read"
    TABLE_READ = "table:read"
    ACCOUNT_READ = "account:read"
    SERVICE_READ = "service:read"
    APP_READ = "app:read"
    OUTBOUND_READ = "outbound:read"
    NOTIFICATION_READ = "notification:read"
    WEBHOOK_READ = "webhook:read"
    AUDIT_READ = "audit:read"
    ORGANIZATION_READ = "organization:read"
    USER_READ = "user:read"
    TEAM_READ = "team:read"
    SELF_MANAGE = "self:manage"

    ALERT_CHANGE = "alert:change"
    INCIDENT_WORK = "incident:work"
    PLAYBOOK_WRITE = "playbook:write"
    PLAYBOOK_PUBLISH = "playbook:publish"
    PLAYBOOK_REHEARSE = "playbook:rehearse"
    TABLE_WRITE = "table:write"
    FILTER_SHARE = "filter:share"

    CONTAINMENT_CONTAIN = "containment:contain"
    CONTAINMENT_RELEASE = "containment:release"
    RESPONSE_ACT = "response:act"
    RESPONSE_UNDO = "response:undo"
    APPROVAL_ANSWER = "approval:answer"
    PLAYBOOK_CONTROL = "playbook:control"
    RUN_START = "run:start"
    RUN_CANCEL = "run:cancel"
    POLICY_STOP = "policy:stop"
    DRILL_RUN = "drill:run"
    SERVICE_CONTROL = "service:control"

    PLAYBOOK_RULES = "playbook:rules"
    POLICY_CHANGE = "policy:change"
    DRILL_MANAGE = "drill:manage"
    TABLE_MANAGE = "table:manage"
    ACCOUNT_MANAGE = "account:manage"
    SERVICE_MANAGE = "service:manage"
    OUTBOUND_MANAGE = "outbound:manage"
    NOTIFICATION_MANAGE = "notification:manage"
    WEBHOOK_MANAGE = "webhook:manage"
    AUDIT_EXPORT = "audit:export"
    ORGANIZATION_CHANGE = "organization:change"
    USER_MANAGE = "user:manage"
    TEAM_MANAGE = "team:manage"
    KEY_MANAGE = "key:manage"
    TOKEN_MANAGE = "token:manage"
    SIGN_IN_MANAGE = "sign_in:manage"

    ORGANIZATION_MANAGE = "organization:manage"
    APP_MANAGE = "app:manage"
    SYSTEM_MANAGE = "system:manage"

    @property
    def sentence(self) -> str:
        """What it lets somebody do, as people read it."""
        return _TABLE[self][1]

    @property
    def lowest(self) -> Role:
        """The lowest role that has it."""
        return _TABLE[self][0]


_P, _R = Permission, Role
_TABLE: Final[Mapping[Permission, tuple[Role, str]]] = {
    _P.ALERT_READ: (_R.READ_ONLY, "look at alerts"),
    _P.INCIDENT_READ: (_R.READ_ONLY, "look at incidents"),
    _P.CONTAINMENT_READ: (_R.READ_ONLY, "look at containments and their proof"),
    _P.RESPONSE_READ: (_R.READ_ONLY, "look at response actions"),
    _P.APPROVAL_READ: (_R.READ_ONLY, "look at questions that people are asked"),
    _P.PLAYBOOK_READ: (_R.READ_ONLY, "look at playbooks and drafts"),
    _P.RUN_READ: (_R.READ_ONLY, "look at executions"),
    _P.POLICY_READ: (_R.READ_ONLY, "look at policy, and ask it about a host"),
    _P.DRILL_READ: (_R.READ_ONLY, "look at drills"),
    _P.TABLE_READ: (_R.READ_ONLY, "look at tables"),
    _P.ACCOUNT_READ: (_R.READ_ONLY, "look at connected accounts"),
    _P.SERVICE_READ: (_R.READ_ONLY, "look at trigger services"),
    _P.APP_READ: (_R.READ_ONLY, "look at the catalog of apps"),
    _P.OUTBOUND_READ: (_R.READ_ONLY, "look at what playbooks may call"),
    _P.NOTIFICATION_READ: (_R.READ_ONLY, "look at channels and notifications"),
    _P.WEBHOOK_READ: (_R.READ_ONLY, "look at webhooks"),
    _P.AUDIT_READ: (_R.READ_ONLY, "look at the audit log"),
    _P.ORGANIZATION_READ: (_R.READ_ONLY, "look at the organization"),
    _P.USER_READ: (_R.READ_ONLY, "see who works in the organization, and their roles"),
    _P.TEAM_READ: (_R.READ_ONLY, "look at teams"),
    _P.SELF_MANAGE: (_R.READ_ONLY, "manage their own password, sessions and tokens"),
    _P.ALERT_CHANGE: (_R.ANALYST, "assign, classify and close alerts"),
    _P.INCIDENT_WORK: (_R.ANALYST, "promote alerts and work on incidents"),
    _P.PLAYBOOK_WRITE: (_R.ANALYST, "write drafts of playbooks"),
    _P.PLAYBOOK_PUBLISH: (_R.ANALYST, "publish and import playbooks that do what they may"),
    _P.PLAYBOOK_REHEARSE: (_R.ANALYST, "try playbooks without touching anything"),
    _P.TABLE_WRITE: (_R.ANALYST, "put entries into tables and take them out"),
    _P.FILTER_SHARE: (_R.ANALYST, "share filters of lists with the organization"),
    _P.CONTAINMENT_CONTAIN: (_R.RESPONDER, "contain hosts"),
    _P.CONTAINMENT_RELEASE: (_R.RESPONDER, "release hosts"),
    _P.RESPONSE_ACT: (_R.RESPONDER, "carry out response actions"),
    _P.RESPONSE_UNDO: (_R.RESPONDER, "cancel and undo response actions"),
    _P.APPROVAL_ANSWER: (_R.RESPONDER, "approve and reject what waits for people"),
    _P.PLAYBOOK_CONTROL: (_R.RESPONDER, "pause, activate and retire playbooks"),
    _P.RUN_START: (_R.RESPONDER, "start and rerun playbooks by hand"),
    _P.RUN_CANCEL: (_R.RESPONDER, "cancel executions"),
    _P.POLICY_STOP: (_R.RESPONDER, "put the kill switch on and off, and lift brakes"),
    _P.DRILL_RUN: (_R.RESPONDER, "start and abort drills"),
    _P.SERVICE_CONTROL: (_R.RESPONDER, "switch trigger services on and off"),
    _P.PLAYBOOK_RULES: (_R.ORGANIZATION_ADMINISTRATOR, "say who may publish which playbooks"),
    _P.POLICY_CHANGE: (_R.ORGANIZATION_ADMINISTRATOR, "change policy"),
    _P.DRILL_MANAGE: (_R.ORGANIZATION_ADMINISTRATOR, "name the devices and schedules of drills"),
    _P.TABLE_MANAGE: (_R.ORGANIZATION_ADMINISTRATOR, "make and remove tables"),
    _P.ACCOUNT_MANAGE: (_R.ORGANIZATION_ADMINISTRATOR, "connect, change and remove accounts"),
    _P.SERVICE_MANAGE: (_R.ORGANIZATION_ADMINISTRATOR, "make, change and remove trigger services"),
    _P.OUTBOUND_MANAGE: (
        _R.ORGANIZATION_ADMINISTRATOR,
        "say which hosts playbooks may call, and with which credentials",
    ),
    _P.NOTIFICATION_MANAGE: (_R.ORGANIZATION_ADMINISTRATOR, "add, test and remove channels and rules of notification"),
    _P.WEBHOOK_MANAGE: (_R.ORGANIZATION_ADMINISTRATOR, "make, change and remove webhooks"),
    _P.AUDIT_EXPORT: (_R.ORGANIZATION_ADMINISTRATOR, "export the audit log"),
    _P.ORGANIZATION_CHANGE: (_R.ORGANIZATION_ADMINISTRATOR, "rename the organization and change what it reckons with"),
    _P.USER_MANAGE: (_R.ORGANIZATION_ADMINISTRATOR, "invite and remove people, and change their roles"),
    _P.TEAM_MANAGE: (_R.ORGANIZATION_ADMINISTRATOR, "make, change and remove teams"),
    _P.TOKEN_MANAGE: (_R.ORGANIZATION_ADMINISTRATOR, "make tokens of services, and see and revoke everybody's"),
    _P.SIGN_IN_MANAGE: (
        _R.ORGANIZATION_ADMINISTRATOR,
        "say how people sign in: second factors and providers of identities",
    ),
    _P.KEY_MANAGE: (_R.ORGANIZATION_ADMINISTRATOR, "rotate the keys that seal the organization's secrets"),
    _P.ORGANIZATION_MANAGE: (_R.SYSTEM_ADMINISTRATOR, "make, freeze and close organizations"),
    _P.APP_MANAGE: (_R.SYSTEM_ADMINISTRATOR, "install apps, and say which organizations may use them"),
    _P.SYSTEM_MANAGE: (_R.SYSTEM_ADMINISTRATOR, "look after the installation"),
}

_LADDER: Final = tuple(Role)

PERMISSIONS: Final[Mapping[Role, frozenset[Permission]]] = {
    role: frozenset(each for each, (lowest, _) in _TABLE.items() if _LADDER.index(lowest) <= _LADDER.index(role))
    for role in Role
}
"""What each role may do."""

_LOOKING: Final = frozenset(each for each in Permission if each.endswith(":read"))
STANDING: Final[Mapping[str, frozenset[Permission]]] = {
    "active": frozenset(Permission),
    # Nothing new is begun, what was begun is taken back, and what that needs is looked after.
    "frozen": _LOOKING
    | {
        _P.SELF_MANAGE,
        _P.INCIDENT_WORK,
        _P.CONTAINMENT_RELEASE,
        _P.RESPONSE_UNDO,
        _P.RUN_CANCEL,
        _P.ACCOUNT_MANAGE,
        _P.NOTIFICATION_MANAGE,
        _P.AUDIT_EXPORT,
        _P.USER_MANAGE,
        _P.TEAM_MANAGE,
        _P.KEY_MANAGE,
        _P.TOKEN_MANAGE,
        _P.SIGN_IN_MANAGE,
        _P.ORGANIZATION_MANAGE,
        _P.APP_MANAGE,
        _P.SYSTEM_MANAGE,
    },
    "closed": _LOOKING | {_P.SELF_MANAGE, _P.AUDIT_EXPORT, _P.ORGANIZATION_MANAGE, _P.APP_MANAGE, _P.SYSTEM_MANAGE},
}
"""What is left of everybody's permissions, by how the organization stands."""

How = Literal["session", "token", "cli"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who asks for something, in exactly one organization.

    `permissions` is what their role has; for a token, what its scopes leave of that. `label` names the session, the token
    or the login by which they came, without its secret. Who comes by the command line has no `user_id`.
    """

    user_id: str | None
    name: str
    organization_id: str
    role: Role
    permissions: frozenset[Permission]
    label: str
    how: How
    standing: str = "active"

    def may(self, permission: Permission) -> bool:
        """Tell whether they may."""
        return permission in self.permissions


def acting_as(
    role: Role,
    *,
    user_id: str | None,
    name: str,
    organization_id: str,
    label: str,
    how: How,
    scopes: Iterable[Permission] | None = None,
    standing: str = "active",
) -> Actor:
    """Return who asks, with what their role has; `scopes`, and how the organization stands, leave only some of it."""
    held = PERMISSIONS[role] & STANDING[standing]
    held = held if scopes is None else held & frozenset(scopes)
    return Actor(user_id, name, organization_id, role, held, label, how, standing)


def command_line(name: str, organization_id: str) -> Actor:
    """Return who uses the command line on the server: whoever may read its database is its system administrator."""
    return acting_as(
        Role.SYSTEM_ADMINISTRATOR, user_id=None, name=name, organization_id=organization_id, label=name, how="cli"
    )


_asking: ContextVar[Actor | None] = ContextVar("ringfence_asking", default=None)


def asking() -> Actor | None:
    """Return who asks in this context, a request or a command; None where Ringfence works by itself, or by a link."""
    return _asking.get()


@contextmanager
def asked_by(actor: Actor | None) -> Iterator[None]:
    """Let `actor` be who asks inside the block."""
    token = _asking.set(actor)
    try:
        yield
    finally:
        _asking.reset(token)


def require(actor: Actor, permission: Permission) -> None:
    """Raise MissingPermission, which says who has the permission and who can give it, unless `actor` has it."""
    if not actor.may(permission):
        raise MissingPermission(
            f"{actor.name} may not {permission.sentence} here.",
            advice=missing(actor, permission),
            permission=permission,
        )


def missing(actor: Actor, permission: Permission) -> str:
    """Return the sentences that say why somebody lacks a permission, and who can give it."""
    if permission not in STANDING[actor.standing]:
        return (
            f"The organization is {actor.standing}, and this needs the permission {permission}. "
            "A System Administrator can open it again."
        )
    if permission in PERMISSIONS[actor.role]:
        return f"This needs the permission {permission}, which the token leaves out. Make a token that has this scope."
    giver = (
        "A System Administrator" if permission.lowest is Role.SYSTEM_ADMINISTRATOR else "An Organization Administrator"
    )
    return (
        f"This needs the permission {permission}; your role is {actor.role.label}. "
        f"{giver} can give you one that has it: {' or '.join(role.label for role in _having(permission))}."
    )


def _having(permission: Permission) -> tuple[Role, ...]:
    # Whoever asks for a permission of the organization is not offered the installation with it.
    found = tuple(role for role in Role if permission in PERMISSIONS[role])
    return found[:-1] or found


def parse_role(text: str) -> Role:
    """Return the role that a text names (`responder`, `Read Only`); Invalid, with those that there are, if it names none."""
    try:
        return Role(text.strip().casefold().replace(" ", "_").replace("-", "_"))
    except ValueError:
        known = ", ".join(role.value for role in Role)
        raise Invalid(f"There is no role {text[:50]!r}.", advice=f"There are: {known}.") from None
