"""Middleware: what is sent has a size and a time in which it comes.

The hooks count their bodies themselves, by their own measure; for them only the time is watched.
"""

import asyncio
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ringfence.errors import ContentTooLarge, RingfenceError, TooSlow
from ringfence.web.refusing import refuse
from ringfence.web.rendering import Pages

LARGEST: Final = 16 * 1_048_576
SECONDS: Final = 60.0
_COUNTED_ELSEWHERE: Final = ("/hooks/",)


class Incoming:
    """Refuses a body of more than `largest` bytes, and one that has not come as a whole after `seconds`."""

    def __init__(self, app: ASGIApp, pages: Pages, *, largest: int = LARGEST, seconds: float = SECONDS) -> None:
        self._app = app
        self._pages = pages
        self._largest = largest
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        largest = None if scope["path"].startswith(_COUNTED_ELSEWHERE) else self._largest
        said = Headers(scope=scope).get("content-length", "")
        too_large = ContentTooLarge(f"At most {self._largest} bytes are taken at once.", advice="Send less at once.")
        if largest is not None and said.isascii() and said.isdecimal() and int(said[:20]) > largest:
            await self._refuse(too_large, scope, receive, send)
            return
        came, whole, begun = 0, False, False
        until = asyncio.get_running_loop().time() + self._seconds

        async def watched() -> Message:
            nonlocal came, whole
            if whole:
                # From here on it is waited for the end of the connection, which may take as long as a stream lives.
                return await receive()
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                slow = f"The request did not come to its end within {self._seconds:g} seconds."
                raise _Refused(TooSlow(slow, advice="Send it again, by a faster line.")) from None
            came += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if largest is not None and came > largest:
                raise _Refused(too_large)
            return message

        async def watch(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, watched, watch)
        except _Refused as refused:
            if begun:
                raise
            await self._refuse(refused.error, scope, receive, send)

    async def _refuse(self, error: RingfenceError, scope: Scope, receive: Receive, send: Send) -> None:
        await refuse(self._pages, error, scope, receive, send, headers={"Connection": "close"})


class _Refused(BaseException):
    """Passes through whoever reads the body: no route may take it for an error of its own."""

    def __init__(self, error: RingfenceError) -> None:
        super().__init__(error)
        self.error = error
