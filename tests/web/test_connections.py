import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from ringfence.web.connections import Connection

REQUEST = b"GET / HTTP/1.1\r\nHost: ringfence.test\r\n\r\n"


class Hasty(Connection):
    head_seconds = 0.02


class Patient(Connection):
    head_seconds = 3600.0


@asynccontextmanager
async def connected(
    kind: type[Connection],
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter, asyncio.Event]]:
    """Connect to a server that answers once the event is set."""
    go = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    config = uvicorn.Config(app, lifespan="off", ws="none", log_config=None, timeout_keep_alive=3600)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: kind(config, ServerState(), {}), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        yield reader, writer, go
    finally:
        writer.close()
        server.close()


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: ringf"])
async def test_who_does_not_send_a_whole_head_is_let_go(begun: bytes) -> None:
    async with connected(Hasty) as (reader, writer, _):
        writer.write(begun)
        assert await reader.read() == b""


async def test_an_answer_may_take_longer_than_a_head() -> None:
    async with connected(Hasty) as (reader, writer, go):
        writer.write(REQUEST)
        asyncio.get_running_loop().call_later(3 * Hasty.head_seconds, go.set)
        assert b"200" in await reader.readline()


async def test_the_second_head_on_a_connection_has_to_come_too() -> None:
    async with connected(Hasty) as (reader, writer, go):
        go.set()
        writer.write(REQUEST)
        await reader.readuntil(b"\r\n\r\nok")
        writer.write(b"GET / HT")
        assert await reader.read() == b""


async def test_a_connection_is_used_again() -> None:
    async with connected(Patient) as (reader, writer, go):
        go.set()
        for _ in range(2):
            writer.write(REQUEST)
            assert b"200" in await reader.readuntil(b"\r\n\r\nok")
