"""The pages and the API on PostgreSQL, as the role that sees one organization's rows: nothing of them needs more than that."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from contoso import seed
from databases import Postgres
from every_route import PUBLIC, STREAMS, Browser, Things, addresses, is_broken
from ringfence.api import create_api
from ringfence.organizations import members
from ringfence.security.rbac import Role
from ringfence.settings import Settings
from ringfence.storage import Database
from ringfence.storage.scope import Scope, current
from ringfence.web import create_web
from ringfence.web.own_rows import OwnRows
from webfixtures import ORIGIN
from webserver import OPEN, make_services


@pytest.fixture(scope="module")
def shared(postgres: Postgres) -> Iterator[Database]:
    """Give a database on PostgreSQL with the rows of two organizations."""
    url = postgres.new_url()
    database = Database(url, threads=2)
    database.run_now(lambda tx: seed(tx, organization="fabrikam", user="alex.wilber"))
    yield database
    database.close()
    postgres.drop(url)


async def test_every_address_works_with_the_rows_of_one_organization(shared: Database, tmp_path: Path) -> None:
    contoso = shared.run_now(seed)
    services = make_services(shared, settings=Settings(data=tmp_path, **OPEN))
    app = create_web(services, api=create_api(services))
    administrator = Role.SYSTEM_ADMINISTRATOR
    user_id = shared.run_now(lambda tx: members.ensure(tx, contoso.organization_id, "root", administrator))
    browser = Browser(shared, user_id, organization_id=contoso.organization_id)
    things = shared.read_now(lambda tx: Things(tx, contoso.organization_id))
    wrong = []
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        for address in addresses(app):
            if str(address) in PUBLIC or address.path in STREAMS:
                continue
            answer = await browser.ask(client, address, things.fill(address.path, address.names))
            if answer.status_code == 401 or is_broken(answer):
                wrong.append(f"{address}: {answer.status_code} {answer.text[:300]}")
            if address.method != "GET" and not browser.still_here():
                browser.enter()
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("path", "seen"),
    [("/alerts", Scope("", "")), ("/api/v1/alerts", Scope("", "")), ("/sign-in", None), ("/hooks/x", None)],
)
async def test_who_is_in_no_organization_sees_nobodys_rows_but_where_a_token_leads(
    path: str, seen: Scope | None
) -> None:
    found = []

    async def page(*_: object) -> None:
        found.append(current())

    await OwnRows(page)({"type": "http", "path": path, "state": {"actor": None}}, None, None)  # type: ignore[arg-type]
    assert found == [seen]
