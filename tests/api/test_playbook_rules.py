import httpx
import pytest

from playbook_requests import LOOK, Send, sending
from ringfence.storage import Database


@pytest.fixture
def send(client: httpx.AsyncClient, embedded: Database) -> Send:
    return sending(client, embedded)


async def test_rules_are_changed_by_who_has_seen_them(send: Send) -> None:
    assert (await send("GET", "/rules")).json()["version"] == 0
    assert (await send("PUT", "/rules", {"second_person": True}, seen=3)).status_code == 412
    assert (await send("PUT", "/rules", {"second_person": True}, seen=0)).json()["version"] == 1
    asked = (await send("POST", "", {"source": LOOK})).json()
    assert (asked["playbook"], asked["changed"]) == (None, False)
    assert asked["question"]
