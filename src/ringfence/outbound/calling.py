"""One request to a service outside, guarded: where it may go, what it may carry, how large and slow its answer may be.

The rules are asked again for each redirect, and the address of each connection is looked at when it is made (`egress`), so
that neither a redirect nor a name that changes its meaning leads into a network that is not open. Each request has a
connection of its own.
"""

import asyncio
import re
import ssl
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final

import httpx

from ringfence.errors import Forbidden, Invalid, RingfenceError, Unavailable
from ringfence.outbound.model import belongs, origin, permits, url
from ringfence.security.egress import Network, guarded

MOST_REDIRECTS: Final = 10
MOST_HEADERS: Final = 50
_LONGEST_VALUE: Final = 8_000
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}\Z")
_OURS: Final = frozenset(
    {
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "upgrade",
        "te",
        "trailer",
        "expect",
        "accept-encoding",
    }
)
_SECRETS: Final = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key"})
_ZIPPED: Final = {"gzip": 31, "x-gzip": 31, "deflate": 47}


class NotAllowed(Forbidden):
    """Playbooks may not call this host."""

    code = "destination_not_allowed"


class Unsent(Unavailable):
    """The request did not reach the service: whatever it would have done was not done."""

    code = "unsent"


class Lost(Unavailable):
    """The request was on its way and no answer came: nobody knows what became of it."""

    code = "answer_lost"


class TooLarge(RingfenceError):
    """The answer is larger than it may be; the request was carried out."""

    code = "answer_too_large"
    status = 502


@dataclass(frozen=True, slots=True)
class Rules:
    """Where requests may go: hosts of the organization, those of the installation (None: any), and open private networks."""

    hosts: frozenset[str]
    installation: frozenset[str] | None = None
    networks: tuple[Network, ...] = ()

    def demand(self, address: httpx.URL, home: httpx.URL | None) -> None:
        """Raise NotAllowed unless an address may be called; the host of the account, its home, needs no allowing."""
        if self.installation is not None and not permits(self.installation, address.host):
            raise NotAllowed(
                f"This installation does not call {address.host}.",
                advice="If it is meant, ask who runs the server to name it in RINGFENCE_EGRESS_HOSTS.",
            )
        if home is not None and origin(address) == origin(home):
            return
        if not permits(self.hosts, address.host):
            raise NotAllowed(
                f"Playbooks may not call {address.host}.",
                advice=f"Allow it (`ringfence egress allow {address.host}`), or use an account for it.",
            )


@dataclass(frozen=True, slots=True)
class Credential:
    """What proves who calls: headers and query of requests at `home` and below."""

    home: httpx.URL
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `timeout` in seconds is for all of it, `largest` bounds the bytes of the answer's body."""

    method: str
    address: httpx.URL
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)
    timeout: float = 30.0
    largest: int = 1_000_000
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; names of headers in small letters, `body` without any encoding of its transport."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    address: str


Transport = Callable[[], httpx.AsyncBaseTransport]


def network() -> httpx.AsyncBaseTransport:
    """Return the way to the network for one request."""
    return httpx.AsyncHTTPTransport(verify=_trust(), retries=0, trust_env=False)


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def headers_of(given: Mapping[str, str]) -> dict[str, str]:
    """Return headers that a request may carry; Invalid for one that is none, is ours to set, or is for secrets."""
    if len(given) > MOST_HEADERS:
        raise Invalid(f"A request has at most {MOST_HEADERS} headers.")
    found: dict[str, str] = {}
    for name, value in given.items():
        low = name.casefold()
        if not _NAME.match(name):
            raise Invalid(f"{name[:60]!r} cannot be a header's name.")
        if low in _OURS:
            raise Invalid(f"The header {name} belongs to the connection itself.", advice="Leave it out.")
        if low in _SECRETS:
            raise Invalid(
                f"The header {name} is for a credential.",
                advice="Put it into an account: `ringfence http-account add`.",
            )
        if len(value) > _LONGEST_VALUE or not value.isascii() or not value.isprintable():
            raise Invalid(f"The header {name} holds characters that cannot be in it.", advice="Encode or shorten it.")
        found[low] = value
    return found


def resolved(text: str, home: httpx.URL | None) -> httpx.URL:
    """Return the address that is meant: whole, or a path below an account's own; Invalid for one that leaves it."""
    if home is None:
        return url(text)
    given = text.strip()
    address = url(given) if "://" in given.partition("?")[0] else url(f"{home}{given.lstrip('/')}")
    if not belongs(address, home):
        raise Invalid(
            f"{str(address)[:200]!r} is not below the account's address {home}.",
            advice="Give a path, or call it without the account.",
        )
    return address


