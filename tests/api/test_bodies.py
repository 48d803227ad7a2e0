"""How much may be sent at once."""

from collections.abc import AsyncIterator

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ringfence.api.bodies import Bodies


async def _length(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def test_more_than_is_taken_is_refused_whether_its_length_is_said_or_not() -> None:
    app = Bodies(Starlette(routes=[Route("/", _length, methods=["POST"])]), largest=10)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"12345"

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ringfence.test") as client:
        assert (await client.post("/", content=b"1234567890")).text == "10"
        for body in (b"12345678901", pieces()):
            answer = await client.post("/", content=body)
            assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
            assert answer.headers["content-type"] == "application/problem+json"
