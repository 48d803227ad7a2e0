"""Defender clients for connected accounts: opened once for each account, replaced when its row changes.

All of them share their tokens, and every call of theirs takes its credit from the installation's budget.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import httpx

from ringfence.accounts import records
from ringfence.accounts.budgets import StoredBudgets
from ringfence.accounts.model import Account, refusal
from ringfence.accounts.proof import describe
from ringfence.accounts.reaching import ClosedAddress, guard_of
from ringfence.defender import (
    AuthenticationFailed,
    CallBudget,
    ClientCertificate,
    ClientSecret,
    Cloud,
    Credential,
    DefenderClient,
    DefenderError,
    Forbidden,
    Limits,
    MissingRole,
    Priority,
    RetryPolicy,
    TokenCache,
    Unauthorized,
    cloud,
)
from ringfence.security.crypto import Vault
from ringfence.security.egress import Network
from ringfence.storage import Database, Transaction

PATIENCE: Final = {Priority.RELEASE: 2.0, Priority.CONTAIN: 2.0, Priority.CONFIRM: 2.0, Priority.ENRICH: 5.0}
"""Seconds for which a call waits for its budget while it holds a lease or a place among the runs; then its row waits.

Reading alerts holds neither, and would begin anew: it waits as long as a call may take.
"""


@dataclass(slots=True)
class _Held:
    stamp: datetime
    roles: tuple[str, ...]
    client: DefenderClient
    before: DefenderClient | None


class Clients:
    """Opened clients of one event loop.

    Accounts with addresses of their own reach public ones and the networks that are `allowed`.
    For tests and simulators `transport` replaces the network, `retry` the patience, `limits` what the tenants grant, and
    `wait` how the budget waits.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        retry: RetryPolicy | None = None,
        limits: Limits | None = None,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
        allowed: tuple[Network, ...] = (),
    ) -> None:
        self._database = database
        self._vault = vault
        self._transport = transport
        self._retry = retry
        self._limits = limits or Limits()
        self._wait = wait
        self._allowed = allowed
        self._budgets = StoredBudgets(database)
        self._tokens = TokenCache()
        self._held: dict[str, _Held] = {}
        self._opening = asyncio.Lock()

    async def get(self, account_id: str) -> DefenderClient:
        """Return the open client of a healthy account; AccountUnusable for any other, NotFound if there is none."""
        account = await self._database.read(lambda tx: records.by_id(tx, account_id))
        refused = refusal(account)
        if refused is not None:
            raise refused
        async with self._opening:
            held = self._held.get(account_id)
            if held is not None and held.stamp >= account.updated_at:
                return held.client
            # The organization's key is read from the database: off the loop.
            secret = await self._database.read(
                lambda tx: self._vault.open(account.organization_id, purpose(account_id), account.secret_sealed)
            )
            if held is not None and set(held.roles) != set(account.roles):
                # Only tokens that are issued now carry what was granted since.
                self._tokens.forget(account.tenant_id, account.client_id)
            client = self.make(account, secret, tokens=self._tokens)
            await client.__aenter__()
            # Somebody may be in the middle of a call with the one before: it is closed when the next one comes.
            self._held[account_id] = _Held(account.updated_at, account.roles, client, held.client if held else None)
        if held is not None and held.before is not None:
            await held.before.__aexit__(None, None, None)
        return client

    def make(self, account: Account, secret: str, *, tokens: TokenCache | None = None) -> DefenderClient:
        """Make a client that is not opened yet and, without `tokens`, has to sign in before its first call.

        InvalidArgument if the account's values cannot be used.
        """
        budget = CallBudget(
            self._budgets,
            account.tenant_id,
            account.client_id,
            patience=PATIENCE,
            limits=self._limits,
            wait=self._wait,
        )
        return DefenderClient(
            cloud_of(account),
            account.tenant_id,
            credential_of(account, secret),
            transport=_Shared(self._transport) if self._transport is not None else None,
            retry=self._retry,
            user_agent="ringfence",
            budget=budget,
            tokens=tokens,
            guard=guard_of(account, self._allowed),
        )

    async def report(self, account_id: str, error: DefenderError) -> bool:
        """Mark the account if the error says something about it; returns whether its credential is refused.

        Call it wherever a DefenderError ends an attempt: from then on nothing is attempted until the credential is proven
        again. A permission that is missing degrades the account, and has it checked at once.
        """
        sentence = describe(error)
        said = f"{sentence[:1].upper()}{sentence[1:]} {error.advice}"
        if isinstance(error, AuthenticationFailed | Unauthorized) and error.permanent:
            await self._database.run(lambda tx: _failed(tx, account_id, said))
            return True
        if isinstance(error, MissingRole) and error.required:
            # Any one of them would do, and the first asks for the least.
            await self._database.run(lambda tx: records.mark_lacking(tx, account_id, error.required[:1], said))
        elif isinstance(error, Forbidden | ClosedAddress):
            await self._database.run(lambda tx: records.hurry(tx, account_id))
        return False

    async def aclose(self) -> None:
        """Close every client."""
        held, self._held = list(self._held.values()), {}
        for each in held:
            for client in (each.client, each.before):
                if client is not None:
                    await client.__aexit__(None, None, None)


def _failed(tx: Transaction, account_id: str, reason: str) -> None:
    if records.mark_failed(tx, account_id, reason):
        records.hurry(tx, account_id, again=True)


class _Shared(httpx.AsyncBaseTransport):
    """A transport that several clients use and none of them closes."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._transport.handle_async_request(request)


def credential_of(account: Account, secret: str) -> Credential:
    """Return what an account proves itself with; InvalidArgument if it cannot be used."""
    if account.certificate_thumbprint is not None:
        return ClientCertificate(account.client_id, secret)
    return ClientSecret(account.client_id, secret)


def cloud_of(account: Account) -> Cloud:
    """Return the cloud of an account, with its own addresses if it has any; InvalidArgument if they cannot be used."""
    if account.login_url is None or account.api_url is None:
        known = cloud(account.cloud)
        return known if account.region is None else known.in_region(account.region)
    return Cloud.custom(
        login=account.login_url, api=account.api_url, graph=account.graph_url, audience=account.audience
    )


def purpose(account_id: str) -> str:
    """Return what an account's secret is sealed for."""
    return f"account-secret:{account_id}"
