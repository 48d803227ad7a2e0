"""One call to an API: its share of the budget, token, request, retries, the error it means, and a note to the observer."""

import hashlib
import json
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote, unquote, urlsplit

import httpx

from ringfence import clock
from ringfence.defender.auth import TokenSource
from ringfence.defender.budget import CallBudget
from ringfence.defender.catalogue import Api, Operation
from ringfence.defender.download import check, download
from ringfence.defender.errors import (
    DefenderError,
    InvalidArgument,
    MalformedReply,
    MissingRole,
    ServerError,
    Throttled,
)
from ringfence.defender.exchange import Reply, exchange, lost
from ringfence.defender.gate import pass_gate
from ringfence.defender.replies import parse_object, refusal
from ringfence.defender.retry import RetryPolicy, with_retries
from ringfence.defender.witness import Exchange, current_witness

LARGEST_TOP: Final = 10_000
_MOST_PAGES: Final = 10_000

_log: Final = logging.getLogger(__name__)

T = TypeVar("T")
Query = Mapping[str, str | int]


@dataclass(frozen=True, kw_only=True)
class Call:
    """One finished request, as the observer sees it: no token, no query, no body.

    `status` is None and `error` names the class when no reply came; `elapsed` is seconds; `attempt` counts from 1.
    `request_id` was sent as client-request-id; `correlation_id` is what the service answered, empty if nothing.
    """

    operation: str
    method: str
    path: str
    status: int | None
    elapsed: float
    attempt: int
    request_id: str
    correlation_id: str = ""
    error: str = ""


Observer = Callable[[Call], None]


def segment(value: str, what: str) -> str:
    """Return a value as one percent-encoded part of a path, or raise InvalidArgument if it cannot be one."""
    if not value.strip(". ") or len(value) > 300 or not value.isprintable():
        raise InvalidArgument(f"{value[:80]!r} cannot be {what}.", advice="Pass the id as the service gave it.")
    return quote(value, safe="")


_RESOURCES: Final = {
    Api.MDE: "WindowsDefenderATP",
    Api.XDR: "Microsoft Threat Protection",
    Api.GRAPH: "Microsoft Graph",
}


