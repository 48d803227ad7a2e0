import httpx
from fastapi import FastAPI

from ringfence.errors import Conflict, Invalid
from ringfence.web.designer_answers import JsonRoute


async def test_errors_are_objects_that_say_what_to_do() -> None:
    app = FastAPI()
    app.router.route_class = JsonRoute

    @app.get("/conflict")
    async def conflict() -> None:
        raise Conflict("It was changed.", advice="Look again.")

    @app.get("/invalid")
    async def invalid() -> None:
        raise Invalid("No.", problems=("one", "two"))

    @app.get("/number/{number}")
    async def number(number: int) -> int:
        return number

    transport = httpx.ASGITransport(app)
    client = httpx.AsyncClient(transport=transport, base_url="http://ringfence.test")
    told = await client.get("/conflict")
    assert (told.status_code, told.json()) == (
        409,
        {"code": "conflict", "message": "It was changed.", "advice": "Look again.", "problems": []},
    )
    assert (await client.get("/invalid")).json()["problems"] == ["one", "two"]
    wrong = await client.get("/number/x")
    assert (wrong.status_code, wrong.json()["problems"][0].split(":")[0]) == (400, "number")
    assert (await client.get("/number/3")).json() == 3
