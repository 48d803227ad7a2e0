from typing import Any

import httpx
import pytest

from ringfence.responses.kinds import Kind
from ringfence.storage import Database
from webfixtures import csrf


@pytest.fixture
def post(client: httpx.AsyncClient, embedded: Database) -> Any:
    """Give what changes something through the API."""

    async def send(path: str, body: dict[str, Any]) -> httpx.Response:
        headers = {"x-csrf-token": csrf(client, embedded)}
        return await client.post(f"/api/v1/responses{path}", json=body, headers=headers)

    return send


async def test_what_can_be_asked_for_says_how_it_is_taken_back(client: httpx.AsyncClient) -> None:
    kinds = {each["kind"]: each for each in (await client.get("/api/v1/responses/kinds")).json()}
    assert set(kinds) == {kind.value for kind in Kind}
    assert kinds["offboard"]["people"] == 2
    assert "No undo" in kinds["stop_and_quarantine_file"]["undo"]


async def test_a_response_is_asked_for_listed_and_cancelled(client: httpx.AsyncClient, post: Any) -> None:
    account = (await client.get("/api/v1/accounts")).json()["items"][0]["name"]
    body = {"kind": "antivirus_scan", "target": "wks-001", "reason": "Odd", "parameters": {"scan": "Full"}}
    made = await post("", body | {"account": account})
    assert made.status_code == 201
    response = made.json()
    assert (response["state"], response["parameters"], response["over"]) == ("requested", {"scan": "Full"}, False)
    listed = (await client.get("/api/v1/responses?live=true&kind=antivirus_scan")).json()
    assert [each["id"] for each in listed["items"]] == [response["id"]]
    undone = (await post(f"/{response['id']}/undo", {"reason": "A mistake"})).json()
    assert undone["undo_requested_at"] is not None
    assert (await client.get(f"/api/v1/responses/{response['id']}")).json() == undone


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "nothing", "target": "wks-001", "reason": "Odd"},
        {"kind": "offboard", "target": "a b", "reason": "Odd"},
        {"kind": "offboard", "target": "wks-001", "reason": ""},
        {"kind": "offboard", "target": "wks-001", "reason": "Odd", "undo_after": 60},
        {"kind": "indicators", "reason": "Odd"},
    ],
)
async def test_what_cannot_be_asked_for_is_refused_in_one_shape(post: Any, body: dict[str, Any]) -> None:
    answer = await post("", body)
    assert answer.status_code == 400
    assert {"code", "title", "advice"} <= set(answer.json())


async def test_a_change_needs_the_token_and_what_is_not_there_is_not_found(
    client: httpx.AsyncClient, post: Any
) -> None:
    assert (await client.post("/api/v1/responses", json={})).status_code in (400, 403)
    assert (await client.get("/api/v1/responses/nothing")).status_code == 404
    assert (await post("/nothing/undo", {"reason": "x"})).status_code == 404
