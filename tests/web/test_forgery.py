from datetime import timedelta
from pathlib import Path

import httpx

from contoso import Contoso
from ringfence.security import sessions
from ringfence.settings import Settings
from ringfence.storage import Database
from ringfence.web import create_web
from webfixtures import csrf, open_client, sign_in
from webserver import OPEN, Asked, make_services


async def test_a_form_with_the_sessions_token_is_taken(client: httpx.AsyncClient, embedded: Database) -> None:
    answer = await client.post("/theme", data={"csrf": csrf(client, embedded), "theme": "dark"})
    assert answer.status_code == 303


async def test_a_script_may_send_the_token_as_a_header(client: httpx.AsyncClient, embedded: Database) -> None:
    headers = {"X-CSRF-Token": csrf(client, embedded)}
    assert (await client.post("/theme", data={"theme": "dark"}, headers=headers)).status_code == 303


async def test_a_token_that_is_missing_made_up_or_of_another_session_is_refused(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    other = embedded.run_now(lambda tx: sessions.start(tx, contoso.user_id, timedelta(hours=1)))
    foreign = embedded.read_now(lambda tx: sessions.find(tx, other))
    assert foreign is not None
    for given in ({}, {"csrf": ""}, {"csrf": "0" * 64}, {"csrf": foreign.csrf}):
        assert (await client.post("/theme", data={"theme": "dark"} | given)).status_code == 403, given


async def test_a_change_without_origin_is_refused_with_what_to_do(visitor: httpx.AsyncClient) -> None:
    del visitor.headers["origin"]
    answer = await visitor.post("/sign-in", data={"name": "megan.bowen", "password": "x"})
    assert answer.status_code == 403
    assert "RINGFENCE_PUBLIC_URL" in answer.text


async def test_behind_a_proxy_the_public_address_is_our_own(embedded: Database, contoso: Contoso) -> None:
    settings = Settings(data=Path("unused"), public_url="http://soc.contoso.com:8443/", **OPEN)
    app = create_web(make_services(embedded, Asked(), settings))
    async with open_client(app) as client:
        token = sign_in(client, embedded, contoso.user_id)
        headers = {"Origin": "http://soc.contoso.com:8443"}
        answer = await client.post("/theme", data={"csrf": token, "theme": "light"}, headers=headers)
        assert answer.status_code == 303


async def test_a_file_in_place_of_the_token_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/theme", files={"csrf": ("name", b"content")})
    assert answer.status_code == 403
