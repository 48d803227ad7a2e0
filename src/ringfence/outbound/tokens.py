"""Tokens of OAuth 2 for accounts that sign in with a client id and secret: fetched once, kept until shortly before their end."""

import asyncio
import json
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

from ringfence import clock
from ringfence.errors import Unavailable
from ringfence.outbound.calling import Credential, Request, Rules, Transport, network, send
from ringfence.outbound.model import HttpAccount, Kind, base, url

_EARLY: Final = 60.0
_LONGEST_LIFE: Final = 86_400.0
_USUAL_LIFE: Final = 300.0
_LARGEST: Final = 100_000


class Refused(Unavailable):
    """The service that gives tokens gave none."""

    code = "token_refused"


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    stamp: datetime
    until: float


class Tokens:
    """The tokens of one process, in memory only."""

    def __init__(self, transport: Transport = network) -> None:
        self._transport = transport
        self._held: dict[str, _Token] = {}
        self._fetching: dict[str, asyncio.Lock] = {}

    async def get(self, account: HttpAccount, secret: str, rules: Rules) -> str:
        """Return a token that is valid now; Refused, without its reason in full, where none is given."""
        async with self._fetching.setdefault(account.id, asyncio.Lock()):
            held = self._held.get(account.id)
            if held is not None and held.stamp == account.renewed_at and held.until > clock.timestamp():
                return held.text
            fetched = await self._fetch(account, secret, rules)
            self._held[account.id] = fetched
            return fetched.text

    def forget(self, account: HttpAccount) -> None:
        """Fetch a new token next time: the service refused this one."""
        self._held.pop(account.id, None)

    async def _fetch(self, account: HttpAccount, secret: str, rules: Rules) -> _Token:
        shown, address = account.shown, url(account.shown["token_url"])
        form = {"grant_type": "client_credentials"} | ({"scope": shown["scope"]} if "scope" in shown else {})
        # RFC 6749, 2.3.1: both parts are encoded as in a form before they are put together.
        pair = f"{quote_plus(shown['client_id'])}:{quote_plus(secret)}"
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        proof = {"authorization": f"Basic {b64encode(pair.encode()).decode()}"}
        request = Request("POST", address, headers, urlencode(form).encode(), largest=_LARGEST, redirects=0)
        answer = await send(
            request, rules, Credential(base(str(address.copy_with(query=None))), proof), self._transport
        )
        if answer.status in (400, 401):
            # Not every service takes the pair in a header; all who do not take it in the form.
            form |= {"client_id": shown["client_id"], "client_secret": secret}
            request = Request("POST", address, headers, urlencode(form).encode(), largest=_LARGEST, redirects=0)
            answer = await send(request, rules, Credential(base(str(address.copy_with(query=None)))), self._transport)
        document = _document(answer.body)
        text, kind = document.get("access_token"), str(document.get("token_type", "bearer"))
        usable = isinstance(text, str) and text and text.isascii() and text.isprintable()
        if answer.status != 200 or not usable or kind.casefold() != "bearer":
            raise Refused(
                f"{address.host} gave no token for the account {account.name!r} (status {answer.status}).",
                advice="Check the client id, its secret and the scope: `ringfence http-account renew`.",
            )
        life = document.get("expires_in", _USUAL_LIFE)
        seconds = float(life) if isinstance(life, int | float | str) and str(life).isdecimal() else _USUAL_LIFE
        until = clock.timestamp() + max(min(seconds, _LONGEST_LIFE) - _EARLY, 1.0)
        return _Token(str(text), account.renewed_at, until)


def _document(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


async def credential(account: HttpAccount, secret: str, rules: Rules, tokens: Tokens) -> Credential:
    """Return what proves that a request is of an account; for OAuth 2 this may fetch a token first."""
    home = base(account.address)
    match account.kind:
        case Kind.HEADER:
            return Credential(home, {account.shown["header"].casefold(): secret})
        case Kind.QUERY:
            return Credential(home, query={account.shown["parameter"]: secret})
        case Kind.BASIC:
            pair = f"{account.shown['user']}:{secret}"
            return Credential(home, {"authorization": f"Basic {b64encode(pair.encode()).decode()}"})
        case Kind.BEARER:
            return Credential(home, {"authorization": f"Bearer {secret}"})
        case Kind.OAUTH2:
            return Credential(home, {"authorization": f"Bearer {await tokens.get(account, secret, rules)}"})
