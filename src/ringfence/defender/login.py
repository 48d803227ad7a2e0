"""The bridge between MSAL, which is synchronous and brings its own HTTP, and this library's one async transport.

MSAL runs in a thread and calls `Bridge`, which sends on the event loop. The bridge also guards what MSAL does not: the
secret goes to the cloud's own login host only, and refusals become this library's errors before MSAL can log a body.
MSAL knows https only; for a simulator on loopback http the bridge tells MSAL https and speaks http.
"""

import asyncio
import concurrent.futures
import json
from collections.abc import Coroutine, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from ringfence.defender.aadsts import explain
from ringfence.defender.errors import (
    ApiNotProvisioned,
    AuthenticationFailed,
    ClockSkew,
    DefenderError,
    DisabledApplication,
    ExpiredSecret,
    MalformedReply,
    ServerError,
    Throttled,
    TransportError,
    UnknownApplication,
    UnknownTenant,
    WrongCertificate,
    WrongCloud,
    WrongSecret,
)
from ringfence.defender.exchange import Reply, exchange
from ringfence.defender.replies import conceal, parse_json, parse_object
from ringfence.defender.retry import retry_after

_LARGEST: Final = 1024 * 1024

_BY_NUMBER: Final[dict[int, type[AuthenticationFailed]]] = {
    7000215: WrongSecret,
    70002: WrongSecret,
    7000222: ExpiredSecret,
    700027: WrongCertificate,
    50012: WrongCertificate,
    700024: ClockSkew,
    700016: UnknownApplication,
    700011: UnknownApplication,
    7000112: DisabledApplication,
    90002: UnknownTenant,
    900023: UnknownTenant,
    90038: WrongCloud,
    90051: WrongCloud,
    900382: WrongCloud,
    900432: WrongCloud,
    500011: ApiNotProvisioned,
}
_THROTTLED_NUMBERS: Final = frozenset({90055, 50196})


class Answer:
    """A reply in the shape that MSAL reads."""

    def __init__(self, status_code: int, text: str, headers: Mapping[str, str]) -> None:
        self.status_code = status_code
        self.text = text
        self.headers = dict(headers)

    def raise_for_status(self) -> None:
        """Do nothing: the bridge has raised for every status that is an error."""


