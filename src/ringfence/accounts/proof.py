"""Prove an account: sign in, compare its permissions with what is needed, read one document from each API that is needed.

Harmless by design: nothing is changed in the tenant, and at most one document of a kind is read.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Final

from ringfence.accounts.model import USUAL
from ringfence.accounts.permissions import API_NAMES, Need, Standing, compare, needs
from ringfence.accounts.reaching import ClosedAddress
from ringfence.defender import (
    Api,
    AuthenticationFailed,
    Claims,
    DefenderClient,
    DefenderError,
    Forbidden,
    MissingRole,
    Priority,
    Throttled,
    TransportError,
    Unauthorized,
    WrongAddress,
    WrongCloud,
    WrongSecret,
    explain,
    priority,
)

NEEDED: Final = needs(USUAL)
"""What an account needs unless somebody wants more of it."""
NEEDED_ROLES: Final[Mapping[str, str]] = {need.role: need.purpose for need in NEEDED}
"""The application roles of it, and what for."""

_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_GRANT: Final = (
    "Grant it to the application (API: {api}, application permission), give admin consent, "
    "and test again after a few minutes."
)
_AHEAD: Final = 120.0
_BEHIND: Final = 900.0
"""Seconds by which a token's time of issue may be off; Microsoft dates it five minutes back."""


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

    @property
    def warns(self) -> bool:
        """Whether it is to be looked at although hosts are contained and released all the same."""
        return self.name.endswith("superfluous") if self.ok else not self.essential


@dataclass(frozen=True, slots=True)
class Report:
    """What a test of an account found; `roles` is None if the tenant's token could not be read.

    `warnings` are sentences about what works and is perhaps not meant. `granted` are the roles that tokens held, by API.
    """

    checks: tuple[Check, ...]
    roles: tuple[str, ...] | None = None
    warnings: tuple[str, ...] = ()
    granted: Mapping[Api, tuple[str, ...] | None] = field(default_factory=dict)
    standing: Standing | None = None

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
        return _told([check for check in self.checks if not check.ok and check.essential])

    @property
    def shortcoming(self) -> str:
        """What is needed of a usable account and does not work until a person changes something, and what to do."""
        return _told([check for check in self.checks if not (check.ok or check.essential or check.temporary)])


def _told(failed: Sequence[Check]) -> str:
    advice = dict.fromkeys(check.advice for check in failed if check.advice)
    return " ".join((*(check.sentence for check in failed), *advice))


async def prove(
    client: DefenderClient,
    *,
    needed: Sequence[Need] = NEEDED,
    secret_looks_like_id: bool = False,
    by_certificate: bool = False,
    everywhere: bool = False,
) -> Report:
    """Test an account by an opened client that holds no token yet; never raises a DefenderError.

    `everywhere`: also look for permissions of Microsoft Graph where none is needed.
    """
    try:
        claims = await client.claims()
    except DefenderError as error:
        return Report((_failed("sign-in", "Signing in", error, secret_looks_like_id=secret_looks_like_id),))
    proof = "certificate" if by_certificate else "secret"
    checks = [Check("sign-in", True, f"The tenant accepts the application and its {proof}.")]
    granted: dict[Api, tuple[str, ...] | None] = {Api.MDE: None if claims is None else claims.roles}
    first = [need for need in needed if need.api is Api.MDE]
    checks += _permissions(Api.MDE, first, claims)
    checks.append(await _look("machines", "Reading machines", lambda: _one_machine(client)))
    checks.append(await _look("alerts", "Reading alerts", lambda: _one_alert(client)))
    for api in (Api.XDR, Api.GRAPH):
        mine = [need for need in needed if need.api is api]
        if mine:
            more, granted[api] = await _other(client, api, mine)
            checks += [replace(each, essential=False) for each in more]
        elif everywhere and api is Api.GRAPH:
            granted[api] = await _roles_of(client, api)
    standing = compare(needed, granted)
    checks += _superfluous(standing)
    return Report(tuple(checks), granted[Api.MDE], _oddities(claims), granted, standing)


async def _roles_of(client: DefenderClient, api: Api) -> tuple[str, ...] | None:
    try:
        return await client.roles(api)
    except DefenderError:
        # Nothing of this API is needed: what cannot be seen is not missed.
        return None


async def _other(
    client: DefenderClient, api: Api, needed: Sequence[Need]
) -> tuple[list[Check], tuple[str, ...] | None]:
    title = "Microsoft Graph" if api is Api.GRAPH else "Defender XDR"
    try:
        claims = await client.claims(api)
    except DefenderError as error:
        return [_failed(f"{api}-sign-in", f"Signing in to {title}", error)], None
    checks = _permissions(api, needed, claims)
    for name, role, doing, read in _READS:
        if any(need.api is api and need.role.startswith(role) for need in needed) and name.startswith(api):
            checks.append(await _look(name, f"{doing} from {title}", _bound(read, client)))
    return checks, None if claims is None else claims.roles


