"""How an action calls services outside by HTTP: within the rules, with credentials that it never sees, each effect once."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from ringfence.actions import ActionError, HttpAnswer, Json
from ringfence.errors import Invalid, RingfenceError
from ringfence.outbound import accounts, destinations
from ringfence.outbound.calling import (
    Answer,
    Credential,
    NotAllowed,
    Request,
    Rules,
    Unsent,
    headers_of,
    resolved,
    send,
)
from ringfence.outbound.model import HttpAccount, Kind, base
from ringfence.outbound.tokens import credential
from ringfence.runs.door import failure
from ringfence.runs.effects import NotMade, made_once
from ringfence.runs.outside import Outside
from ringfence.security.egress import Refused
from ringfence.storage import Database, Transaction

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_REPEATABLE: Final = frozenset({"PUT", "DELETE"})
# Where nothing was done: it was not sent, it may not be sent, or the service said that it did not take it.
_NOT_DONE: Final = frozenset({401, 403, 404, 405, 408, 409, 413, 415, 422, 425, 429, 503})

# Where a gateway does not know what became of it.
_LOST: Final = frozenset({502, 504})


@dataclass(frozen=True, slots=True)
class _Caller:
    account: HttpAccount | None
    secret: str
    rules: Rules


class Http:
    """The HTTP port of one run, or of a person; see `ringfence.actions.HttpPort`."""

    def __init__(self, database: Database, outside: Outside | None, organization_id: str, run_id: str | None) -> None:
        self._database = database
        self._outside = outside
        self._organization_id = organization_id
        self._run_id = run_id

    async def request(
        self,
        method: str,
        address: str,
        /,
        *,
        account: str | None,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: float,
        largest: int,
        redirects: int,
        harmless: bool,
        key: str,
    ) -> HttpAnswer:
        """Make one request, once for its key where it may change something."""
        try:
            caller = await self._database.read(lambda tx: self._look(tx, account))
            home = base(caller.account.address) if caller.account else None
            where = resolved(address, home)
            where = where.copy_merge_params(dict(query)) if query else where
            carried = headers_of(headers)
            if method not in _READING:
                carried.setdefault("idempotency-key", key)
            request = Request(method, where, carried, body, timeout, largest, redirects)
            if method in _READING:
                return _answer(await self._send(request, caller))
            repeatable = harmless or method in _REPEATABLE

            async def make() -> Json:
                return await self._made(request, caller, repeatable)

            return _read(await made_once(self._database, key, self._run_id, make, harmless=repeatable))
        except _Unaccepted as told:
            return _answer(told.answer)
        except RingfenceError as error:
            raise failure(error) from None

    async def _made(self, request: Request, caller: _Caller, repeatable: bool) -> Json:
        try:
            answer = await self._send(request, caller)
        except (Unsent, NotAllowed, Refused, Invalid) as error:
            raise NotMade(error) from None
        lost = answer.status in _LOST and not repeatable
        if answer.status in _NOT_DONE or (answer.status >= 500 and not lost):
            raise NotMade(_Unaccepted(answer))
        return _kept(answer)

    async def _send(self, request: Request, caller: _Caller) -> Answer:
        outside = self._demand()
        proof = await self._proof(caller)
        answer = await send(request, caller.rules, proof, outside.transport)
        if answer.status == 401 and caller.account is not None and caller.account.kind is Kind.OAUTH2:
            # A token may be taken back before its end; whoever answers 401 has done nothing.
            outside.tokens.forget(caller.account)
            answer = await send(request, caller.rules, await self._proof(caller), outside.transport)
        return answer

    async def _proof(self, caller: _Caller) -> Credential | None:
        if caller.account is None:
            return None
        return await credential(caller.account, caller.secret, _with_token(caller), self._demand().tokens)

    def _look(self, tx: Transaction, name: str | None) -> _Caller:
        outside = self._demand()
        hosts = destinations.patterns(tx, self._organization_id)
        rules = Rules(hosts, outside.hosts, outside.sender.allowed)
        if name is None:
            return _Caller(None, "", rules)
        account = accounts.by_name(tx, self._organization_id, name)
        return _Caller(account, accounts.opened(tx, outside.sender.vault, account), rules)

    def _demand(self) -> Outside:
        if self._outside is None:
            raise ActionError(
                "Nothing outside can be called here.", code="no-outside", permanent=True, advice="Use it in a run."
            )
        return self._outside


class _Unaccepted(Exception):
    """An answer that says that nothing was done; it is given to the action all the same."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def _with_token(caller: _Caller) -> Rules:
    assert caller.account is not None
    if caller.account.kind is not Kind.OAUTH2:
        return caller.rules
    # Who connects an account thereby allows the place where its tokens come from.
    host = httpx.URL(caller.account.shown["token_url"]).host
    return Rules(caller.rules.hosts | {host}, caller.rules.installation, caller.rules.networks)


def _answer(answer: Answer) -> HttpAnswer:
    return HttpAnswer(answer.status, answer.headers, answer.body, answer.address)


def _kept(answer: Answer) -> dict[str, Json]:
    headers: dict[str, Json] = dict(answer.headers)
    body = b64encode(answer.body).decode()
    return {"status": answer.status, "headers": headers, "body": body, "address": answer.address}


def _read(kept: Any) -> HttpAnswer:
    return HttpAnswer(kept["status"], kept["headers"], b64decode(kept["body"]), kept["address"])
