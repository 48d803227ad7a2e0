import re

import httpx
import pyotp
import pytest
from argon2 import PasswordHasher

from contoso import Contoso
from ringfence import clock
from ringfence.security import passwords, second_factor, sign_in_rules
from ringfence.security.passwords import Passwords
from ringfence.storage import Database
from webfixtures import csrf, sign_in


@pytest.fixture
def password(embedded: Database, contoso: Contoso) -> str:
    stored = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)).hash("correct horse battery")
    embedded.run_now(lambda tx: passwords.store(tx, contoso.user_id, stored))
    return "correct horse battery"


async def test_an_app_is_set_up_asked_for_and_confirmed_by(
    client: httpx.AsyncClient, visitor: httpx.AsyncClient, embedded: Database, contoso: Contoso, password: str
) -> None:
    now = [1_790_000_000.0]
    clock.replace(lambda: now[0])
    sign_in(client, embedded, contoso.user_id)
    page = await client.get("/me/app")
    secret = re.search(r'data-copy="([A-Z2-7]{32})"', page.text)
    assert secret
    assert "<svg " in page.text
    app = pyotp.TOTP(secret[1])
    wrong = await client.post("/me/app", data={"csrf": csrf(client, embedded), "code": "000000"})
    assert wrong.status_code == 403
    assert secret[1] in wrong.text
    done = await client.post("/me/app", data={"csrf": csrf(client, embedded), "code": app.at(int(now[0]))})
    assert done.status_code == 200
    codes = re.findall(r"<li>([A-Z2-7-]{29})</li>", done.text)
    assert len(codes) == 10

    # Another browser: the password alone lets nobody in.
    answer = await visitor.post("/sign-in", data={"name": "megan.bowen", "password": password, "next": "/alerts"})
    assert answer.headers["location"] == "/sign-in/code"
    assert "ringfence" not in visitor.cookies
    assert (await visitor.get("/sign-in/code")).status_code == 200
    replayed = await visitor.post("/sign-in/code", data={"code": app.at(int(now[0]))})
    assert replayed.status_code == 401
    now[0] += 30
    answer = await visitor.post("/sign-in/code", data={"code": app.at(int(now[0]))})
    assert answer.headers["location"] == "/alerts"
    assert (await visitor.get("/me")).status_code == 200
    assert (
        await visitor.post("/sign-in/code", data={"code": codes[0], "csrf": csrf(visitor, embedded)})
    ).status_code == 401

    # Later it asks anew, for both.
    now[0] += 16 * 60
    form = {"csrf": csrf(client, embedded)}
    assert (await client.post("/me/recovery-codes", data=form)).headers["location"].startswith("/sign-in/confirm")
    asked = await client.get("/sign-in/confirm", params={"next": "/me"})
    assert 'name="password"' in asked.text
    assert 'name="code"' in asked.text
    proof = form | {"password": password, "code": codes[0], "next": "/me"}
    assert (await client.post("/sign-in/confirm", data=proof | {"password": "wrong"})).status_code == 401
    before = client.cookies["ringfence"]
    assert (await client.post("/sign-in/confirm", data=proof)).headers["location"] == "/me"
    assert client.cookies["ringfence"] != before
    form = {"csrf": csrf(client, embedded)}
    assert len(re.findall(r"<li>([A-Z2-7-]{29})</li>", (await client.post("/me/recovery-codes", data=form)).text)) == 10
    assert (await client.post("/me/app/remove", data=form)).headers["location"] == "/me#app"
    assert embedded.read_now(lambda tx: second_factor.standing(tx, contoso.user_id)).since is None


async def test_who_must_have_an_app_sets_it_up_before_they_are_let_in(
    visitor: httpx.AsyncClient, embedded: Database, contoso: Contoso, password: str
) -> None:
    embedded.run_now(lambda tx: sign_in_rules.change(tx, contoso.organization_id, "administrators"))
    now = clock.timestamp()
    clock.replace(lambda: now)
    answer = await visitor.post("/sign-in", data={"name": "megan.bowen", "password": password, "next": "/alerts"})
    assert answer.headers["location"] == "/sign-in/app"
    assert (await visitor.get("/alerts")).status_code == 303
    page = await visitor.get("/sign-in/app")
    secret = re.search(r'data-copy="([A-Z2-7]{32})"', page.text)
    assert secret
    assert (await visitor.post("/sign-in/app", data={"code": "1"})).status_code == 401
    done = await visitor.post("/sign-in/app", data={"code": pyotp.TOTP(secret[1]).at(int(now))})
    assert 'href="/alerts"' in done.text
    assert (await visitor.get("/alerts")).status_code == 200
    refused = await visitor.post("/me/app/remove", data={"csrf": csrf(visitor, embedded)})
    assert refused.status_code == 409


async def test_without_a_sign_in_under_way_there_is_nothing_to_enter_a_code_for(visitor: httpx.AsyncClient) -> None:
    for path in ("/sign-in/code", "/sign-in/app"):
        for answer in (await visitor.get(path), await visitor.post(path, data={"code": "000000"})):
            assert answer.status_code == 401
            assert "Begin again" in answer.text
