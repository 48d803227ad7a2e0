"""Files by the addresses that the service gives: no token is sent there, and nothing is held but the piece at hand."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Final
from urllib.parse import urlsplit

import httpx

from ringfence.defender.clouds import is_loopback
from ringfence.defender.errors import DefenderError, MalformedReply
from ringfence.defender.exchange import failure, read
from ringfence.defender.replies import refusal
from ringfence.defender.retry import RetryPolicy, with_retries

LONGEST_DOWNLOAD: Final = 600.0
"""Seconds for a whole file."""
_LARGEST_REFUSAL: Final = 256 * 1024


def within(host: str, domains: tuple[str, ...]) -> bool:
    """Say whether a host is one of the domains or below one."""
    host = host.lower().rstrip(".")
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


def check(address: str, domains: tuple[str, ...]) -> str:
    """Return what to call the download in errors: no query, which is the key to it. Raises MalformedReply.

    Plain http is for a simulator on this computer, and this computer is for a simulator's own address.
    """
    parts = urlsplit(address)
    host = parts.hostname or ""
    label = f"GET {parts.netloc.rpartition('@')[2]}{parts.path}"
    if not within(host, domains) or (parts.scheme != "https" and not is_loopback(host)):
        raise MalformedReply(
            f"The address of the download is at {host[:100]}, which is none of the cloud's hosts for files.",
            request=label,
            advice="Fetch the file in Defender's portal, and report the host if it is Microsoft's.",
        )
    return label


async def download(
    http: httpx.AsyncClient,
    address: str,
    *,
    label: str,
    retry: RetryPolicy,
    largest: int,
    seconds: float = LONGEST_DOWNLOAD,
    time: Callable[[], float] | None = None,
) -> AsyncGenerator[bytes, None]:
    """Yield a file piece by piece: at most `largest` bytes, within `seconds` (measured by `time`, else the event loop's).

    The request is repeated until a reply begins; a reply that breaks off is not, because pieces of it are out already.
    """
    now = time or asyncio.get_running_loop().time
    ends = now() + seconds
    response = await with_retries(lambda _: _open(http, address, label, ends - now()), retry, effect=False)
    size = 0
    try:
        parts = response.aiter_bytes()
        while True:
            error: DefenderError | None = None
            part: bytes | None = None
            try:
                async with asyncio.timeout(max(ends - now(), 0.0)):
                    part = await anext(parts, None)
            except Exception as fault:
                error = failure(fault, label)
            # Raised outside the handler, so that the httpx exception does not hang on as the context.
            if error is not None:
                raise error
            if part is None:
                return
            size += len(part)
            if size > largest:
                raise MalformedReply(
                    f"The file is larger than {largest} bytes.",
                    status=response.status_code,
                    request=label,
                    advice="Fetch it in Defender's portal, or allow larger files.",
                )
            yield part
    finally:
        await response.aclose()


async def _open(http: httpx.AsyncClient, address: str, label: str, seconds: float) -> httpx.Response:
    try:
        request = http.build_request("GET", address, headers={"Accept": "*/*"})
        async with asyncio.timeout(max(seconds, 0.0)):
            response = await http.send(request, stream=True)
            if response.status_code == 200:
                return response
            try:
                body = await read(response, _LARGEST_REFUSAL, label)
            finally:
                await response.aclose()
        error = refusal(response.status_code, response.headers, body, request=label)
    except Exception as fault:
        error = failure(fault, label)
    raise error