async def send(
    request: Request, rules: Rules, credential: Credential | None = None, transport: Transport = network
) -> Answer:
    """Make a request and follow its redirects.

    Raises NotAllowed and egress.Refused where it may not go, Unsent and Lost where no answer came, TooLarge for too long an
    answer, and Invalid for a redirect that leads nowhere.
    """
    home = credential.home if credential else None
    try:
        async with asyncio.timeout(request.timeout):
            for _ in range(max(0, min(request.redirects, MOST_REDIRECTS)) + 1):
                rules.demand(request.address, home)
                answer, onward = await _once(request, rules, credential, transport)
                if onward is None or request.redirects == 0:
                    return answer
                request = _redirected(request, answer.status, onward)
    except TimeoutError:
        raise Lost(
            f"{request.address.host} did not answer within {request.timeout:g} s.",
            advice="Try again later, or allow more time.",
        ) from None
    raise Invalid("The service redirects on and on.", advice="Call the address to which it leads in the end.")


async def _once(
    request: Request, rules: Rules, credential: Credential | None, transport: Transport
) -> tuple[Answer, httpx.URL | None]:
    address, headers = request.address, {"user-agent": "ringfence", "accept": "*/*", **request.headers}
    if credential is not None and belongs(address, credential.home):
        headers |= credential.headers
        address = address.copy_merge_params(credential.query) if credential.query else address
    headers["accept-encoding"] = "gzip, deflate"
    sent = httpx.Request(request.method, address, headers=headers, content=request.body)
    try:
        with guarded(rules.networks):
            async with transport() as way:
                return await _exchange(way, sent, request)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
        # What the error says may hold the query, and so a key; its class is enough.
        raise Unsent(
            f"{address.host} cannot be reached ({type(error).__name__}).", advice="Check the address and the service."
        ) from None
    except httpx.HTTPError as error:
        raise Lost(
            f"The answer of {address.host} was lost ({type(error).__name__}).", advice="Look what it did."
        ) from None


async def _exchange(
    way: httpx.AsyncBaseTransport, sent: httpx.Request, request: Request
) -> tuple[Answer, httpx.URL | None]:
    sent.extensions = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), request.timeout)}
    response = await way.handle_async_request(sent)
    try:
        found = {name.lower(): value for name, value in response.headers.items()}
        body = await _body(response, request.largest)
    finally:
        await response.aclose()
    answer = Answer(response.status_code, found, body, str(request.address))
    location = found.get("location")
    if response.status_code not in (301, 302, 303, 307, 308) or not location:
        return answer, None
    return answer, _onward(request.address, location)


async def _body(response: httpx.Response, largest: int) -> bytes:
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity", *_ZIPPED):
        raise TooLarge(f"The answer is encoded as {encoding[:40]!r}, which was not asked for.")
    unzip = zlib.decompressobj(_ZIPPED[encoding]) if encoding in _ZIPPED else None
    body = bytearray()
    assert isinstance(response.stream, httpx.AsyncByteStream)
    async for piece in response.stream:
        try:
            body += unzip.decompress(piece, largest + 1 - len(body)) if unzip else piece
        except zlib.error:
            raise Lost("The answer cannot be unpacked.", advice="Look at the service.") from None
        if len(body) > largest:
            raise TooLarge(f"The answer is larger than {largest} bytes.", advice="Ask for less, or allow more.")
    return bytes(body)


def _onward(here: httpx.URL, location: str) -> httpx.URL:
    try:
        onward = url(str(here.join(location)))
    except (Invalid, httpx.InvalidURL, ValueError):
        raise Invalid("The service redirects to what is not an address.") from None
    if here.scheme == "https" and onward.scheme != "https":
        raise Invalid("The service redirects to an address that is not protected.", advice="Call it without redirects.")
    return onward


def _redirected(request: Request, status: int, onward: httpx.URL) -> Request:
    away = origin(onward) != origin(request.address)
    # A browser asks with GET where a form was sent, and so does everybody else by now.
    asks = status == 303 or (status in (301, 302) and request.method == "POST")
    headers = {name: value for name, value in request.headers.items() if not (asks and name == "content-type")}
    if away and request.body is not None and not asks:
        raise Invalid(
            f"The service wants what was sent to go to {onward.host}.",
            advice="Call that address itself if it is meant.",
        )
    method = "GET" if asks and request.method != "HEAD" else request.method
    return replace(request, method=method, address=onward, headers=headers, body=None if asks else request.body)