class Bridge:
    """MSAL's `http_client`: called in a worker thread, sends on the loop it was made on."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        authority: str,
        *,
        secrets: tuple[str, ...],
        seconds: float,
    ) -> None:
        self._http = http
        self._loop = asyncio.get_running_loop()
        self._authority = authority
        self._secrets = secrets
        self._seconds = seconds
        self._waiting: set[concurrent.futures.Future[Reply]] = set()
        self._closed = False

    @property
    def authority_for_msal(self) -> str:
        """Return the authority as MSAL accepts it."""
        return _as_https(self._authority)

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> Answer:
        """Fetch the tenant's discovery document and check where it points."""
        reply = self._send("GET", url, params=params, headers=headers, data=None)
        label = self._label("GET", url)
        if reply.status != 200:
            raise login_refusal(reply, label, self._secrets)
        document = self._document(reply, label)
        for name in ("authorization_endpoint", "token_endpoint"):
            if not isinstance(document.get(name), str):
                raise MalformedReply(f"The login host's discovery document has no {name}.", status=200, request=label)
        if self._is_local:
            document = {key: _as_https(value) if isinstance(value, str) else value for key, value in document.items()}
        endpoint = document["token_endpoint"]
        if not self._is_ours(endpoint):
            host = urlsplit(endpoint).netloc
            raise WrongCloud(f"The tenant signs in at {host}, not at {self._authority}.", request=label)
        return Answer(200, json.dumps(document), {})

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> Answer:
        """Ask for a token; only a well-formed success is handed to MSAL."""
        reply = self._send("POST", url, params=params, headers=headers, data=data)
        label = self._label("POST", url)
        if reply.status != 200:
            raise login_refusal(reply, label, self._secrets)
        document = self._document(reply, label)
        lifetime = document.get("expires_in")
        if not isinstance(document.get("access_token"), str) or not document["access_token"]:
            raise MalformedReply("The login host's reply has no access token.", status=200, request=label)
        if not str(lifetime).isdecimal() or not 0 < int(str(lifetime)[:12]) <= 7 * 86_400:
            raise MalformedReply("The login host's reply has no usable expires_in.", status=200, request=label)
        return Answer(200, json.dumps(document), {})

    def close(self) -> None:
        """Give up whatever a thread is still waiting for."""
        self._closed = True
        for future in tuple(self._waiting):
            future.cancel()

    @property
    def _is_local(self) -> bool:
        return self._authority.startswith("http://")

    def _is_ours(self, url: str) -> bool:
        return url.startswith(self.authority_for_msal + "/")

    def _label(self, method: str, url: str) -> str:
        parts = urlsplit(url)
        return f"{method} {parts.netloc}{parts.path}"

    def _document(self, reply: Reply, label: str) -> dict[str, Any]:
        try:
            return parse_object(reply.body)
        except MalformedReply as error:
            error.request, error.status = label, reply.status
            raise

    def _send(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        data: Mapping[str, Any] | None,
    ) -> Reply:
        label = self._label(method, url)
        if not self._is_ours(url):
            raise WrongCloud(f"{urlsplit(url).netloc} is not this cloud's login host.", request=label)
        if self._closed:
            raise TransportError("The client is closed.", request=label)
        target = self._authority + url.removeprefix(self.authority_for_msal)
        form = None if data is None else {key: _text(value) for key, value in data.items() if value is not None}
        request = self._http.build_request(method, target, params=params or None, headers=headers, data=form)
        return self._wait(
            exchange(self._http, request, label=label, effect=False, seconds=self._seconds, largest=_LARGEST), label
        )

    def _wait(self, sending: Coroutine[Any, Any, Reply], label: str) -> Reply:
        future = asyncio.run_coroutine_threadsafe(sending, self._loop)
        self._waiting.add(future)
        if self._closed:
            # It was closed between the question above and the line before.
            future.cancel()
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            pass
        finally:
            self._waiting.discard(future)
        raise TransportError("The client was closed while it signed in.", request=label)


def login_refusal(reply: Reply, label: str, secrets: tuple[str, ...] = ()) -> DefenderError:
    """Return the error that a login host's refusal means, by status, error and error_codes; never raises."""
    try:
        document = parse_json(reply.body)
    except MalformedReply:
        document = None
    fields: dict[str, Any] = document if isinstance(document, dict) else {}
    name, text = (conceal(value, secrets) if isinstance(value, str) else "" for value in _texts(fields))
    codes = fields.get("error_codes")
    number = next((code for code in codes if isinstance(code, int)), 0) if isinstance(codes, list) else 0
    code = f"AADSTS{number}" if number else name
    if reply.status == 429 or number in _THROTTLED_NUMBERS:
        seconds = retry_after(reply.headers)
        return Throttled(text, code=code, status=reply.status, request=label, retry_after=seconds)
    if reply.status >= 500 or reply.status == 408 or name == "temporarily_unavailable":
        seconds = retry_after(reply.headers)
        return ServerError(text, code=code, status=reply.status, request=label, retry_after=seconds)
    if not name and not number:
        return MalformedReply("The login host's reply is not one of its errors.", status=reply.status, request=label)
    known = explain(number)
    return _BY_NUMBER.get(number, AuthenticationFailed)(
        text,
        code=code,
        status=reply.status,
        request=label,
        advice=known.advice if known is not None else None,
        aadsts=number,
    )


def _texts(fields: Mapping[str, Any]) -> tuple[object, object]:
    return fields.get("error"), fields.get("error_description")


def _text(value: object) -> str:
    # A signed assertion comes as bytes.
    return value.decode() if isinstance(value, bytes) else str(value)


def _as_https(url: str) -> str:
    return "https://" + url.removeprefix("http://") if url.startswith("http://") else url
