import re

import httpx

from hostile import HOSTILE, dangers
from ringfence.playbooks.starter import starters
from ringfence.storage import Database
from webfixtures import csrf


async def test_every_starter_is_listed_and_can_be_looked_at(client: httpx.AsyncClient) -> None:
    page = (await client.get("/starters")).text
    for name, starter in starters().items():
        assert f'href="/starters/{name}"' in page
        one = await client.get(f"/starters/{name}")
        assert one.status_code == 200
        assert starter.title in one.text
    assert (await client.get("/starters/nothing")).status_code == 404
    assert 'href="/starters"' in (await client.get("/playbooks")).text


async def test_a_draft_is_made_of_a_starter_with_the_names_given(client: httpx.AsyncClient, embedded: Database) -> None:
    token = {"csrf": csrf(client, embedded)}
    made = await client.post("/starters/enrich-and-comment", data=token | {"called": "Ours", "account": "contoso"})
    assert made.status_code == 303
    assert re.fullmatch(r"/playbooks/[0-9a-f-]{36}/draft", made.headers["location"])
    assert "Ours" in (await client.get(made.headers["location"])).text
    again = await client.post("/starters/enrich-and-comment", data=token | {"called": "Ours", "account": "contoso"})
    assert again.status_code == 412
    assert 'value="Ours"' in again.text
    told = await client.post("/starters/nightly-orphan-report", data=token | {"called": "Lost", "channel": "night"})
    assert told.status_code == 303
    page = (await client.get(told.headers["location"])).text
    assert "to: &#34;night&#34;" in page


async def test_hostile_names_are_text(client: httpx.AsyncClient, embedded: Database) -> None:
    token = {"csrf": csrf(client, embedded)}
    for text in HOSTILE:
        answer = await client.post(
            "/starters/alert-to-jmespath", data=token | {"called": text[:200], "account": text[:200]}
        )
        assert answer.status_code < 500
        assert dangers(answer.text) == []


async def test_without_the_token_and_without_a_session_nothing_is_made(
    client: httpx.AsyncClient, visitor: httpx.AsyncClient
) -> None:
    assert (await visitor.get("/starters")).status_code == 303
    assert (await client.post("/starters/alert-to-jmespath", data={"called": "x"})).status_code == 403
