"""One call to the API: token, request, retries, the error it means, and a note to the observer."""

import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlsplit

import httpx

from ringfence import clock
from ringfence.defender.auth import TokenSource
from ringfence.defender.clouds import Cloud
from ringfence.defender.errors import DefenderError, InvalidArgument, MalformedReply, ServerError
from ringfence.defender.exchange import Reply, exchange, lost
from ringfence.defender.replies import parse_object, refusal
from ringfence.defender.retry import RetryPolicy, with_retries

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


class Session:
    """Sends an operation's requests to one API host with one audience."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        tokens: TokenSource,
        *,
        cloud: Cloud,
        base: str,
        scope: str,
        retry: RetryPolicy,
        seconds: float,
        observer: Observer | None,
    ) -> None:
        self._http = http
        self._tokens = tokens
        self._cloud = cloud
        self._base = base
        self._scope = scope
        self._retry = retry
        self._seconds = seconds
        self._observer = observer

    async def call(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        read: Callable[[dict[str, Any]], T],
        query: Query | None = None,
        body: Mapping[str, Any] | None = None,
        effect: bool = False,
    ) -> T:
        """Send one operation and return what `read` makes of its JSON object.

        With `effect`, nothing is repeated once it may have been received, and an outcome that is not known (no reply, a
        5xx, a reply that cannot be read) is raised as ReplyLost.
        """
        url = f"{self._base}{path}{_query(query or {})}"
        return await self._with_retries(operation, method, url, path, read=read, body=body, effect=effect)

    async def pages(
        self, operation: str, path: str, *, query: Query | None = None, top: int | None = None, skip: int = 0
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """Yield the pages of a collection as raw documents, each fetched when the one before has been used.

        Follows @odata.nextLink. Where there is none and `top` is given, goes on with $skip until a page is short. Ends at
        an empty page, at a link seen before, and at a page equal to the one before.
        """
        if top is not None and not 1 <= top <= LARGEST_TOP:
            raise InvalidArgument(f"A page of {top} is not possible.", advice=f"Choose 1 to {LARGEST_TOP}.")
        options: dict[str, str | int] = dict(query or {})
        if top is not None:
            options["$top"] = top
        if skip:
            options["$skip"] = skip
        url = f"{self._base}{path}{_query(options)}"
        seen = {url}
        before: list[dict[str, Any]] = []
        for _ in range(_MOST_PAGES):
            page, link = await self._with_retries(operation, "GET", url, path, read=_page, body=None, effect=False)
            if not page or page == before:
                return
            yield page
            if link is not None:
                url = self._follow(link, path)
            elif top is not None and len(page) >= top:
                skip += len(page)
                url = f"{self._base}{path}{_query({**options, '$skip': skip})}"
            else:
                return
            if url in seen:
                return
            seen.add(url)
            before = page

    def _follow(self, link: str, path: str) -> str:
        """Return a next link on the host that is being called; refuse one that leaves the cloud."""
        try:
            parts = urlsplit(link)
            origin = f"{parts.scheme}://{parts.netloc.lower()}"
        except ValueError:
            origin = ""
        known = {self._base, *self._cloud.mde_hosts}
        base = next((each for each in known if _origin(each) == origin), None)
        if base is None:
            raise MalformedReply("The next link leaves the cloud's hosts.", request=f"GET {path}")
        rest = parts.path.removeprefix(urlsplit(base).path)
        if not rest.startswith("/api/"):
            raise MalformedReply("The next link leaves the API.", request=f"GET {path}")
        return f"{self._base}{rest}" + (f"?{parts.query}" if parts.query else "")

    async def _with_retries(
        self,
        operation: str,
        method: str,
        url: str,
        path: str,
        *,
        read: Callable[[dict[str, Any]], T],
        body: Mapping[str, Any] | None,
        effect: bool,
    ) -> T:
        async def once(attempt: int) -> T:
            return await self._attempt(operation, method, url, path, attempt, read=read, body=body, effect=effect)

        return await with_retries(once, self._retry, effect=effect)

    async def _attempt(
        self,
        operation: str,
        method: str,
        url: str,
        path: str,
        attempt: int,
        *,
        read: Callable[[dict[str, Any]], T],
        body: Mapping[str, Any] | None,
        effect: bool,
    ) -> T:
        label = f"{method} {path}"
        token = await self._tokens.token(self._scope)
        reply = await self._send(operation, method, url, path, attempt, token.value, body=body, effect=effect)
        if reply.status == 401:
            fresh = await self._tokens.token(self._scope, refused=token.value)
            if fresh.value != token.value:
                token = fresh
                reply = await self._send(operation, method, url, path, attempt, token.value, body=body, effect=effect)
        if not 200 <= reply.status < 300:
            error = refusal(reply.status, reply.headers, reply.body, request=label, secrets=(token.value,))
            raise lost(error) if effect and isinstance(error, ServerError | MalformedReply) else error
        try:
            return read(parse_object(reply.body))
        except MalformedReply as error:
            error.request, error.status = label, reply.status
            raise lost(error) if effect else error from None

    async def _send(
        self,
        operation: str,
        method: str,
        url: str,
        path: str,
        attempt: int,
        token: str,
        *,
        body: Mapping[str, Any] | None,
        effect: bool,
    ) -> Reply:
        request_id = clock.new_id()
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", "client-request-id": request_id}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body, ensure_ascii=True).encode()
        request = self._http.build_request(method, url, headers=headers, content=content)
        began = time.perf_counter()
        reply: Reply | None = None
        failure = ""
        try:
            reply = await exchange(self._http, request, label=f"{method} {path}", effect=effect, seconds=self._seconds)
            return reply
        except DefenderError as error:
            failure = error.code
            raise
        finally:
            self._note(
                Call(
                    operation=operation,
                    method=method,
                    path=path,
                    status=reply.status if reply else None,
                    elapsed=time.perf_counter() - began,
                    attempt=attempt,
                    request_id=request_id,
                    correlation_id=_correlation(reply.headers) if reply else "",
                    error=failure if failure or reply else "Cancelled",
                )
            )

    def _note(self, call: Call) -> None:
        if self._observer is None:
            return
        try:
            self._observer(call)
        except Exception:
            # A watcher that fails must not stop, or seem to have stopped, an isolation that has happened.
            _log.exception("The observer of a Defender call failed.")


def _page(document: dict[str, Any]) -> tuple[list[dict[str, Any]], str | None]:
    """Read a collection; an item that is not an object is kept as {"value": item}, so that its parse fails visibly."""
    items, link = document.get("value"), document.get("@odata.nextLink")
    if not isinstance(items, list):
        raise MalformedReply("The reply has no list of values.")
    rows = [item if isinstance(item, dict) else {"value": item} for item in items]
    return rows, link if isinstance(link, str) and link else None


def _query(options: Query) -> str:
    safe = "$'(),:"
    parts = [f"{name}={quote(str(value), safe=safe)}" for name, value in options.items() if value != ""]
    return "?" + "&".join(parts) if parts else ""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _correlation(headers: httpx.Headers) -> str:
    for name in ("mise-correlation-id", "request-id", "x-ms-request-id"):
        if value := headers.get(name):
            return str(value)[:100]
    return ""
