"""Fixtures for pages and API without a browser: a seeded database, a visitor, and a client that is signed in."""

import html
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import fields
from datetime import timedelta
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from contoso import Contoso, seed
from databases import Sqlite
from ringfence.actions.catalogue import GROUP
from ringfence.api import create_api
from ringfence.security import sessions
from ringfence.storage import Database
from ringfence.web import Services, create_web
from webserver import Asked, make_services

ORIGIN = "http://ringfence.test"
_NOW: dict[str, Any] = {}


@pytest.fixture(scope="session")
def filled(sqlite: Sqlite, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Contoso]:
    """Fill a database once."""
    database = Database(sqlite.new_url(tmp_path_factory.mktemp("filled")), threads=1)
    contoso = database.run_now(seed)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    database.close()
    assert database.url.database is not None
    return Path(database.url.database), contoso


@pytest.fixture
def contoso(filled: tuple[Path, Contoso]) -> Contoso:
    """Give the ids of what is in the database."""
    return filled[1]


@pytest.fixture
def embedded(filled: tuple[Path, Contoso], tmp_path: Path) -> Iterator[Database]:
    """Give a copy of the filled database."""
    path = tmp_path / "ringfence.sqlite3"
    shutil.copy(filled[0], path)
    opened = Database(sa.URL.create("sqlite", database=str(path)), threads=2)
    yield opened
    opened.close()


@pytest.fixture
def asked(contoso: Contoso) -> Asked:
    """Take note of what the pages ask for."""
    return Asked(answer=contoso.containment_id)


@pytest.fixture
def services(embedded: Database, asked: Asked) -> Services:
    """Give services whose actions are noted only."""
    return make_services(embedded, asked)


@pytest.fixture
def app(services: Services) -> FastAPI:
    """Give the pages with the API below them.

    Building the routes takes longer than most tests: it is done once, for services that stand for those of the running test.
    """
    _NOW.update({each.name: getattr(services, each.name) for each in fields(services)})
    return _built(frozenset(each.name for each in entry_points(group=GROUP)))


class _Current:
    """Stands for one of the running test's services."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(_NOW[self._name], attribute)

    def __call__(self, *args: Any, **named: Any) -> Any:
        return _NOW[self._name](*args, **named)


@cache
def _built(packages: frozenset[str]) -> FastAPI:
    """Build the pages for the packages that are installed, which routes ask for once."""
    stands: dict[str, Any] = {each.name: _Current(each.name) for each in fields(Services)}
    services = Services(**stands)
    return create_web(services, api=create_api(services))


@pytest.fixture
async def visitor(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Give a browser that is not signed in; it sends Origin as browsers do."""
    async with open_client(app) as client:
        yield client


@pytest.fixture
async def client(app: FastAPI, embedded: Database, contoso: Contoso) -> AsyncIterator[httpx.AsyncClient]:
    """Give a browser that is signed in."""
    async with open_client(app) as client:
        sign_in(client, embedded, contoso.user_id)
        yield client


def open_client(app: FastAPI, *, raising: bool = True) -> httpx.AsyncClient:
    """Open a browser; `raising` lets what no handler of errors took fail the test."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=raising)
    return httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers={"Origin": ORIGIN})


def sign_in(client: httpx.AsyncClient, database: Database, user_id: str) -> str:
    """Give a browser a session and return the session's form token."""
    token = database.run_now(lambda tx: sessions.start(tx, user_id, timedelta(hours=1)))
    client.cookies.set("ringfence", token, domain="ringfence.test")
    return csrf(client, database)


def csrf(client: httpx.AsyncClient, database: Database) -> str:
    """Return the form token of a browser's session."""
    token = client.cookies["ringfence"]
    session = database.read_now(lambda tx: sessions.find(tx, token))
    assert session is not None
    return session.csrf


def form_fields(page: str, *names: str) -> dict[str, str]:
    """Return what stands in these fields (inputs with a value) where a page first has them."""
    found = {}
    for each in names:
        field = re.search(rf'<input [^>]*name="{each}"[^>]*>', page)
        value = re.search(r'value="([^"]*)"', field[0]) if field is not None else None
        found[each] = html.unescape(value[1]) if value is not None else ""
    return found
