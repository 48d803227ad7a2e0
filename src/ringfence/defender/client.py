"""Microsoft's APIs as methods: one per operation, with tokens, budget, retries, throttling and paging inside.

The methods are in `operations`, by noun, and in `graph`; each has the id of its row in `catalogue` as its name.
"""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from os import environ
from types import TracebackType
from typing import Any, Final, Self

import httpx

from ringfence.defender.auth import Claims, TokenCache, TokenSource
from ringfence.defender.budget import CallBudget
from ringfence.defender.catalogue import Api
from ringfence.defender.clouds import Cloud
from ringfence.defender.credentials import Credential
from ringfence.defender.errors import InvalidArgument
from ringfence.defender.graph import GraphSecurity
from ringfence.defender.operations.alerts import AlertOperations
from ringfence.defender.operations.domains import DomainOperations
from ringfence.defender.operations.files import FileOperations
from ringfence.defender.operations.hunting import HuntingOperations
from ringfence.defender.operations.indicators import IndicatorOperations
from ringfence.defender.operations.investigations import InvestigationOperations
from ringfence.defender.operations.ips import IpOperations
from ringfence.defender.operations.library import LibraryOperations
from ringfence.defender.operations.live_response import LiveResponseOperations
from ringfence.defender.operations.machine_actions import MachineActionOperations
from ringfence.defender.operations.machines import MachineOperations
from ringfence.defender.operations.scores import ScoreOperations
from ringfence.defender.operations.users import UserOperations
from ringfence.defender.operations.vulnerabilities import VulnerabilityOperations
from ringfence.defender.operations.xdr import XdrOperations
from ringfence.defender.retry import RetryPolicy
from ringfence.defender.session import Host, Observer, Session

TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0, pool=10.0)
"""Seconds to connect, to wait for a free connection, and between two pieces of a reply."""


class DefenderClient(
    AlertOperations,
    MachineOperations,
    MachineActionOperations,
    LiveResponseOperations,
    InvestigationOperations,
    IndicatorOperations,
    FileOperations,
    DomainOperations,
    IpOperations,
    UserOperations,
    VulnerabilityOperations,
    ScoreOperations,
    LibraryOperations,
    HuntingOperations,
    XdrOperations,
    GraphSecurity,
):
    """The APIs of one tenant in one cloud; an async context manager, to be used on the event loop that entered it.

    `timeout` bounds the parts of one request in seconds (`retry.deadline` bounds a call with its retries); `api_base` picks
    another of the cloud's own hosts, such as a regional one; `observer` is told of each finished request. `budget` spends
    what the tenant grants by what a call is made for; without one, only the service's own 429 limits. `tokens` shares tokens
    with other clients. `transport` replaces the network, for login and APIs alike. Each request is sent inside of `guard`,
    which may raise a DefenderError of its own for where it leads. Every failure is a DefenderError.
    """

    def __init__(
        self,
        cloud: Cloud,
        tenant_id: str,
        credential: Credential,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float | httpx.Timeout = TIMEOUT,
        retry: RetryPolicy | None = None,
        api_base: str | None = None,
        user_agent: str = "ringfence-defender",
        observer: Observer | None = None,
        budget: CallBudget | None = None,
        tokens: TokenCache | None = None,
        guard: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        base = (api_base or cloud.mde_host).rstrip("/")
        if base not in cloud.mde_hosts or (cloud.is_local and base != cloud.mde_host):
            raise InvalidArgument(
                f"{base!r} is not a Defender host of the cloud {cloud.title!r}.",
                advice="A token is sent to its own cloud only; choose one of the cloud's hosts.",
            )
        self._cloud = cloud
        self._base = base
        self._tenant_id = tenant_id
        self._credential = credential
        self._transport = transport
        self._timeout = timeout if isinstance(timeout, httpx.Timeout) else httpx.Timeout(timeout)
        self._retry = retry or RetryPolicy()
        self._user_agent = user_agent
        self._observer = observer
        self._budget = budget
        self._token_cache = tokens
        self._guard = guard
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._http = _Guarded(
            self._guard,
            transport=self._transport,
            timeout=self._timeout,
            follow_redirects=False,
            # Whatever a reply wants kept is not: nothing here has a use for it, and some of it cannot be sent back.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={"User-Agent": self._user_agent},
            # A company proxy is honoured, but it could not reach a simulator on this computer.
            trust_env=not self._cloud.is_local,
            verify=_trusted(not self._cloud.is_local, environ.get("SSL_CERT_FILE"), environ.get("SSL_CERT_DIR")),
        )
        # Between two pieces of a reply the timeout starts afresh; this bounds the whole of one request.
        seconds = 3 * max(self._timeout.read or 60.0, 1.0)
        self._tokens = TokenSource(
            self._cloud,
            self._tenant_id,
            self._credential,
            self._http,
            retry=self._retry,
            seconds=seconds,
            cache=self._token_cache,
        )
        self._sessions = {
            api: Session(
                self._http,
                self._tokens,
                host,
                retry=self._retry,
                seconds=seconds,
                observer=self._observer,
                budget=self._budget,
            )
            for api, host in self._hosts().items()
        }
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._tokens.close()
        await self._http.aclose()
        self._loop = None

    async def roles(self, api: Api = Api.MDE) -> tuple[str, ...] | None:
        """Return the application roles that the current token claims, None if it cannot be read.

        A hint only: Microsoft asks clients not to read tokens of its APIs, and may encrypt them. Use it to warn about
        permissions that seem to be missing, never to decide; the API's 403 is the truth.
        """
        claims = await self.claims(api)
        return None if claims is None else claims.roles

    async def claims(self, api: Api = Api.MDE) -> Claims | None:
        """Return what the current token says of itself, None if it cannot be read; a hint only, as roles() is."""
        _ = self._session_of(api)
        return (await self._tokens.token(self._hosts()[api].scope)).claims()

    def _hosts(self) -> dict[Api, Host]:
        cloud = self._cloud
        return {
            Api.MDE: Host(
                base=self._base,
                aliases=cloud.mde_hosts,
                prefix="/api/",
                scope=cloud.mde_scope,
                files=cloud.file_domains,
            ),
            Api.XDR: Host(
                base=cloud.xdr_host, aliases=frozenset(cloud.xdr_aliases), prefix="/api/", scope=cloud.xdr_scope
            ),
            Api.GRAPH: Host(
                base=cloud.graph_host, aliases=frozenset(cloud.graph_aliases), prefix="/v1.0/", scope=cloud.graph_scope
            ),
        }

    def _session_of(self, api: Api) -> Session:
        if self._loop is not asyncio.get_running_loop():
            raise RuntimeError("Use a DefenderClient inside its `async with`, on the event loop that entered it.")
        return self._sessions[api]


class _Guarded(httpx.AsyncClient):
    """A client that makes its connections inside of a guard; what is read from them later is not."""

    def __init__(self, guard: Callable[[], AbstractContextManager[None]], **options: Any) -> None:
        super().__init__(**options)
        self._guard = guard

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        response: httpx.Response | None = None
        try:
            with self._guard():
                response = await super().send(request, **options)
        except BaseException:
            # The guard may object once the connection stands.
            if response is not None:
                await response.aclose()
            raise
        return response


@lru_cache(maxsize=8)
def _trusted(trust_env: bool, _file: str | None, _folder: str | None) -> ssl.SSLContext:
    """Return whom clients trust, read once: with its own, each of a thousand clients would hold half a megabyte."""
    return httpx.create_ssl_context(trust_env=trust_env)
