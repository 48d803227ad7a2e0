"""One request out, one whole reply in: bounded in time and size, and every transport failure named as ours.

httpx's own exceptions hold the request with its Authorization header, so none of them is kept as a cause.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

import httpx

from ringfence.defender.errors import (
    DefenderError,
    MalformedReply,
    ReplyLost,
    Timeout,
    TransportError,
    Unreachable,
)

LARGEST_REPLY: Final = 64 * 1024 * 1024


@dataclass(frozen=True)
class Reply:
    """A whole reply."""

    status: int
    headers: httpx.Headers
    body: bytes


async def exchange(
    http: httpx.AsyncClient,
    request: httpx.Request,
    *,
    label: str,
    effect: bool,
    seconds: float,
    largest: int = LARGEST_REPLY,
) -> Reply:
    """Send a request and read its whole reply within `seconds` and `largest` bytes.

    Raises Unreachable when it was never sent; ReplyLost when it was and has an effect; else Timeout, TransportError or
    MalformedReply. Any status is a reply, not an error. `label` names the request in errors.
    """
    try:
        async with asyncio.timeout(seconds):
            response = await http.send(request, stream=True)
            try:
                return Reply(response.status_code, response.headers, await read(response, largest, label))
            finally:
                await response.aclose()
    except Exception as fault:
        error = failure(fault, label)
    # Raised outside the handlers, so that the httpx exception does not hang on as the context.
    raise lost(error) if effect and not error.permanent and not isinstance(error, Unreachable) else error


def failure(fault: Exception, label: str) -> DefenderError:
    """Name what went wrong with a request as ours; raises again what is no failure of a request."""
    match fault:
        case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.PoolTimeout() | httpx.ProxyError():
            return Unreachable(f"No connection ({_name(fault)}).", request=label)
        case httpx.UnsupportedProtocol() | httpx.LocalProtocolError() | httpx.InvalidURL():
            error = TransportError(f"The request could not be formed ({_name(fault)}).", request=label)
            error.permanent = True
            return error
        case httpx.TimeoutException() | TimeoutError():
            return Timeout(f"No whole reply in time ({_name(fault)}).", request=label)
        case httpx.DecodingError():
            return MalformedReply("The reply's content encoding is broken.", request=label)
        case httpx.HTTPError() | httpx.StreamError():
            return TransportError(f"The connection broke ({_name(fault)}).", request=label)
        case DefenderError():
            return fault
        case _:
            raise fault


def lost(error: DefenderError) -> ReplyLost:
    """Restate a failure as an unknown outcome."""
    code = "" if error.code == type(error).__name__ else error.code
    return ReplyLost(error.message, code=code, status=error.status, target=error.target, request=error.request)


def _name(fault: BaseException) -> str:
    return type(fault).__name__


async def read(response: httpx.Response, largest: int, label: str) -> bytes:
    """Return the body of a reply, or raise MalformedReply if it is larger than `largest` bytes."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > largest:
            raise MalformedReply(
                f"The reply is larger than {largest} bytes.",
                status=response.status_code,
                request=label,
                advice="Ask for less at once: a smaller page, or a narrower filter.",
            )
        chunks.append(chunk)
    return b"".join(chunks)
