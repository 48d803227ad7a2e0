import re
from datetime import timedelta

import httpx
import pytest
from argon2 import PasswordHasher

from contoso import Contoso
from ringfence import clock
from ringfence.security import passwords, sessions
from ringfence.security.passwords import Passwords
from ringfence.security.sessions import Visitor
from ringfence.storage import Database
from webfixtures import csrf

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
    changed = await client.post("/me/password", data=form)
    assert changed.status_code == 303
    page = await client.get(changed.headers["location"])
    assert "The password is changed. You are signed out everywhere else." in page.text
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
    assert (await client.post("/me/password", data=form)).headers["location"] == "/me?changed=password"
