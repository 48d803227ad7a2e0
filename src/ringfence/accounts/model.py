"""An account: the application by which one organization reaches one Defender tenant, and how far it can be trusted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from ringfence.errors import Unavailable


class AccountState(StrEnum):
    """How far an account is proven.

    pending: switched on and not proven yet. healthy: its credential was proven by a call. failed: the credential was
    refused, or a permission is missing; nothing is attempted until it is proven again. disabled: switched off by a person.
    """

    PENDING = "pending"
    HEALTHY = "healthy"
    FAILED = "failed"
    DISABLED = "disabled"


TRANSITIONS: Final[Mapping[AccountState, frozenset[AccountState]]] = {
    AccountState.PENDING: frozenset({AccountState.HEALTHY, AccountState.FAILED, AccountState.DISABLED}),
    AccountState.HEALTHY: frozenset({AccountState.FAILED, AccountState.DISABLED}),
    AccountState.FAILED: frozenset({AccountState.HEALTHY, AccountState.DISABLED}),
    AccountState.DISABLED: frozenset({AccountState.PENDING}),
}


def sources(target: AccountState) -> list[AccountState]:
    """Return the states that may become `target`."""
    return [state for state in AccountState if target in TRANSITIONS[state]]


@dataclass(frozen=True, slots=True)
class Account:
    """One connected account; the addresses are set for a simulator or a proxy only.

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

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", AccountState(self.state))
        object.__setattr__(self, "roles", tuple(self.roles))


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
        case AccountState.HEALTHY:
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
