"""Prove an account: sign in, compare its permissions with what is needed, read one machine and one alert.

Harmless by design: nothing is changed in the tenant, and at most two documents are read.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from ringfence.defender import (
    ApiNotProvisioned,
    AuthenticationFailed,
    DefenderClient,
    DefenderError,
    DisabledApplication,
    ExpiredSecret,
    Forbidden,
    MissingRole,
    Priority,
    Throttled,
    TransportError,
    Unauthorized,
    UnknownApplication,
    UnknownTenant,
    WrongAddress,
    WrongCertificate,
    WrongCloud,
    WrongSecret,
    priority,
)

NEEDED_ROLES: Final[Mapping[str, str]] = {
    "Alert.ReadWrite.All": "read alerts and write results back to them",
    "Machine.Read.All": "look machines and their actions up",
    "Machine.Isolate": "isolate machines and release them",
    "User.Read.All": "see who was logged on to a machine",
}
"""The application roles that Ringfence needs, and what for."""

_COVERED_BY: Final[Mapping[str, str]] = {"Machine.Read.All": "Machine.ReadWrite.All"}
_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_GRANT: Final = (
    "Grant it to the application (API: WindowsDefenderATP, application permission), give admin consent, "
    "and test again after a few minutes."
)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `temporary` failures say nothing about the credential."""

    name: str
    ok: bool
    sentence: str
    advice: str = ""
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What a test of an account found; `roles` is None if the tenant's token could not be read."""

    checks: tuple[Check, ...]
    roles: tuple[str, ...] | None = None

    @property
    def ok(self) -> bool:
        """Whether everything that is needed was proven."""
        return all(check.ok for check in self.checks)

    @property
    def refuted(self) -> bool:
        """Whether the account cannot work until a person changes something; a passing fault is neither ok nor this."""
        return any(not check.ok and not check.temporary for check in self.checks)

    @property
    def reason(self) -> str:
        """What failed and what to do, as one text; empty if nothing did."""
        failed = [check for check in self.checks if not check.ok]
        advice = dict.fromkeys(check.advice for check in failed if check.advice)
        return " ".join((*(check.sentence for check in failed), *advice))


async def prove(client: DefenderClient, *, secret_looks_like_id: bool = False, by_certificate: bool = False) -> Report:
    """Test an account by an opened client that holds no token yet; never raises a DefenderError."""
    try:
        roles = await client.roles()
    except DefenderError as error:
        return Report((_failed("sign-in", "Signing in", error, secret_looks_like_id=secret_looks_like_id),))
    proof = "certificate" if by_certificate else "secret"
    checks = [Check("sign-in", True, f"The tenant accepts the application and its {proof}."), *_permissions(roles)]
    checks.append(await _look("machines", "Reading machines", lambda: _one_machine(client)))
    checks.append(await _look("alerts", "Reading alerts", lambda: _one_alert(client)))
    return Report(tuple(checks), roles)


def looks_like_id(secret: str) -> bool:
    """Tell whether a secret has the form of a secret's id (a GUID), which people paste in its place."""
    return _GUID.fullmatch(secret) is not None


def _permissions(roles: tuple[str, ...] | None) -> list[Check]:
    if roles is None:
        sentence = "The permissions cannot be read from the tenant's token; only what is read below is proven."
        return [Check("permissions", True, sentence)]
    checks = []
    for role, purpose in NEEDED_ROLES.items():
        if role in roles or _COVERED_BY.get(role) in roles:
            checks.append(Check(role, True, f"The permission {role} is granted: {purpose}."))
        else:
            checks.append(Check(role, False, f"The permission {role} is missing: it is needed to {purpose}.", _GRANT))
    return checks


async def _one_machine(client: DefenderClient) -> None:
    async with aclosing(client.list_machines(top=1, limit=1)) as machines:  # type: ignore[type-var]
        async for _ in machines:
            return


async def _one_alert(client: DefenderClient) -> None:
    async with aclosing(client.alert_pages(top=1)) as pages:  # type: ignore[type-var]
        async for _ in pages:
            return


async def _look(name: str, doing: str, read: Callable[[], Awaitable[None]]) -> Check:
    try:
        # Until an account is proven, nobody is cut off or let go by it.
        with priority(Priority.CONTAIN):
            await read()
    except DefenderError as error:
        return _failed(name, doing, error)
    return Check(name, True, f"{doing} works.")


def _failed(name: str, doing: str, error: DefenderError, *, secret_looks_like_id: bool = False) -> Check:
    if isinstance(error, WrongSecret) and secret_looks_like_id:
        sentence = "This looks like the secret's id, not its value: the tenant does not accept it."
        advice = (
            "In the app registration, copy the column Value; it is shown only once, so make a new secret if needed."
        )
        return Check(name, False, sentence, advice)
    return Check(name, False, f"{doing} failed: {describe(error)}", error.advice, temporary=not error.permanent)


def describe(error: DefenderError) -> str:
    """Say in one plain sentence what a failure of the Defender API is."""
    match error:
        case WrongSecret():
            return "the tenant does not accept this client secret."
        case ExpiredSecret():
            return "the client secret has expired."
        case WrongCertificate():
            return "the tenant does not accept this certificate: the application does not have it, or it has expired."
        case DisabledApplication():
            return "the application is switched off in the tenant."
        case ApiNotProvisioned():
            return "the tenant does not have the API that is asked for."
        case UnknownApplication():
            return "the tenant knows no application with this client id."
        case UnknownTenant():
            return "there is no such tenant in this cloud."
        case WrongCloud():
            return "the tenant belongs to another cloud."
        case AuthenticationFailed(aadsts=number) if number:
            return f"the tenant refused the sign-in (AADSTS{number})."
        case Unauthorized():
            return "Defender does not accept the tenant's token."
        case MissingRole(required=required) if required:
            return f"the permission {' or '.join(required)} is missing."
        case Forbidden():
            return "Defender does not allow it."
        case WrongAddress():
            return "the API host has no such address."
        case Throttled():
            return "the tenant's call quota is used up for now."
        case TransportError():
            return "the service could not be reached, or did not reply in time."
        case _:
            return f"{error.message or error.code}"
