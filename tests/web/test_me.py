import re
from datetime import timedelta

import httpx
import pyotp
import pytest
from argon2 import PasswordHasher

from contoso import Contoso
from ringfence import clock
from ringfence.security import passwords, second_factor, sessions, sign_in_rules
from ringfence.security.passwords import Passwords
from ringfence.security.sessions import Visitor
from ringfence.storage import Database
from webfixtures import csrf, sign_in

_OLD, _NEW = "correct horse battery", "four unrelated words"


@pytest.fixture
def password(embedded: Database, contoso: Contoso) -> str:
    stored = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)).hash(_OLD)
    embedded.run_now(lambda tx: passwords.store(tx, contoso.user_id, stored))
    return _OLD


async def test_somebody_sees_where_they_are_signed_in_and_ends_it(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    agent = "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"
    visitor = Visitor("198.51.100.7", agent)
    for _ in range(3):
        embedded.run_now(lambda tx: sessions.start(tx, contoso.user_id, timedelta(hours=1), visitor=visitor))
    page = await client.get("/me")
    assert page.text.count("Firefox on Windows<span") == 3
    assert "198.51.100.7" in page.text
    assert "this one" in page.text
    one = re.search(r"/me/sessions/(\w+)/revoke", page.text)
    assert one
    form = {"csrf": csrf(client, embedded)}
    assert (await client.post(one[0], data=form)).status_code == 303
    assert (await client.post(one[0], data=form)).status_code == 404
    assert (await client.post("/me/sessions/revoke-others", data=form)).status_code == 303
    left = embedded.read_now(lambda tx: sessions.of_user(tx, contoso.user_id))
    assert len(left) == 1
    assert (await client.get("/me")).status_code == 200


async def test_a_new_password_signs_out_everywhere_else_and_renews_the_session(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, password: str
) -> None:
    embedded.run_now(lambda tx: sessions.start(tx, contoso.user_id, timedelta(hours=1)))
    before = client.cookies["ringfence"]
    form = {"csrf": csrf(client, embedded), "current": password, "password": _NEW, "again": _NEW}
    for wrong, why in (
        ({"current": "wrong"}, "present password is wrong"),
        ({"again": "another"}, "not the same"),
        ({"password": "short", "again": "short"}, "15 to 1000"),
        ({"password": "megan.bowen megan.bowen", "again": "megan.bowen megan.bowen"}, "easy to guess"),
    ):
        answer = await client.post("/me/password", data=form | wrong)
        assert answer.status_code in (400, 401)
        assert why in answer.text
        assert _NEW not in answer.text
    assert (await client.post("/me/password", data=form)).status_code == 303
    assert client.cookies["ringfence"] != before
    assert len(embedded.read_now(lambda tx: sessions.of_user(tx, contoso.user_id))) == 1
    stored = embedded.read_now(lambda tx: passwords.of_user(tx, contoso.user_id))
    assert Passwords().matches(stored, _NEW)


async def test_a_first_password_needs_a_fresh_proof_only(client: httpx.AsyncClient, embedded: Database) -> None:
    form = {"csrf": csrf(client, embedded), "password": _NEW, "again": _NEW}
    now = clock.timestamp()
    clock.replace(lambda: now + 16 * 60)
    answer = await client.post("/me/password", data=form, headers={"Referer": "http://ringfence.test/me?x=1"})
    assert answer.headers["location"] == "/sign-in/confirm?next=%2Fme%3Fx%3D1"
    assert "neither a password nor an app" in (await client.get("/sign-in/confirm")).text
    clock.replace(lambda: now)
    assert (await client.post("/me/password", data=form)).headers["location"] == "/me#password"


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
    codes = re.findall(r"<li>([A-Z2-7-]{19})</li>", done.text)
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
    assert len(re.findall(r"<li>([A-Z2-7-]{19})</li>", (await client.post("/me/recovery-codes", data=form)).text)) == 10
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


async def test_guessing_codes_ends_the_step(
    visitor: httpx.AsyncClient, embedded: Database, contoso: Contoso, password: str
) -> None:
    vault_free = embedded.read_now(lambda tx: second_factor.standing(tx, contoso.user_id))
    assert vault_free.since is None
    for path in ("/sign-in/code", "/sign-in/app"):
        for answer in (await visitor.get(path), await visitor.post(path, data={"code": "000000"})):
            assert answer.status_code == 401
            assert "Begin again" in answer.text
