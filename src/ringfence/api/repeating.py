"""Writes that come with an `Idempotency-Key` are carried out once; asked again, they are answered the same."""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ringfence.api import problems
from ringfence.errors import Invalid, RingfenceError
from ringfence.security import repeats
from ringfence.security.crypto import Vault
from ringfence.security.rbac import Actor
from ringfence.security.repeats import Answer, Claim
from ringfence.storage import Database, Transaction
from ringfence.storage.database import witnessed

HEADER: Final = "idempotency-key"
REPLAYED: Final = "Idempotent-Replayed"
_WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")
_KEPT_HEADERS: Final = frozenset({"content-type", "location", "etag", "accept-post"})


class Repeating:
    """Middleware below the one that knows who asks, and above the routes."""

    def __init__(self, app: ASGIApp, database: Database, vault: Callable[[], Vault]) -> None:
        self._app = app
        self._database = database
        self._vault = vault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = Headers(scope=scope).get(HEADER) if scope["type"] == "http" and scope["method"] in _WRITES else None
        asking = _caller(scope) if key is not None else None
        if key is None or asking is None:
            await self._app(scope, receive, send)
            return
        try:
            claimed, body = await self._claim(scope, receive, key, *asking)
        except RingfenceError as error:
            await problems.of(error)(scope, receive, send)
            return
        if isinstance(claimed, Answer):
            await _send(send, claimed, ((REPLAYED, "true"),))
            return
        await self._carry_out(scope, body, send, claimed)

    async def _claim(
        self, scope: Scope, receive: Receive, key: str, organization_id: str, name: str
    ) -> tuple[Claim | Answer, bytes]:
        if not _KEY.fullmatch(key):
            raise Invalid("This cannot be an idempotency key.", advice="Use 1 to 200 characters of ASCII, no blanks.")
        body = await _read(receive)
        fingerprint = _fingerprint(scope, name, body)
        vault = self._vault()
        work: Callable[[Transaction], Claim | Answer] = lambda tx: repeats.begin(  # noqa: E731
            tx, vault, organization_id, key, fingerprint
        )
        return await self._database.run(work), body

    async def _carry_out(self, scope: Scope, body: bytes, send: Send, claim: Claim) -> None:
        made = Answer(500, (), b"")

        async def watch(message: Message) -> None:
            nonlocal made
            if message["type"] == "http.response.start":
                headers = tuple((name.decode(), value.decode("latin-1")) for name, value in message["headers"])
                made = Answer(message["status"], headers, b"")
            elif message["type"] == "http.response.body":
                made = Answer(made.status, made.headers, made.body + message.get("body", b""))

        try:
            with witnessed(lambda tx: repeats.note(tx, claim)):
                await self._app(scope, _given(body), watch)
        except BaseException:
            await self._database.run(lambda tx: repeats.give_up(tx, claim))
            raise
        # The answer is kept before it is sent: whoever has it may rely on getting it again.
        kept = tuple(each for each in made.headers if each[0].lower() in _KEPT_HEADERS)
        answer, vault = Answer(made.status, kept, made.body), self._vault()
        await self._database.run(lambda tx: repeats.settle(tx, vault, claim, answer))
        await _send(send, made, ())


def _caller(scope: Scope) -> tuple[str, str] | None:
    """Return the organization and the name of who asks; None where nobody is known, which the route will say."""
    actor: Actor | None = scope.get("state", {}).get("actor")
    return None if actor is None else (actor.organization_id, actor.name)


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Invalid("The request broke off.", advice="Send it again, with the same key.")
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


def _fingerprint(scope: Scope, name: str, body: bytes) -> str:
    said = (name, scope["method"], scope["path"], scope.get("query_string", b"").decode("latin-1"))
    return hashlib.sha256(json.dumps(said).encode() + b"\n" + body).hexdigest()


def _given(body: bytes) -> Receive:
    """Return what gives a body that was read once more."""
    left = [body]

    async def receive() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return {"type": "http.disconnect"}

    return receive


async def _send(send: Send, answer: Answer, more: tuple[tuple[str, str], ...]) -> None:
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in (*answer.headers, *more)]
    if not any(name == b"content-length" for name, _ in headers) and answer.status not in (204, 304):
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
