"""In a burst whoever acts is served before the work of runs that came earlier, and whoever looks before long."""

import threading
from functools import partial

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ringfence.storage import turns
from ringfence.storage.turns import Turns
from ringfence.web.haste import Haste


async def test_who_acts_goes_before_runs_who_looks_soon_and_a_message_to_a_webhook_with_the_runs_it_may_start() -> None:
    time, done, free, begun = [0.0], list[str](), threading.Event(), threading.Event()
    database = Turns(1, "tests", now=lambda: time[0])

    def busy() -> None:
        begun.set()
        free.wait(90)

    def work(name: str) -> None:
        database.submit(partial(done.append, name))

    async def answer(request: Request) -> Response:
        work(f"{request.method} {request.url.path}")
        return Response()

    app = Haste(Starlette(routes=[Route("/{rest:path}", answer, methods=["GET", "POST", "PATCH"])]))
    database.submit(busy)
    assert begun.wait(90)
    work("a comment")
    with turns.patience(turns.SOON):
        work("a run that may contain")
    time[0] = 0.5
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://contoso.com") as client:
        await client.post("/hooks/tickets")
        await client.get("/approvals")
        await client.post("/policy/stop")
        await client.patch("/api/v1/channels/soc")
    with turns.patience(turns.URGENT):
        work("a host")
    free.set()
    database.close()
    assert done == [
        "POST /policy/stop",
        "PATCH /api/v1/channels/soc",
        "a host",
        "a run that may contain",
        "POST /hooks/tickets",
        "GET /approvals",
        "a comment",
    ]
