"""What is sent has a size: more than any address takes is refused before it is read."""

from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ringfence.api import problems
from ringfence.errors import ContentTooLarge

LARGEST: Final = 16 * 1_048_576


class Bodies:
    """Middleware that counts what comes; in bytes."""

    def __init__(self, app: ASGIApp, largest: int = LARGEST) -> None:
        self._app = app
        self._largest = largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        said = Headers(scope=scope).get("content-length", "")
        if said.isascii() and said.isdecimal() and int(said[:20]) > self._largest:
            await self._refuse(scope, receive, send)
            return
        came = 0
        begun = False

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > self._largest:
                raise _TooLarge
            return message

        async def watch(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, counted, watch)
        except _TooLarge:
            if begun:
                raise
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = ContentTooLarge(f"At most {self._largest} bytes are taken at once.", advice="Send less at once.")
        answer = problems.of(error)
        answer.headers["Connection"] = "close"
        await answer(scope, receive, send)


class _TooLarge(BaseException):
    """Passes through whoever reads the body: no route may take it for an error of its own."""
