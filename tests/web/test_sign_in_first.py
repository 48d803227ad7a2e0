from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from databases import Sqlite
from ringfence.organizations import first
from ringfence.storage import Database
from ringfence.web import create_web
from webfixtures import open_client
from webserver import make_services

_FORM = {"name": "megan", "password": "four unrelated words", "again": "four unrelated words"}


@pytest.fixture
def empty(sqlite: Sqlite, tmp_path: Path) -> Iterator[Database]:
    database = Database(sqlite.new_url(tmp_path), threads=2)
    yield database
    database.close()


@pytest.fixture
async def browser(empty: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with open_client(create_web(make_services(empty))) as client:
        yield client


async def test_the_first_administrator_chooses_name_and_password_and_is_in(
    browser: httpx.AsyncClient, empty: Database
) -> None:
    form = _FORM | {"token": empty.run_now(first.offer) or ""}
    assert (await browser.get("/sign-in/first", params={"token": form["token"]})).status_code == 200
    for wrong, why in (
        ({"name": " "}, "needs a name"),
        ({"again": "x"}, "not the same"),
        ({"password": "x", "again": "x"}, "15 to"),
    ):
        answer = await browser.post("/sign-in/first", data=form | wrong)
        assert answer.status_code == 400
        assert why in answer.text
    entered = await browser.post("/sign-in/first", data=form)
    assert entered.headers["location"] == "/"
    assert "megan" in (await browser.get("/people")).text
    browser.cookies.clear()
    for again in (
        await browser.get("/sign-in/first", params={"token": form["token"]}),
        await browser.post("/sign-in/first", data=form),
    ):
        assert again.status_code == 401
        assert "already" in again.text


async def test_without_the_link_nobody_becomes_administrator(browser: httpx.AsyncClient, empty: Database) -> None:
    empty.run_now(first.offer)
    for token in ("", "made-up"):
        answer = await browser.post("/sign-in/first", data=_FORM | {"token": token})
        assert answer.status_code == 401
    assert empty.run_now(first.offer) is not None
