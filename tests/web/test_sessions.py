from datetime import timedelta

import httpx

from contoso import Contoso
from ringfence import clock
from ringfence.security import sessions, sign_in_rules
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


async def test_who_comes_to_need_an_app_while_signed_in_is_asked_for_it(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    embedded.run_now(lambda tx: sign_in_rules.change(tx, contoso.organization_id, "responders"))
    assert (await client.get("/accounts")).headers["location"].startswith("/sign-in?")
    assert (await client.get("/api/v1/alerts")).status_code == 401
    # A provider asks for it in its own way.
    own = embedded.run_now(lambda tx: sessions.start(tx, contoso.user_id, timedelta(hours=1), provider_id="entra"))
    client.cookies.set("ringfence", own, domain="ringfence.test")
    assert (await client.get("/accounts")).status_code == 200
