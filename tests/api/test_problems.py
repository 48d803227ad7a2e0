import httpx
from fastapi import FastAPI

from ringfence.api import problems
from ringfence.errors import Invalid


async def test_an_error_is_a_problem_document(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/containments/none")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "code": "not_found",
        "detail": "There is no such containment.",
        "advice": "Look for it on the containment board.",
        "problems": [],
    }


async def test_input_that_cannot_be_used_is_named(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/alerts?limit=0")
    assert answer.status_code == 400
    assert answer.json()["problems"] == ["limit: Input should be greater than or equal to 1"]


async def test_an_address_or_method_that_there_is_not_is_a_problem_document_too(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/nothing")).json()["code"] == "not_found"
    answer = await client.delete("/api/v1/alerts")
    assert answer.status_code == 405
    assert answer.json()["code"] == "method_not_allowed"


async def test_nothing_internal_is_told() -> None:
    app = FastAPI()
    problems.install(app)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("secret detail")

    @app.get("/invalid")
    async def invalid() -> None:
        raise Invalid("That is wrong.", problems=("here", "there"))

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://ringfence.test") as client:
        answer = await client.get("/broken")
        assert answer.status_code == 500
        assert answer.json()["code"] == "internal"
        assert len(answer.json()["reference"]) == 36
        assert "secret" not in answer.text
        assert (await client.get("/invalid")).json()["problems"] == ["here", "there"]
