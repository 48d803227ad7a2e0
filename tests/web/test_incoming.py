import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ringfence.web.incoming import Incoming
from ringfence.web.rendering import Pages


async def _length(request: Request) -> Response:
    try:
        return PlainTextResponse(str(len(await request.body())))
    except Exception:
        return PlainTextResponse("taken for an error of the route")


def client(*, seconds: float = 60.0) -> httpx.AsyncClient:
    paths = ("/page", "/api/v1/x", "/hooks/x")
    app = Starlette(routes=[Route(path, _length, methods=["POST"]) for path in paths])
    guarded = Incoming(app, Pages(), largest=10, seconds=seconds)
    return httpx.AsyncClient(transport=httpx.ASGITransport(guarded), base_url="http://ringfence.test")


async def _pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def test_a_body_that_is_small_enough_is_taken_however_it_comes() -> None:
    async with client() as asked:
        assert (await asked.post("/page", content=b"0123456789")).text == "10"
        assert (await asked.post("/page", content=_pieces(b"01234", b"56789"))).text == "10"


async def test_a_body_that_is_too_large_is_refused_said_or_not() -> None:
    async with client() as asked:
        for content in (b"0123456789x", _pieces(b"01234", b"56789", b"x")):
            answer = await asked.post("/page", content=content)
            assert answer.status_code == 413
            assert answer.headers["connection"] == "close"
            assert "At most 10 bytes" in answer.text


async def test_programs_are_refused_with_a_problem_said_or_not() -> None:
    async with client() as asked:
        assert (await asked.post("/api/v1/x", content=b"0123456789")).text == "10"
        for content in (b"0123456789x", _pieces(b"01234", b"56789", b"x")):
            answer = await asked.post("/api/v1/x", content=content)
            assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
            assert answer.headers["content-type"] == "application/problem+json"


async def test_the_hooks_count_by_their_own_measure() -> None:
    async with client() as asked:
        assert (await asked.post("/hooks/x", content=b"0123456789x")).text == "11"


@pytest.mark.parametrize("path", ["/page", "/api/v1/x"])
async def test_a_body_that_does_not_come_to_its_end_is_given_up(path: str) -> None:
    never = asyncio.Event()

    async def dripping() -> AsyncIterator[bytes]:
        yield b"1"
        await never.wait()

    async with client(seconds=0.01) as asked:
        answer = await asked.post(path, content=dripping())
    assert answer.status_code == 408
    assert "Send it again" in answer.text
