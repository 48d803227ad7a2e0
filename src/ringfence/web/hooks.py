"""POST /hooks/ID: messages for webhooks, an application of its own without sessions, forms or pages.

Where the webhook lets its senders wait, what a playbook answers (`webhook.respond`) is the answer.

Of a request only the body, its content type and the message's id are kept; other headers are never stored or logged. Of what is
refused why, when, from where and how large is kept (`listeners.refusals`).
"""

import asyncio
from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from ringfence import clock, logs
from ringfence.errors import RingfenceError, Unavailable
from ringfence.listeners.receiving import TooMany, Waits
from ringfence.listeners.refusals import Reason
from ringfence.triggers.webhook import Signed
from ringfence.web.services import Services
from ringfence.web.shared_rate import SharedRate
from ringfence.web.visitors import visitor

RETRY_AFTER: Final = 5
_LONGEST_READING: Final = 30.0
_log = logs.get(__name__)


def create_hooks(services: Services) -> ASGIApp:
    """Return the application; it answers 202 once a message is committed, and errors as problem documents."""
    rate = SharedRate(services.database, "webhook", services.settings.webhook_rate)
    most = services.settings.webhook_organization_rate
    waits = SharedRate(services.database, "webhooks", most).wait if most else None

    async def post(request: Request) -> Response:
        try:
            return await _receive(services, rate, waits, request)
        except TooMany as error:
            return _problem(error.status, error.code, error.message, error.advice, {"Retry-After": str(error.wait)})
        except RingfenceError as error:
            headers = {"Retry-After": str(RETRY_AFTER)} if isinstance(error, Unavailable) else None
            return _problem(error.status, error.code, error.message, error.advice, headers)
        except ClientDisconnect:
            # Nobody is there to read the answer, and nothing was stored.
            return Response(status_code=400)
        except Exception as error:
            reference = clock.new_id()
            _log.error("webhook_failed", reference=reference, exc_info=error)
            advice = f"Send it again. If it stays, look for {reference} in the server's log."
            return _problem(500, "internal", "Something went wrong on our side.", advice)

    async def other(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        status = HTTPStatus(error.status_code)
        return _problem(status, status.phrase.lower().replace(" ", "_"), f"{status.phrase}.", "POST to /hooks/ID.")

    return Starlette(routes=[Route("/{webhook_id}", post, methods=["POST"])], exception_handlers={HTTPException: other})


async def _receive(services: Services, rate: SharedRate, waits: Waits | None, request: Request) -> Response:
    if services.stopping.is_set():
        raise Unavailable("The server is being stopped.", advice="Send it again in a moment.")
    webhook_id, sender = request.path_params["webhook_id"], visitor(request).address
    wait = await rate.wait(f"{sender} {webhook_id[:64]}")

    def note(reason: Reason) -> None:
        # Whether there is such a webhook is not looked up for this: who posts very much would make us look very often.
        services.receiver.refusing.note(webhook_id, reason, address=sender, size=_said(request))

    if wait:
        note(Reason.TOO_MANY)
        return _problem(429, "too_many", "Too many messages came.", "Send fewer.", {"Retry-After": str(wait)})
    most = services.settings.webhook_max_body
    try:
        async with asyncio.timeout(_LONGEST_READING):
            body = await _read(request, most)
    except TimeoutError:
        note(Reason.TOO_SLOW)
        return _problem(408, "too_slow", "The message did not come to its end in time.", "Send it again.")
    if body is None:
        note(Reason.TOO_LARGE)
        return _problem(413, "too_large", f"A message has at most {most} bytes.", "Send less.", {"Connection": "close"})
    headers = request.headers
    signed = Signed(
        headers.get("webhook-id", ""), headers.get("webhook-timestamp", ""), headers.get("webhook-signature", "")
    )
    kind = headers.get("content-type", "")
    receipt = await services.receiver.receive(webhook_id, signed, kind, body, sender=sender, waits=waits)
    reply = await services.receiver.answer(receipt)
    if reply is not None:
        # What a playbook says is never a page: its kind is JSON or plain text, and a browser takes it for nothing else.
        said = {"Content-Type": reply.content_type, "X-Content-Type-Options": "nosniff"}
        return Response(reply.body.encode("utf-8", "replace"), reply.status, said)
    return JSONResponse({"id": receipt.delivery_id, "duplicate": receipt.duplicate}, 202)


async def _read(request: Request, most: int) -> bytes | None:
    """Return the body, None as soon as it is known to be larger than `most` bytes."""
    said = _said(request)
    if said is not None and said > most:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            return None
    return bytes(body)


def _said(request: Request) -> int | None:
    """Return how large a message is said to be."""
    said = request.headers.get("content-length", "")
    return int(said[:20]) if said.isascii() and said.isdecimal() else None


def _problem(status: int, code: str, detail: str, advice: str, headers: dict[str, str] | None = None) -> JSONResponse:
    document = {"title": HTTPStatus(status).phrase, "status": int(status), "code": code, "detail": detail}
    return JSONResponse({**document, "advice": advice}, status, headers, media_type="application/problem+json")
