import httpx
import pytest

from playbook_requests import LOOK, OTHER, Send, sending
from ringfence.storage import Database


@pytest.fixture
def send(client: httpx.AsyncClient, embedded: Database) -> Send:
    return sending(client, embedded)


async def test_a_playbook_is_paused_activated_retired_and_its_draft_discarded(send: Send) -> None:
    await send("POST", "", {"source": LOOK})
    for verb, state in (("pause", "paused"), ("activate", "active"), ("retire", "retired")):
        assert (await send("POST", f"/Look/{verb}")).json()["state"] == state
    await send("POST", "/drafts", {"source": OTHER})
    assert (await send("DELETE", "/Look/draft", seen=1)).json()["open"] is True
    assert (await send("GET", "/drafts")).json()["items"] == []


async def test_nothing_is_changed_without_the_sessions_token(client: httpx.AsyncClient) -> None:
    for path in ("", "/drafts", "/Look/retire"):
        assert (await client.post(f"/api/v1/playbooks{path}", json={"source": LOOK})).status_code == 403
