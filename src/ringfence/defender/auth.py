"""Tokens by MSAL: one request however many callers wait, renewed early, renewed once after a 401.

A TokenSource belongs to one client and one event loop. Its tokens lie in a TokenCache, which several clients may share: a
token is found by authority, tenant, application, audience and a fingerprint of the credential, never by less.
"""

import asyncio
import copy
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Final

import httpx
import jwt

from ringfence import clock
from ringfence.defender.clouds import Cloud
from ringfence.defender.credentials import Credential
from ringfence.defender.errors import (
    DefenderError,
    InvalidArgument,
    MalformedReply,
    ServerError,
    Throttled,
    TransportError,
)
from ringfence.defender.login import Bridge
from ringfence.defender.retry import RetryPolicy, with_retries

RENEW_EARLY: Final = 300.0
"""Seconds before its end at which a token is renewed, or a tenth of its life if that is less."""
REMEMBER_FAILURE: Final = 5.0
"""Seconds for which a failed sign-in answers every caller, so that a storm of them does not reach the login host."""
TRUST_AFTER_REFUSAL: Final = 30.0
"""Seconds for which a token that replaced a refused one is not replaced again."""

_TENANT: Final = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z.-]{0,251}[0-9A-Za-z])?")


@dataclass(frozen=True, repr=False)
class Token:
    """An access token; times are seconds since the epoch."""

    value: str
    obtained_at: float
    expires_at: float
    after_refusal: bool = False

    @property
    def renew_at(self) -> float:
        """Return when to start renewing it."""
        return self.expires_at - min(RENEW_EARLY, (self.expires_at - self.obtained_at) / 10)

    def claims(self) -> "Claims | None":
        """Return what the token says of itself, None if it cannot be read; see DefenderClient.claims."""
        try:
            said: dict[str, Any] = jwt.decode(self.value, options={"verify_signature": False})
        except jwt.PyJWTError:
            return None
        roles, scopes, issued = said.get("roles", []), said.get("scp", ""), said.get("iat")
        return Claims(
            roles=tuple(role for role in roles if isinstance(role, str)) if isinstance(roles, list) else (),
            scopes=tuple(scopes.split()) if isinstance(scopes, str) else (),
            tenant_id=str(said.get("tid", "")),
            client_id=str(said.get("appid") or said.get("azp") or ""),
            ahead=None if not isinstance(issued, int | float) else issued - self.obtained_at,
        )


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says: application roles, delegated scopes (an application's own token has none), whose and whom it is for.

    `ahead` are the seconds by which its time of issue lies before (negative) or after this computer's time.
    """

    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    tenant_id: str
    client_id: str
    ahead: float | None


@dataclass(frozen=True)
class TokenKey:
    """What a token is good for, and what it was got with."""

    authority: str
    tenant: str
    client_id: str
    scope: str
    fingerprint: str


class TokenCache:
    """Tokens by key, in memory only; one cache may serve any number of clients."""

    def __init__(self) -> None:
        self._tokens: dict[TokenKey, Token] = {}

    def get(self, key: TokenKey) -> Token | None:
        """Return the token of a key, which may have expired."""
        return self._tokens.get(key)

    def put(self, key: TokenKey, token: Token) -> None:
        """Keep a token, and let go of those that have expired."""
        now = clock.timestamp()
        self._tokens = {each: held for each, held in self._tokens.items() if held.expires_at > now}
        self._tokens[key] = token

    def forget(self, tenant: str, client_id: str) -> None:
        """Let go of the tokens of an application: what it was granted may have changed since they were issued."""
        mine = (tenant.lower(), client_id)
        self._tokens = {each: held for each, held in self._tokens.items() if (each.tenant, each.client_id) != mine}


@dataclass
class _Slot:
    """What is known about one audience."""

    renewal: asyncio.Task[Token | None] | None = None
    failure: DefenderError | None = None
    failed_until: float = 0.0
    app: Any = None
    http_cache: dict[str, Any] = field(default_factory=dict)


class TokenSource:
    """Tokens for one tenant and application, one per audience; make it inside a running event loop."""

    def __init__(
        self,
        cloud: Cloud,
        tenant_id: str,
        credential: Credential,
        http: httpx.AsyncClient,
        *,
        retry: RetryPolicy,
        seconds: float,
        cache: TokenCache | None = None,
    ) -> None:
        self._tenant = check_tenant(tenant_id)
        self._authority = cloud.authority
        self._cache = cache if cache is not None else TokenCache()
        self._credential = credential
        self._retry = replace(retry, attempts=min(3, retry.attempts))
        self._bridge = Bridge(http, cloud.authority, secrets=credential.secrets, seconds=seconds)
        self._slots: dict[str, _Slot] = {}

    async def token(self, scope: str, *, refused: str = "") -> Token:
        """Return a valid token for an audience (`…/.default`), signing in if there is none.

        `refused` is the value of a token that the API answered 401 to: it is replaced once, for all callers that hold it.
        If what replaced it is refused as well, that same token is returned, which tells the caller to give up.
        Raises AuthenticationFailed or a transient error; a failure answers all callers for REMEMBER_FAILURE seconds.
        """
        slot = self._slots.setdefault(scope, _Slot())
        held, now = self._cache.get(self._key(scope)), clock.timestamp()
        if held is not None and held.value == refused:
            if held.after_refusal and now < held.obtained_at + TRUST_AFTER_REFUSAL:
                return held
        elif held is not None and now < held.expires_at:
            if now >= held.renew_at and now >= slot.failed_until:
                self._renewal(slot, scope, after_refusal=False)
            return held
        if slot.failure is not None and now < slot.failed_until:
            raise _again(slot.failure)
        renewal = self._renewal(slot, scope, after_refusal=bool(refused))
        await asyncio.wait({renewal})
        if renewal.cancelled():
            raise TransportError("The client was closed while it signed in.")
        token = renewal.result()
        if token is None:
            raise _again(slot.failure) if slot.failure is not None else MalformedReply("No token was issued.")
        return token

    async def close(self) -> None:
        """Stop what is still signing in."""
        self._bridge.close()
        running = [slot.renewal for slot in self._slots.values() if slot.renewal is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _key(self, scope: str) -> TokenKey:
        return TokenKey(
            self._authority, self._tenant.lower(), self._credential.client_id, scope, self._credential.fingerprint
        )

    def _renewal(self, slot: _Slot, scope: str, *, after_refusal: bool) -> "asyncio.Task[Token | None]":
        if slot.renewal is None or slot.renewal.done():
            slot.renewal = asyncio.create_task(self._renew(slot, scope, after_refusal))
        return slot.renewal

    async def _renew(self, slot: _Slot, scope: str, after_refusal: bool) -> Token | None:
        """Sign in, and leave the token in the cache or the failure in the slot; nobody may be waiting, so it does not raise."""
        began = clock.timestamp()
        # A thread of its own: the loop's shared ones may all be waiting for this very token.
        executor = ThreadPoolExecutor(1, "defender-sign-in")

        async def sign_in(_: int) -> tuple[str, float]:
            return await asyncio.get_running_loop().run_in_executor(executor, self._sign_in, slot, scope)

        try:
            value, lifetime = await with_retries(sign_in, self._retry, effect=False)
        except DefenderError as error:
            asked = error.retry_after if isinstance(error, Throttled | ServerError) else None
            slot.failure = error.with_traceback(None)
            slot.failed_until = clock.timestamp() + max(REMEMBER_FAILURE, asked or 0.0)
            return None
        finally:
            executor.shutdown(wait=False, cancel_futures=True)
        slot.failure = None
        token = Token(value, began, began + lifetime, after_refusal)
        self._cache.put(self._key(scope), token)
        return token

    def _sign_in(self, slot: _Slot, scope: str) -> tuple[str, float]:
        """Let MSAL fetch a new token; runs in a thread, one at a time per audience."""
        # Whoever only reads what was found before does not wait for it.
        import msal

        # MSAL remembers refusals for up to a minute; how long a failure is remembered is decided above.
        slot.http_cache.clear()
        try:
            if slot.app is None:
                slot.app = msal.ConfidentialClientApplication(
                    self._credential.client_id,
                    client_credential=self._credential.for_msal(),
                    authority=f"{self._bridge.authority_for_msal}/{self._tenant}",
                    http_client=self._bridge,
                    http_cache=slot.http_cache,
                    # The authority is one of ours: asking the commercial cloud whether it exists would leave the cloud.
                    instance_discovery=False,
                    validate_authority=False,
                    azure_region=False,
                )
            slot.app.remove_tokens_for_client()
            result: dict[str, Any] = slot.app.acquire_token_for_client([scope])
            return str(result["access_token"]), float(result["expires_in"])
        except DefenderError:
            raise
        except Exception as fault:
            kind = type(fault).__name__
        raise MalformedReply(f"MSAL could not use the login host's reply ({kind}).")


def check_tenant(tenant_id: str) -> str:
    """Return a tenant id (GUID or verified domain) that can stand in a URL, or raise InvalidArgument."""
    tenant = tenant_id.strip()
    if tenant.lower() in ("common", "organizations", "consumers"):
        raise InvalidArgument(
            f"{tenant!r} is not one tenant.", advice="Enter the tenant's own id: an app has no home here."
        )
    if not _TENANT.fullmatch(tenant) or ".." in tenant:
        raise InvalidArgument(
            "The tenant id is malformed.", advice="Enter the directory (tenant) id, a GUID, or its domain."
        )
    return tenant


def _again(error: DefenderError) -> DefenderError:
    """Return a copy to raise: one exception object raised by many callers would collect all their tracebacks."""
    return copy.copy(error)
