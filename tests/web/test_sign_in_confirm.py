import httpx
import pytest
from argon2 import PasswordHasher

from contoso import Contoso
from ringfence import clock
from ringfence.audit import log
from ringfence.security import passwords
from ringfence.security.passwords import Passwords
from ringfence.storage import Database
from webfixtures import csrf


@pytest.fixture
def password(embedded: Database, contoso: Contoso) -> str:
    stored = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)).hash("correct horse battery")
    embedded.run_now(lambda tx: passwords.store(tx, contoso.user_id, stored))
    return "correct horse battery"


async def test_a_fresh_proof_renews_the_session_and_leads_back(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, password: str
) -> None:
    form = {"csrf": csrf(client, embedded), "next": "/me/tokens"}
    before = client.cookies["ringfence"]
    wrong = await client.post("/sign-in/confirm", data=form | {"password": "wrong"})
    assert wrong.status_code == 401
    assert "not right" in wrong.text
    done = await client.post("/sign-in/confirm", data=form | {"password": password})
    assert done.headers["location"] == "/me/tokens"
    assert client.cookies["ringfence"] != before
    entries = embedded.read_now(lambda tx: log.listing(tx, contoso.organization_id, event="sign_in")).entries
    assert [each.event for each in entries[:2]] == ["sign_in:confirmed", "sign_in:failed"]


async def test_guessing_it_in_a_stolen_session_is_slowed_down_too(
    client: httpx.AsyncClient, embedded: Database, password: str
) -> None:
    now = clock.timestamp()
    clock.replace(lambda: now)
    form = {"csrf": csrf(client, embedded), "password": "wrong"}
    assert [(await client.post("/sign-in/confirm", data=form)).status_code for _ in range(6)] == [401] * 5 + [429]


async def test_who_has_nothing_to_prove_it_by_is_told_what_to_do(client: httpx.AsyncClient, embedded: Database) -> None:
    assert "neither a password nor an app" in (await client.get("/sign-in/confirm")).text
    refused = await client.post("/sign-in/confirm", data={"csrf": csrf(client, embedded)})
    assert refused.status_code == 401
    assert "come by a new link" in refused.text


async def test_nobody_confirms_anything_who_is_not_signed_in(visitor: httpx.AsyncClient) -> None:
    assert (await visitor.post("/sign-in/confirm", data={"password": "x"})).status_code == 401
