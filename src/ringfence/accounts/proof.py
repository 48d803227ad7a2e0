"""Prove an account: sign in, compare its permissions with what is needed, read one machine and one alert.

Harmless by design: nothing is changed in the tenant, and at most two documents are read.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

from ringfence.defender import (
    OPERATIONS,
    Api,
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

GRAPH_ROLES: Final[Mapping[str, str]] = {"SecurityAlert.Read.All": "read alerts from Microsoft Graph"}
"""The roles for Microsoft Graph that an account needs beside these where a service reads its alerts there."""

_COVERED_BY: Final[Mapping[str, str]] = {
    "Machine.Read.All": "Machine.ReadWrite.All",
    "SecurityAlert.Read.All": "SecurityAlert.ReadWrite.All",
}
_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_GRANT: Final = (
    "Grant it to the application (API: {api}, application permission), give admin consent, "
    "and test again after a few minutes."
)
_NAMES: Final = {Api.MDE: "WindowsDefenderATP", Api.GRAPH: "Microsoft Graph"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `temporary` failures say nothing about the credential.

    Where it is not `essential`, hosts are contained and released through the account although it failed.
    """

    name: str
    ok: bool
    sentence: str
    advice: str = ""
    temporary: bool = False
    essential: bool = True


@dataclass(frozen=True, slots=True)
class Report:
    """What a test of an account found; `roles` is None if the tenant's token could not be read.

    `warnings` are sentences about what works and is perhaps not meant.
    """

    checks: tuple[Check, ...]
    roles: tuple[str, ...] | None = None
    warnings: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything that is needed was proven."""
        return all(check.ok for check in self.checks)

    @property
    def usable(self) -> bool:
        """Whether everything was proven without which the account is of no use."""
        return all(check.ok for check in self.checks if check.essential)

    @property
    def refuted(self) -> bool:
        """Whether the account cannot work until a person changes something; a passing fault is neither ok nor this."""
        return any(not check.ok and not check.temporary for check in self.checks if check.essential)

    @property
    def reason(self) -> str:
        """What keeps the account from being used and what to do, as one text; empty if nothing does."""
        failed = [check for check in self.checks if not check.ok and check.essential]
        advice = dict.fromkeys(check.advice for check in failed if check.advice)
        return " ".join((*(check.sentence for check in failed), *advice))


async def prove(
    client: DefenderClient,
    *,
    secret_looks_like_id: bool = False,
    by_certificate: bool = False,
    reads_graph: bool = False,
) -> Report:
    """Test an account by an opened client that holds no token yet; never raises a DefenderError.

    With `reads_graph` its permissions for Microsoft Graph are compared as well, and an alert is read there.
    """
    try:
        roles = await client.roles()
    except DefenderError as error:
        return Report((_failed("sign-in", "Signing in", error, secret_looks_like_id=secret_looks_like_id),))
    proof = "certificate" if by_certificate else "secret"
    checks = [Check("sign-in", True, f"The tenant accepts the application and its {proof}.")]
    checks += _permissions(Api.MDE, NEEDED_ROLES, roles)
    checks.append(await _look("machines", "Reading machines", lambda: _one_machine(client)))
    checks.append(await _look("alerts", "Reading alerts", lambda: _one_alert(client)))
    if reads_graph:
        checks += [replace(each, essential=False) for each in await _graph(client)]
    return Report(tuple(checks), roles)


async def _graph(client: DefenderClient) -> list[Check]:
    try:
        roles = await client.roles(Api.GRAPH)
    except DefenderError as error:
        return [_failed("graph-sign-in", "Signing in to Microsoft Graph", error)]
    read = await _look("graph-alerts", "Reading alerts from Microsoft Graph", lambda: _one_graph_alert(client))
    return [*_permissions(Api.GRAPH, GRAPH_ROLES, roles), read]


def looks_like_id(secret: str) -> bool:
    """Tell whether a secret has the form of a secret's id (a GUID), which people paste in its place."""
    return _GUID.fullmatch(secret) is not None


def _permissions(api: Api, needed: Mapping[str, str], roles: tuple[str, ...] | None) -> list[Check]:
    if roles is None:
        sentence = "The permissions cannot be read from the tenant's token; only what is read below is proven."
        return [Check("permissions", True, sentence)]
    checks = []
    for role, purpose in needed.items():
        if role in roles or _COVERED_BY.get(role) in roles:
            checks.append(Check(role, True, f"The permission {role} is granted: {purpose}."))
        else:
            advice = _GRANT.format(api=_NAMES[api])
            checks.append(Check(role, False, f"The permission {role} is missing: it is needed to {purpose}.", advice))
    extra = superfluous(api, roles)
    if extra:
        sentence = f"More is granted for {_NAMES[api]} than any operation of Ringfence needs: {', '.join(extra)}."
        checks.append(Check(f"{api}-superfluous", True, sentence))
    return checks


def superfluous(api: Api, roles: tuple[str, ...]) -> tuple[str, ...]:
    """Return the roles that no operation of an API asks for; such a token can do more than it has to."""
    asked = {role for each in OPERATIONS.values() if each.api is api for role in each.permissions}
    return tuple(role for role in roles if role not in asked)


async def _one_machine(client: DefenderClient) -> None:
    async with aclosing(client.list_machines(top=1, limit=1)) as machines:  # type: ignore[type-var]
        async for _ in machines:
            return


async def _one_alert(client: DefenderClient) -> None:
    async with aclosing(client.alert_pages(top=1)) as pages:  # type: ignore[type-var]
        async for _ in pages:
            return


async def _one_graph_alert(client: DefenderClient) -> None:
    async with aclosing(client.graph_alert_pages(top=1)) as pages:  # type: ignore[type-var]
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