@dataclass(frozen=True, kw_only=True)
class Host:
    """Where an API is called: `base` receives the requests, next links may name `aliases`, paths begin with `prefix`.

    `files` are the domains at which files may be fetched.
    """

    base: str
    aliases: frozenset[str]
    prefix: str
    scope: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A form with one file, for the one operation that takes no JSON."""

    file_name: str
    content: bytes
    fields: Mapping[str, str]


Payload = Mapping[str, Any] | Upload | None


class Session:
    """Sends an API's operations to its host with its audience."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        tokens: TokenSource,
        host: Host,
        *,
        retry: RetryPolicy,
        seconds: float,
        observer: Observer | None,
        budget: CallBudget | None,
    ) -> None:
        self._http = http
        self._tokens = tokens
        self._host = host
        self._retry = retry
        self._seconds = seconds
        self._observer = observer
        self._budget = budget

    async def call(
        self,
        operation: Operation,
        path: str,
        *,
        read: Callable[[Reply], T],
        query: Query | None = None,
        body: Payload = None,
        effect: bool = False,
    ) -> T:
        """Send one operation and return what `read` makes of its reply.

        With `effect`, nothing is repeated once it may have been received, and an outcome that is not known (no reply, a
        5xx, a reply that cannot be read) is raised as ReplyLost.
        """
        url = f"{self._host.base}{path}{_query(query or {})}"
        return await self._with_retries(operation, url, path, read=read, body=body, effect=effect)

    async def pages(
        self,
        operation: Operation,
        path: str,
        *,
        query: Query | None = None,
        top: int | None = None,
        skip: int = 0,
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """Yield the pages of a collection as raw documents, each fetched when the one before has been used.

        Follows @odata.nextLink as it is given. Where there is none from the first page on, an operation that takes $skip
        goes on with it until a page is short. Ends at an empty page, at a link seen before, and at a page equal to the one
        before. Two pages at most are held, however long the collection is.
        """
        largest = operation.max_page or LARGEST_TOP
        if top is not None and not 1 <= top <= largest:
            raise InvalidArgument(f"A page of {top} is not possible.", advice=f"Choose 1 to {largest}.")
        options: dict[str, str | int] = dict(query or {})
        if top is not None:
            options["$top"] = top
        if skip:
            options["$skip"] = skip
        url = f"{self._host.base}{path}{_query(options)}"
        seen = {_digest(url)}
        before: tuple[object, ...] = ()
        linked = False
        for _ in range(_MOST_PAGES):
            page, link = await self._with_retries(operation, url, path, read=_page, body=None, effect=False)
            # A page that comes again is known by its length and its ends; keeping all of it would double the memory.
            ends = (len(page), page[0], page[-1]) if page else ()
            if not page or ends == before:
                return
            yield page
            if link is not None:
                url, linked = self._follow(link, path), True
            elif not linked and top is not None and operation.max_page is not None and len(page) >= top:
                skip += len(page)
                url = f"{self._host.base}{path}{_query({**options, '$skip': skip})}"
            else:
                return
            if _digest(url) in seen:
                return
            seen.add(_digest(url))
            before = ends

    def download(self, address: str, *, largest: int) -> AsyncGenerator[bytes, None]:
        """Fetch a file by an address that the service gave, piece by piece; the token is not sent there.

        Raises MalformedReply for a host that serves no files of this cloud, and for a file of more than `largest` bytes.
        """
        label = check(address, self._host.files)
        return download(self._http, address, label=label, retry=self._retry, largest=largest)

    def _follow(self, link: str, path: str) -> str:
        """Return a next link on the host that is being called; refuse one that leaves the cloud."""
        try:
            parts = urlsplit(link)
            origin = f"{parts.scheme}://{parts.netloc.lower()}"
        except ValueError:
            origin = ""
        known = {self._host.base, *self._host.aliases}
        base = next((each for each in known if _origin(each) == origin), None)
        if base is None:
            raise MalformedReply("The next link leaves the cloud's hosts.", request=f"GET {path}")
        rest = parts.path.removeprefix(urlsplit(base).path)
        # A client or server that resolves dot segments would leave the API by a path that begins as one of its own.
        climbs = not {".", ".."}.isdisjoint(unquote(rest).replace("\\", "/").split("/"))
        if climbs or not rest.startswith(self._host.prefix):
            raise MalformedReply("The next link leaves the API.", request=f"GET {path}")
        return f"{self._host.base}{rest}" + (f"?{parts.query}" if parts.query else "")

    async def _with_retries(
        self,
        operation: Operation,
        url: str,
        path: str,
        *,
        read: Callable[[Reply], T],
        body: Payload,
        effect: bool,
    ) -> T:
        ends = time.monotonic() + self._retry.deadline

        async def once(attempt: int) -> T:
            return await self._attempt(operation, url, path, attempt, read=read, body=body, effect=effect, ends=ends)

        return await with_retries(once, self._retry, effect=effect, budgeted=self._budget is not None)

    async def _attempt(
        self,
        operation: Operation,
        url: str,
        path: str,
        attempt: int,
        *,
        read: Callable[[Reply], T],
        body: Payload,
        effect: bool,
        ends: float,
    ) -> T:
        label = f"{operation.method} {path}"
        token = await self._tokens.token(self._host.scope)
        reply = await self._send(operation, url, path, attempt, token.value, body=body, effect=effect, ends=ends)
        if reply.status == 401:
            fresh = await self._tokens.token(self._host.scope, refused=token.value)
            if fresh.value != token.value:
                token = fresh
                reply = await self._send(
                    operation, url, path, attempt, token.value, body=body, effect=effect, ends=ends
                )
        if not 200 <= reply.status < 300:
            error = refusal(reply.status, reply.headers, reply.body, request=label, secrets=(token.value,))
            if isinstance(error, MissingRole):
                _name_roles(error, operation)
            if isinstance(error, Throttled) and self._budget is not None:
                await self._budget.refused(operation, error.retry_after)
            raise lost(error) if effect and isinstance(error, ServerError | MalformedReply) else error
        try:
            return read(reply)
        except MalformedReply as error:
            error.request, error.status = label, reply.status
            raise lost(error) if effect else error from None

    async def _send(
        self,
        operation: Operation,
        url: str,
        path: str,
        attempt: int,
        token: str,
        *,
        body: Payload,
        effect: bool,
        ends: float,
    ) -> Reply:
        method = operation.method
        request_id = clock.new_id()
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", "client-request-id": request_id}
        if operation.api is Api.GRAPH:
            # Without it, values that were added later all arrive as unknownFutureValue.
            headers["Prefer"] = "include-unknown-enum-members"
        request = self._request(method, url, headers, body)
        if self._budget is not None:
            await self._budget.spend(operation, patience=max(ends - time.monotonic(), 0.0))
        await pass_gate()
        began, at = time.perf_counter(), clock.now()
        reply: Reply | None = None
        failure = ""
        try:
            reply = await exchange(self._http, request, label=f"{method} {path}", effect=effect, seconds=self._seconds)
            return reply
        except DefenderError as error:
            failure = error.code
            raise
        finally:
            call = Call(
                operation=operation.id,
                method=method,
                path=path,
                status=reply.status if reply else None,
                elapsed=time.perf_counter() - began,
                attempt=attempt,
                request_id=request_id,
                correlation_id=_correlation(reply.headers) if reply else "",
                error=failure if failure or reply else "Cancelled",
            )
            sent = b"" if body is None or isinstance(body, Upload) else request.content
            self._note(call, at, url, sent, reply.body if reply else b"")

    def _request(self, method: str, url: str, headers: dict[str, str], body: Payload) -> httpx.Request:
        match body:
            case None:
                return self._http.build_request(method, url, headers=headers)
            case Upload():
                files = {"File": (body.file_name, body.content, "application/octet-stream")}
                return self._http.build_request(method, url, headers=headers, data=body.fields, files=files)
            case _:
                headers["Content-Type"] = "application/json"
                content = json.dumps(body, ensure_ascii=True).encode()
                return self._http.build_request(method, url, headers=headers, content=content)

    def _note(self, call: Call, at: datetime, url: str, sent: bytes, received: bytes) -> None:
        witness = current_witness()
        try:
            if self._observer is not None:
                self._observer(call)
            if witness is not None:
                seen = {name: value for name, value in vars(call).items() if name != "path"}
                witness(Exchange(at=at, url=url, request=sent, reply=received, **seen))
        except Exception:
            # A watcher that fails must not stop, or seem to have stopped, an isolation that has happened.
            _log.exception("The observer of a Defender call failed.")


def _name_roles(error: MissingRole, operation: Operation) -> None:
    """Say which permissions would do, where the reply does not."""
    error.required = error.required or operation.permissions
    if operation.api is not Api.MDE:
        error.advice = error.advice.replace(_RESOURCES[Api.MDE], _RESOURCES[operation.api])


def _page(reply: Reply) -> tuple[list[dict[str, Any]], str | None]:
    """Read a collection; an item that is not an object is kept as {"value": item}, so that its parse fails visibly."""
    document = parse_object(reply.body)
    items, link = document.get("value"), document.get("@odata.nextLink")
    if not isinstance(items, list):
        raise MalformedReply("The reply has no list of values.")
    rows = [item if isinstance(item, dict) else {"value": item} for item in items]
    return rows, link if isinstance(link, str) and link else None


def _query(options: Query) -> str:
    safe = "$'(),:"
    parts = [f"{name}={quote(str(value), safe=safe)}" for name, value in options.items() if value != ""]
    return "?" + "&".join(parts) if parts else ""


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _correlation(headers: httpx.Headers) -> str:
    for name in ("mise-correlation-id", "request-id", "x-ms-request-id"):
        if value := headers.get(name):
            return str(value)[:100]
    return ""
