import httpx
from fastapi import FastAPI

from ringfence.api import problems
from ringfence.errors import Invalid
from ringfence.storage import Database
from webfixtures import csrf


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
        "errors": [],
    }


async def test_input_that_cannot_be_used_is_named(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/alerts?limit=0")
    assert answer.status_code == 400
    assert answer.json()["problems"] == ["limit: Input should be greater than or equal to 1"]
    assert answer.json()["errors"] == [{"detail": "Input should be greater than or equal to 1", "parameter": "limit"}]


async def test_what_is_wrong_in_a_body_is_pointed_to(client: httpx.AsyncClient, embedded: Database) -> None:
    headers = {"X-CSRF-Token": csrf(client, embedded)}
    body = {"items": [{"value": "a", "data": {}, "more/or~less": 1}]}
    answer = await client.post("/api/v1/tables/none/entries", json=body, headers=headers)
    assert answer.status_code == 400
    assert [each["pointer"] for each in answer.json()["errors"]] == ["#/items/0/more~1or~0less"]
    broken = headers | {"Content-Type": "application/json"}
    answer = await client.post("/api/v1/tables/none/entries", content=b"{", headers=broken)
    assert [each["pointer"] for each in answer.json()["errors"]] == ["#"]


async def test_a_body_that_does_not_say_that_it_is_json_is_not_read(
    client: httpx.AsyncClient, embedded: Database
) -> None:
    headers = {"X-CSRF-Token": csrf(client, embedded), "Content-Type": "text/plain"}
    answer = await client.post("/api/v1/tables", content=b"{}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert answer.headers["accept-post"] == "application/json"
    missing = await client.post("/api/v1/tables", headers={"X-CSRF-Token": headers["X-CSRF-Token"]})
    assert missing.status_code == 400


async def test_an_address_or_method_that_there_is_not_is_a_problem_document_too(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/nothing")).json()["code"] == "not_found"
    answer = await client.delete("/api/v1/alerts")
    assert answer.status_code == 405
    assert answer.json()["code"] == "method_not_allowed"
    assert answer.headers["allow"] == "GET"


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
