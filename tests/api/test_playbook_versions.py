import httpx
import pytest

from playbook_requests import LOOK, OTHER, Send, sending
from ringfence.storage import Database


@pytest.fixture
def send(client: httpx.AsyncClient, embedded: Database) -> Send:
    return sending(client, embedded)


async def test_versions_are_compared_and_brought_back(send: Send) -> None:
    assert (await send("POST", "", {"source": LOOK})).json()["playbook"]["version"] == "1.0"
    assert (await send("POST", "", {"source": OTHER, "major": True})).json()["playbook"]["version"] == "2.0"
    diff = (await send("GET", "/Look/diff?before=1.0&after=2.0")).json()
    assert [each["sentence"] for each in diff["changes"]] == ["Step one: with.values.a was 1, is 2."]
    back = (await send("POST", "/Look/rollback", {"version": "1.0", "note": "It was better."})).json()
    assert back["playbook"]["version"] == "2.1"
    newest, *_ = (await send("GET", "/Look/versions")).json()["items"]
    assert (newest["version"], newest["restores"], newest["note"]) == ("2.1", "1.0", "It was better.")
    assert (await send("GET", "/Look/versions/2.0")).json()["source"] == OTHER
    await send("POST", "/drafts", {"source": LOOK + "steps: ["})
    assert (await send("GET", "/Look/diff?before=1.0&after=9.9")).status_code == 404
