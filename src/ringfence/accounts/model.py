"""An account: the application by which one organization reaches one Defender tenant, and how far it can be trusted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from ringfence.errors import Unavailable

USUAL: Final = ("contain", "write_back", "users")
"""What an account is connected for unless somebody says otherwise."""


class AccountState(StrEnum):
    """How far an account is proven.

    pending: switched on and not proven yet. healthy: everything that it is needed for was proven by calls. degraded: its
    credential works and is used, but something that features or playbooks need of it does not. failed: the credential was
    refused, or what everything needs is missing; nothing is attempted until it is proven again. disabled: switched off by a
    person.
    """

    PENDING = "pending"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    FAILED = "failed"
    DISABLED = "disabled"


USABLE: Final = frozenset({AccountState.HEALTHY, AccountState.DEGRADED})
"""The states in which an account is used."""

_S = AccountState
TRANSITIONS: Final[Mapping[AccountState, frozenset[AccountState]]] = {
    _S.PENDING: frozenset({_S.HEALTHY, _S.DEGRADED, _S.FAILED, _S.DISABLED}),
    _S.HEALTHY: frozenset({_S.DEGRADED, _S.FAILED, _S.DISABLED}),
    _S.DEGRADED: frozenset({_S.HEALTHY, _S.FAILED, _S.DISABLED}),
    _S.FAILED: frozenset({_S.HEALTHY, _S.DEGRADED, _S.DISABLED}),
    _S.DISABLED: frozenset({_S.PENDING}),
}


def sources(target: AccountState) -> list[AccountState]:
    """Return the states that may become `target`."""
    return [state for state in AccountState if target in TRANSITIONS[state]]


@dataclass(frozen=True, slots=True)
class Account:
    """One connected account; the addresses and `audience` are set for a private cloud, a proxy or a simulator only.

    `features` are what people want it for, `checks` what the last test found, as JSON; `refused` are permissions without
    which Defender refused a call lately, and when. `roles` are those for Defender for Endpoint, `other_roles` those of other
    APIs by their names, as the last test saw them.

    What is sealed is a client secret or, where there is a thumbprint (SHA-1, 40 hex digits, as the portal shows it), a
    certificate with its key; `secret_expires_on` is the last day of either, as far as it is known. `sensor`: hosts of the
    organization are contained through it, and through no other.
    """

    id: str
    organization_id: str
    name: str
    cloud: str
    tenant_id: str
    client_id: str
    secret_sealed: str = field(repr=False)
    secret_expires_on: date | None
    login_url: str | None
    api_url: str | None
    state: AccountState
    state_reason: str
    roles: tuple[str, ...]
    proven_at: datetime | None
    created_at: datetime
    updated_at: datetime
    polled_at: datetime | None = None
    poll_error: str = ""
    certificate_thumbprint: str | None = None
    sensor: bool = False
    graph_url: str | None = None
    audience: str | None = None
    region: str | None = None
    features: tuple[str, ...] = USUAL
    state_since: datetime | None = None
    other_roles: Mapping[str, Sequence[str]] = field(default_factory=dict)
    checks: Sequence[Mapping[str, Any]] = ()
    checked_at: datetime | None = None
    check_due_at: datetime | None = None
    refused: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", AccountState(self.state))
        object.__setattr__(self, "roles", tuple(self.roles))
        object.__setattr__(self, "features", tuple(self.features))

    @property
    def troubles(self) -> tuple[str, ...]:
        """What keeps it from working and from being polled, each sentence once."""
        return tuple(dict.fromkeys(each for each in (self.state_reason, self.poll_error) if each))

    @property
    def usable(self) -> bool:
        """Whether it is used: what it is needed for was proven, if only in part."""
        return self.state in USABLE


class AccountUnusable(Unavailable):
    """The account may not be used now: no credential, no action."""

    code = "account_unusable"

    def __init__(self, account: Account, message: str, *, advice: str) -> None:
        super().__init__(message, advice=advice)
        self.account_id = account.id


class AccountFailed(AccountUnusable):
    """The account's credential was refused and has not been proven since."""

    code = "account_failed"


class AccountPending(AccountUnusable):
    """The account has not been proven yet."""

    code = "account_pending"


class AccountDisabled(AccountUnusable):
    """The account is switched off."""

    code = "account_disabled"


def refusal(account: Account) -> AccountUnusable | None:
    """Return why the account may not be used, None if it may."""
    match account.state:
        case AccountState.HEALTHY | AccountState.DEGRADED:
            return None
        case AccountState.FAILED:
            return AccountFailed(
                account,
                f"The account {account.name!r} has failed: {account.state_reason}",
                advice="It is proven again by itself every few minutes, or at once by `ringfence account test`.",
            )
        case AccountState.PENDING:
            return AccountPending(
                account,
                f"The account {account.name!r} is not proven yet.",
                advice="Wait a moment, or run `ringfence account test`.",
            )
        case AccountState.DISABLED:
            return AccountDisabled(account, f"The account {account.name!r} is switched off.", advice="Switch it on.")
