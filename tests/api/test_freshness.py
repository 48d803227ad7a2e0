"""ETags of what is read."""

import httpx
from starlette.types import Message, Receive, Scope, Send

from ringfence.api.freshness import Freshness, has


async def test_what_is_known_already_is_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await client.get("/api/v1/alerts?limit=2")
    etag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    again = await client.get("/api/v1/alerts?limit=2", headers={"If-None-Match": f'"other", {etag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    changed = await client.get("/api/v1/alerts?limit=3", headers={"If-None-Match": etag})
    assert changed.status_code == 200


async def test_a_documents_own_etag_stays(client: httpx.AsyncClient) -> None:
    first = await client.get("/api/v1/policy/layers/organization")
    assert first.headers["etag"] == '"0"'
    again = await client.get("/api/v1/policy/layers/organization", headers={"If-None-Match": 'W/"0"'})
    assert again.status_code == 304


async def test_problems_and_files_have_none(client: httpx.AsyncClient) -> None:
    assert "etag" not in (await client.get("/api/v1/alerts/none")).headers
    assert not has('"1", "2"', '"3"')
    assert has("*", '"3"')


async def test_what_is_very_large_passes_as_it_is() -> None:
    piece = b"x" * (3 * 1_048_576)

    async def large(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for more in (True, True, False):
            await send({"type": "http.response.body", "body": piece, "more_body": more})

    said: list[Message] = []

    async def send(message: Message) -> None:
        said.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    await Freshness(large)({"type": "http", "method": "GET", "headers": []}, receive, send)
    assert sum(len(each.get("body", b"")) for each in said) == 3 * len(piece)
    assert b"etag" not in dict(said[0]["headers"])
