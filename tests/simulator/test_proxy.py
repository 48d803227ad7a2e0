import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.simulator import proxy
from ringfence.simulator.server import listen


@pytest.fixture
async def far() -> AsyncIterator[int]:
    """A server that sends back what it is sent; its port."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1_000):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


@pytest.fixture
async def port(far: int) -> AsyncIterator[int]:
    """The proxy's port."""
    listener = listen("127.0.0.1", 0)
    tunnels, server = await proxy.start("127.0.0.1", far, listener)
    yield listener.getsockname()[1]
    server.close()
    await tunnels.close()
    await server.wait_closed()


async def _ask(port: int, request: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    return reader, writer


async def test_a_tunnel_carries_both_directions_to_their_end(port: int) -> None:
    request = b"CONNECT graph.microsoft.com:443 HTTP/1.1\r\nHost: graph.microsoft.com\r\n\r\n"
    reader, writer = await _ask(port, request)
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 200 Connection established\r\n\r\n"
    writer.write(b"hello")
    writer.write_eof()
    assert await reader.read() == b"hello"
    writer.close()


@pytest.mark.parametrize(
    ("line", "status", "text"),
    [
        (b"CONNECT contoso.com:443 HTTP/1.1", b"403", b"does not know contoso.com:443"),
        (b"CONNECT graph.microsoft.com:80 HTTP/1.1", b"403", b"on port 443"),
        (b"GET http://graph.microsoft.com/ HTTP/1.1", b"403", b"only opens tunnels"),
        (b"nonsense", b"400", b"no HTTP/1.1 request"),
    ],
)
async def test_everything_else_is_refused_with_a_reason(port: int, line: bytes, status: bytes, text: bytes) -> None:
    reader, writer = await _ask(port, line + b"\r\n\r\n")
    reply = await reader.read()
    assert reply.startswith(b"HTTP/1.1 " + status)
    assert text in reply
    writer.close()


async def test_a_head_without_end_is_refused(port: int) -> None:
    reader, writer = await _ask(port, b"CONNECT " + b"x" * 40_000)
    assert (await reader.read()).startswith(b"HTTP/1.1 431")
    writer.close()


async def test_a_client_that_leaves_before_asking_leaves_nothing_behind(port: int) -> None:
    reader, writer = await _ask(port, b"CONNECT gra")
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()


@given(st.binary(max_size=200))
def test_any_head_is_accepted_or_refused_in_words(head: bytes) -> None:
    refusal = proxy.refuse(head)
    assert refusal is None or refusal[0][:3] in ("400", "403")