def looks_like_id(secret: str) -> bool:
    """Tell whether a secret has the form of a secret's id (a GUID), which people paste in its place."""
    return _GUID.fullmatch(secret) is not None


def _permissions(api: Api, needed: Sequence[Need], claims: Claims | None) -> list[Check]:
    if claims is None:
        sentence = "The permissions cannot be read from the tenant's token; only what is read below is proven."
        return [Check(f"{api}-permissions" if api is not Api.MDE else "permissions", True, sentence)]
    missing = {need.role: need for need in compare(needed, {api: claims.roles}).missing}
    checks = []
    for need in needed:
        if need.role not in missing:
            checks.append(Check(need.role, True, f"The permission {need.role} is granted: {need.purpose}."))
            continue
        advice = _GRANT.format(api=API_NAMES[api])
        sentence = f"The permission {need.role} is missing: it is needed to {need.purpose}{_wanted_by(need)}."
        checks.append(Check(need.role, False, sentence, advice, essential=missing[need.role].essential))
    return checks


def _wanted_by(need: Need) -> str:
    named = ", ".join(need.playbooks)
    return f", for the playbook{'s' if len(need.playbooks) > 1 else ''} {named}" if named else ""


def _superfluous(standing: Standing) -> list[Check]:
    checks = []
    for api in Api:
        extra = [role for of, role in standing.superfluous if of is api]
        if extra:
            sentence = f"More is granted for {API_NAMES[api]} than is needed: {', '.join(extra)}."
            advice = "Remove it from the application's API permissions: a stolen credential could do as much."
            checks.append(Check(f"{api}-superfluous", True, sentence, advice))
    return checks


def _oddities(claims: Claims | None) -> tuple[str, ...]:
    """Say what is odd about a token that works."""
    if claims is None:
        return ()
    said = []
    if claims.scopes:
        said.append(
            f"The token also holds delegated permissions ({', '.join(claims.scopes)}); nobody signs in here: remove them "
            "from the application's API permissions."
        )
    if claims.ahead is not None and not -_BEHIND <= claims.ahead <= _AHEAD:
        way = "behind" if claims.ahead > 0 else "ahead of"
        said.append(
            f"This computer's clock seems to be about {max(1, round(abs(claims.ahead) / 60))} minutes {way} Microsoft's: set "
            "it (NTP), or sign-in by certificate fails."
        )
    return tuple(said)


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


async def _one_graph_incident(client: DefenderClient) -> None:
    async with aclosing(client.graph_list_incidents(top=1, limit=1)) as incidents:  # type: ignore[type-var]
        async for _ in incidents:
            return


async def _one_incident(client: DefenderClient) -> None:
    async with aclosing(client.list_incidents_xdr(top=1, limit=1)) as incidents:  # type: ignore[type-var]
        async for _ in incidents:
            return


_READS: Final[tuple[tuple[str, str, str, Callable[[DefenderClient], Awaitable[None]]], ...]] = (
    ("graph-alerts", "SecurityAlert.", "Reading alerts", _one_graph_alert),
    ("graph-incidents", "SecurityIncident.", "Reading incidents", _one_graph_incident),
    ("xdr-incidents", "Incident.", "Reading incidents", _one_incident),
)


def _bound(read: Callable[[DefenderClient], Awaitable[None]], client: DefenderClient) -> Callable[[], Awaitable[None]]:
    return lambda: read(client)


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
    # A name that leads inside may be meant to: nobody is served by waiting for it.
    temporary = not error.permanent and not isinstance(error, ClosedAddress)
    return Check(name, False, f"{doing} failed: {describe(error)}", error.advice, temporary=temporary)


def describe(error: DefenderError) -> str:
    """Say in one plain sentence what a failure of the Defender API is."""
    if isinstance(error, AuthenticationFailed) and (known := explain(error.aadsts)) is not None:
        return f"{known.meaning[:-1]} (AADSTS{error.aadsts})."
    match error:
        case WrongSecret():
            return "the tenant does not accept this client secret."
        case WrongCloud():
            # Without a number: where the tenant's own document sends whoever signs in.
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
        case ClosedAddress():
            return f"{error.message[:1].lower()}{error.message[1:]}"
        case Throttled():
            return "the tenant's call quota is used up for now."
        case TransportError():
            return "the service could not be reached, or did not reply in time."
        case _:
            return f"{error.message or error.code}"
