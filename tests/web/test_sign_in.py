from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from fastapi import FastAPI

from contoso import Contoso
from ringfence import clock
from ringfence.security import links, passwords, sessions
from ringfence.storage import Database
from ringfence.storage.tables import sessions as sessions_table
from ringfence.web import Services, create_web
from webfixtures import csrf, open_client

_WRONG = "The name or the password is wrong."


@pytest.fixture
def app(services: Services) -> FastAPI:
    """Give pages that remember no attempt of another test."""
    return create_web(services)


@pytest.fixture
def password(embedded: Database, contoso: Contoso) -> str:
    stored = passwords.Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)).hash(
        "correct horse battery"
    )
    embedded.run_now(lambda tx: passwords.store(tx, contoso.user_id, stored))
    return "correct horse battery"


def link(embedded: Database, contoso: Contoso) -> str:
    return embedded.run_now(lambda tx: links.create(tx, contoso.user_id, timedelta(minutes=5)))


async def test_the_page_says_how_to_get_a_link(visitor: httpx.AsyncClient) -> None:
    page = await visitor.get("/sign-in")
    assert page.status_code == 200
    assert "ringfence sign-in-link" in page.text
    assert "no default password" in page.text


async def test_looking_at_a_link_does_not_use_it_up(
    visitor: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    token = link(embedded, contoso)
    for _ in range(2):
        page = await visitor.get("/sign-in/link", params={"token": token})
        assert page.status_code == 200
        assert "Welcome, megan.bowen" in page.text
    answer = await visitor.post("/sign-in/link", data={"token": token})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    assert (await visitor.get("/accounts")).status_code == 200
    again = await visitor.post("/sign-in/link", data={"token": token, "csrf": csrf(visitor, embedded)})
    assert again.status_code == 401
    assert "used already" in again.text


@pytest.mark.parametrize("token", ["", "made-up"])
async def test_a_link_that_is_none_says_what_to_do(visitor: httpx.AsyncClient, token: str) -> None:
    for answer in (
        await visitor.get("/sign-in/link", params={"token": token}),
        await visitor.post("/sign-in/link", data={"token": token}),
    ):
        assert answer.status_code == 401
        assert "ringfence sign-in-link" in answer.text


async def test_a_password_signs_in_and_leads_on(visitor: httpx.AsyncClient, password: str) -> None:
    form = {"name": "megan.bowen", "password": password, "next": "/alerts?q=x"}
    answer = await visitor.post("/sign-in", data=form)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/alerts?q=x"
    assert (await visitor.get("/sign-in")).headers["location"] == "/"


async def test_a_crafted_address_does_not_lead_elsewhere(visitor: httpx.AsyncClient, password: str) -> None:
    form = {"name": "megan.bowen", "password": password, "next": "https://evil.test"}
    assert (await visitor.post("/sign-in", data=form)).headers["location"] == "/"


async def test_a_wrong_name_and_a_wrong_password_look_the_same(visitor: httpx.AsyncClient, password: str) -> None:
    for form in ({"name": "megan.bowen", "password": "wrong"}, {"name": "nobody", "password": password}, {}):
        answer = await visitor.post("/sign-in", data=form)
        assert answer.status_code == 401
        assert _WRONG in answer.text
        assert "ringfence" not in visitor.cookies


async def test_guessing_is_slowed_down(visitor: httpx.AsyncClient, password: str) -> None:
    start = clock.timestamp()
    clock.replace(lambda: start)
    for _ in range(5):
        assert _WRONG in (await visitor.post("/sign-in", data={"name": "megan.bowen", "password": "wrong"})).text
    answer = await visitor.post("/sign-in", data={"name": "megan.bowen", "password": password})
    assert answer.status_code == 429
    assert "too many failed attempts" in answer.text
    clock.replace(lambda: start + 1.1)
    assert (await visitor.post("/sign-in", data={"name": "megan.bowen", "password": password})).status_code == 303


async def test_a_browser_from_which_somebody_signed_in_is_not_locked_out_by_strangers(
    app: FastAPI, visitor: httpx.AsyncClient, password: str
) -> None:
    now = clock.timestamp()
    clock.replace(lambda: now)
    form = {"name": "megan.bowen", "password": password}
    assert (await visitor.post("/sign-in", data=form)).status_code == 303
    visitor.cookies.delete("ringfence")
    async with open_client(app) as stranger:
        for _ in range(5):
            await stranger.post("/sign-in", data=form | {"password": "wrong"})
        assert (await stranger.post("/sign-in", data=form)).status_code == 429
    assert (await visitor.post("/sign-in", data=form)).status_code == 303


async def test_signing_in_anew_ends_the_session_that_the_browser_had(
    client: httpx.AsyncClient, embedded: Database, password: str
) -> None:
    before = client.cookies["ringfence"]
    form = {"name": "megan.bowen", "password": password, "csrf": csrf(client, embedded)}
    assert (await client.post("/sign-in", data=form)).status_code == 303
    assert client.cookies["ringfence"] != before
    assert embedded.read_now(lambda tx: sessions.find(tx, before)) is None


async def test_by_https_cookies_are_of_this_host_alone(app: FastAPI, password: str) -> None:
    transport = httpx.ASGITransport(app)
    origin = "https://ringfence.test"
    async with httpx.AsyncClient(transport=transport, base_url=origin, headers={"Origin": origin}) as browser:
        answer = await browser.post("/sign-in", data={"name": "megan.bowen", "password": password})
    given = answer.headers.get_list("set-cookie")
    assert {each.partition("=")[0] for each in given if "Max-Age=0" not in each} == {
        "__Host-ringfence",
        "__Host-ringfence-known",
    }
    assert all("HttpOnly" in each and "Secure" in each and "Path=/" in each and "Domain" not in each for each in given)


async def test_signing_out_ends_the_session(client: httpx.AsyncClient, embedded: Database) -> None:
    token = client.cookies["ringfence"]
    answer = await client.post("/sign-out", data={"csrf": csrf(client, embedded)})
    assert answer.headers["location"] == "/sign-in"
    assert "ringfence" not in client.cookies
    assert embedded.read_now(lambda tx: sessions.find(tx, token)) is None


async def test_who_comes_with_a_session_that_is_over_is_told_so(client: httpx.AsyncClient, embedded: Database) -> None:
    assert "or was ended" not in (await client.get("/sign-in")).text
    embedded.run_now(lambda tx: tx.execute(sa.delete(sessions_table)))
    page = await client.get("/alerts", follow_redirects=True)
    assert "Your session in this browser is over, or was ended." in page.text
    assert 'name="next" value="/alerts"' in page.text
