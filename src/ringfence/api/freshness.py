"""Every JSON that is read has an ETag; who has it already (`If-None-Match`) is told so in few bytes."""

import hashlib
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LARGEST: Final = 4 * 1_048_576
_KEPT: Final = ("etag", "link", "cache-control", "vary")


class Freshness:
    """Middleware for what is read; a document's own ETag stays, and what is large or a stream passes as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        await self._app(scope, receive, _Answer(send, Headers(scope=scope).get("if-none-match")))


class _Answer:
    """Holds an answer back until it is known whether it has to be sent."""

    def __init__(self, send: Send, known: str | None) -> None:
        self._send = send
        self._known = known
        self._start: Message | None = None
        self._body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = Headers(raw=message["headers"])
            kind = headers.get("content-type", "").partition(";")[0]
            if message["status"] == 200 and kind == "application/json":
                self._start = message
                return
        if self._start is None:
            await self._send(message)
            return
        self._body += message.get("body", b"")
        more = message.get("more_body", False)
        if more and len(self._body) <= _LARGEST:
            return
        start, self._start = self._start, None
        if more:
            await self._send(start)
            await self._send({"type": "http.response.body", "body": bytes(self._body), "more_body": True})
            return
        await self._whole(start)

    async def _whole(self, start: Message) -> None:
        headers = MutableHeaders(raw=list(start["headers"]))
        if "etag" not in headers:
            headers["etag"] = f'"{hashlib.sha256(self._body).hexdigest()[:32]}"'
        # What one person may see is not for the next one, and is asked for again each time.
        headers.setdefault("cache-control", "private, no-cache")
        if self._known is not None and has(self._known, headers["etag"]):
            kept = [each for each in headers.raw if each[0].decode() in _KEPT]
            await self._send({"type": "http.response.start", "status": 304, "headers": kept})
            await self._send({"type": "http.response.body", "body": b""})
            return
        await self._send({**start, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": bytes(self._body)})


def has(known: str, etag: str) -> bool:
    """Say whether a list of ETags (If-None-Match) names one, by the weak comparison of RFC 9110."""
    wanted = etag.removeprefix("W/")
    return any(each.strip().removeprefix("W/") in (wanted, "*") for each in known.split(","))
