from datetime import timedelta

import httpx

from contoso import Contoso
from ringfence import clock
from ringfence.security import sessions
from ringfence.storage import Database


async def test_a_page_knows_who_is_there(client: httpx.AsyncClient) -> None:
    assert "megan.bowen" in (await client.get("/accounts")).text


async def test_an_unknown_session_is_nobody(visitor: httpx.AsyncClient) -> None:
    visitor.cookies.set("ringfence", "made-up")
    assert (await visitor.get("/accounts")).status_code == 303


async def test_an_expired_session_is_nobody(client: httpx.AsyncClient) -> None:
    later = clock.timestamp() + 3601
    clock.replace(lambda: later)
    assert (await client.get("/accounts")).status_code == 303


async def test_a_session_that_was_ended_elsewhere_is_nobody(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    embedded.run_now(lambda tx: sessions.start(tx, contoso.user_id, timedelta(hours=1)))
    token = client.cookies["ringfence"]
    embedded.run_now(lambda tx: sessions.end(tx, token))
    assert (await client.get("/accounts")).status_code == 303
