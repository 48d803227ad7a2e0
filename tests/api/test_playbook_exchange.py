import json

import httpx
import pytest

from cacao_samples import action, cacao, command, ident, text
from ringfence.playbooks.cacao.reading import MAX_BYTES, read
from ringfence.storage import Database
from webfixtures import csrf


@pytest.fixture(autouse=True)
def _may_write(client: httpx.AsyncClient, embedded: Database) -> None:
    client.headers["X-CSRF-Token"] = csrf(client, embedded)


async def test_a_published_playbook_is_given_as_cacao_and_taken_back_whole(client: httpx.AsyncClient) -> None:
    (first, *_) = (await client.get("/api/v1/playbooks")).json()["items"]
    answer = await client.get(f"/api/v1/playbooks/{first['id']}/cacao", params={"marking": "TLP:RED"})
    assert answer.status_code == 200
    given = answer.json()
    assert read(json.dumps(given["document"])).playbook.name == first["name"]
    assert {each["place"] for each in given["left_out"]} >= {"trigger"}
    taken = (await client.post("/api/v1/playbooks/cacao", json=given["document"])).json()
    source = (await client.get(f"/api/v1/playbooks/{first['id']}")).json()["source"]
    assert (taken["source"], taken["whole"]) == (source, True)


async def test_what_is_foreign_asks_people_and_what_is_broken_is_told_with_its_place(client: httpx.AsyncClient) -> None:
    foreign = text(cacao({ident("action", 11): action("Wipe", command("rm", "bash"))}))
    taken = (await client.post("/api/v1/playbooks/cacao", content=foreign)).json()
    assert (taken["by_hand"], taken["carried_out"]) == (["Wipe"], {})
    refused = await client.post("/api/v1/playbooks/cacao", content=text(cacao(name=3)))
    assert (refused.status_code, refused.json()["problems"]) == (400, ["/name: should be a text."])
    for body in (b"\xff\xfe", b"x" * (MAX_BYTES + 1), b"", b"["):
        answer = await client.post("/api/v1/playbooks/cacao", content=body)
        assert answer.status_code == (413 if len(body) > MAX_BYTES else 400)


async def test_starters_are_listed_and_given_with_the_names_asked_for(client: httpx.AsyncClient) -> None:
    found = (await client.get("/api/v1/starters")).json()["items"]
    assert "enrich-and-comment" in {each["name"] for each in found}
    asked = {"called": "Ours", "account": "fabrikam"}
    one = (await client.get("/api/v1/starters/enrich-and-comment", params=asked)).json()
    assert 'name: "Ours"' in one["source"]
    assert 'account: "fabrikam"' in one["source"]
    assert (await client.get("/api/v1/starters/nothing")).status_code == 404


async def test_a_visitor_gets_nothing(visitor: httpx.AsyncClient) -> None:
    assert (await visitor.get("/api/v1/starters")).status_code == 401
    assert (await visitor.post("/api/v1/playbooks/cacao", content="{}")).status_code == 401
