import asyncio
import traceback
from collections.abc import AsyncIterator

import httpx
import pytest

from ringfence.defender.errors import (
    DefenderError,
    MalformedReply,
    ReplyLost,
    Timeout,
    TransportError,
    Unreachable,
)
from ringfence.defender.exchange import exchange


async def run(
    handler: httpx.MockTransport, *, effect: bool = False, largest: int = 1000, seconds: float = 30.0
) -> bytes:
    async with httpx.AsyncClient(transport=handler) as http:
        request = http.build_request("POST", "https://api.contoso.com/x", headers={"Authorization": "Bearer tok3n"})
        reply = await exchange(http, request, label="POST /x", effect=effect, seconds=seconds, largest=largest)
        return reply.body


def raising(error: Exception) -> httpx.MockTransport:
    def handle(request: httpx.Request) -> httpx.Response:
        if isinstance(error, httpx.RequestError):
            error.request = request
        raise error

    return httpx.MockTransport(handle)


SENT = [
    (httpx.ReadTimeout("x"), Timeout),
    (httpx.WriteTimeout("x"), Timeout),
    (httpx.ReadError("x"), TransportError),
    (httpx.WriteError("x"), TransportError),
    (httpx.RemoteProtocolError("x"), TransportError),
    (httpx.DecodingError("x"), MalformedReply),
]
NEVER_SENT = [httpx.ConnectError("x"), httpx.ConnectTimeout("x"), httpx.PoolTimeout("x"), httpx.ProxyError("x")]


@pytest.mark.parametrize(
    ("fault", "expected"), SENT, ids=lambda value: getattr(value, "__name__", type(value).__name__)
)
async def test_a_request_that_was_sent_is_lost_if_it_has_an_effect(
    fault: Exception, expected: type[DefenderError]
) -> None:
    with pytest.raises(expected) as raised:
        await run(raising(fault))
    assert type(raised.value) is expected
    assert not raised.value.permanent
    with pytest.raises(ReplyLost) as lost:
        await run(raising(fault), effect=True)
    assert lost.value.request == "POST /x"
    assert lost.value.code == "ReplyLost"


@pytest.mark.parametrize("fault", NEVER_SENT, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("effect", [False, True])
async def test_a_request_that_was_never_sent_is_not_lost(fault: Exception, effect: bool) -> None:
    with pytest.raises(Unreachable):
        await run(raising(fault), effect=effect)


async def test_a_request_that_cannot_be_formed_is_permanent() -> None:
    with pytest.raises(TransportError) as raised:
        await run(raising(httpx.UnsupportedProtocol("x")), effect=True)
    assert raised.value.permanent


async def test_no_error_keeps_the_request_with_its_token() -> None:
    with pytest.raises(Timeout) as raised:
        await run(raising(httpx.ReadTimeout("x")))
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
    assert "tok3n" not in "".join(traceback.format_exception(raised.value))


async def test_a_reply_that_never_ends_is_cut_by_time() -> None:
    class Drip(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                yield b""
                await asyncio.sleep(0)

    with pytest.raises(Timeout):
        await run(httpx.MockTransport(lambda _: httpx.Response(200, stream=Drip())), seconds=0.01)


async def test_a_reply_that_is_too_large_is_cut_by_size() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=b"x" * 1001))
    with pytest.raises(MalformedReply, match="Ask for less") as raised:
        await run(transport)
    assert raised.value.status == 200
    with pytest.raises(ReplyLost):
        await run(transport, effect=True)
    assert await run(transport, largest=1001) == b"x" * 1001


async def test_any_status_is_a_reply() -> None:
    assert await run(httpx.MockTransport(lambda _: httpx.Response(503, content=b"busy"))) == b"busy"
