import httpx
import pytest

from playbook_requests import LOOK, OTHER, Send, sending
from ringfence.storage import Database


@pytest.fixture
def send(client: httpx.AsyncClient, embedded: Database) -> Send:
    return sending(client, embedded)


async def test_a_draft_is_begun_rewritten_by_its_etag_and_published(send: Send) -> None:
    begun = await send("POST", "/drafts", {"source": LOOK.replace("logic.set", "logic.st")})
    assert (begun.status_code, begun.headers["ETag"]) == (201, '"1"')
    assert [each["code"] for each in begun.json()["problems"]] == ["unknown-action"]
    assert (await send("POST", "/drafts", {"source": LOOK})).status_code == 412
    assert (await send("PUT", "/Look/draft", {"source": LOOK})).json()["code"] == "precondition_required"
    assert (await send("PUT", "/Look/draft", {"source": LOOK}, seen=1)).headers["ETag"] == '"2"'
    late = await send("PUT", "/Look/draft", {"source": OTHER}, seen=1)
    assert (late.status_code, late.json()["code"]) == (412, "outdated")
    assert (await send("GET", "/Look/draft")).json()["source"] == LOOK
    assert [each["revision"] for each in (await send("GET", "/drafts")).json()["items"]] == [2]
    assert "logic.st," in (await send("GET", "/Look/draft/history/1")).json()["source"]
    made = await send("POST", "/Look/draft/publish", {"note": "First."}, seen=2)
    assert (made.status_code, made.json()["playbook"]["version"]) == (201, "1.0")
    assert (await send("GET", "/Look/draft")).status_code == 404
    assert [each["open"] for each in (await send("GET", "/Look/draft/history")).json()["items"]] == [False, False]


async def test_what_is_wrong_is_said_without_saving_anything(send: Send) -> None:
    found = (await send("POST", "/check", {"source": LOOK.replace("logic.set", "logic.st")})).json()
    assert (found["publishable"], found["problems"][0]["line"]) == (False, 5)
    refused = await send("POST", "", {"source": "a: &x 1"})
    assert (refused.status_code, refused.json()["problems"][0][:13]) == (400, "playbook:1:4 ")
    assert (await send("POST", "/drafts", {"source": "nothing"})).status_code == 400
