"""Every address, for every role, in one's own organization and another's, by one application and one loop."""

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from contoso import Contoso, seed
from every_route import API, CATALOGUES, PUBLIC, STREAMS, Browser, Things, addresses, is_broken
from ringfence.organizations import members
from ringfence.security.rbac import PERMISSIONS, Role
from ringfence.storage import Database, Transaction, tables
from webfixtures import ORIGIN


@pytest.fixture
def browsers(embedded: Database, contoso: Contoso) -> dict[Role, Browser]:
    """Give somebody of each role in Contoso."""

    def work(tx: Transaction) -> dict[Role, str]:
        return {role: members.ensure(tx, contoso.organization_id, f"a {role.value}", role) for role in Role}

    return {role: Browser(embedded, user_id) for role, user_id in embedded.run_now(work).items()}


@pytest.fixture
def client(app: FastAPI) -> httpx.AsyncClient:
    """Give a client without a memory for cookies."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=True), base_url=ORIGIN)


def lacking(answer: httpx.Response) -> str:
    """Return the permission that an answer says is missing, else nothing."""
    if answer.status_code != 403:
        return ""
    if answer.headers["content-type"] == "application/problem+json":
        document = answer.json()
        if document["code"] != "missing_permission":
            return ""
        assert document["permission"] in document["advice"]
        text = document["advice"]
    else:
        text = answer.text
    before, _, after = text.partition("This needs the permission ")
    return after.split(";")[0] if before != text and "can give you one that has it" in after else ""


def test_every_route_declares_a_permission_or_is_named_here(app: FastAPI) -> None:
    found = addresses(app)
    assert len(found) > 250
    assert {str(each) for each in found if not each.permissions} <= PUBLIC


def test_every_change_needs_more_than_to_look(app: FastAPI) -> None:
    looking = [
        str(each)
        for each in addresses(app)
        if each.method != "GET"
        and str(each) not in PUBLIC
        and all(needed.endswith(":read") for needed in each.permissions)
    ]
    # What is asked with a body changes nothing; what is done to selected alerts is demanded by what it is.
    asking = ("check", "look", "difference", "moment", "preview", "proven", "selected")
    assert [each for each in looking if each.rpartition("/")[2] not in asking] == []


@pytest.mark.parametrize("api", [False, True], ids=["pages", "api"])
async def test_every_role_does_what_it_may_and_is_told_what_it_lacks(
    app: FastAPI,
    embedded: Database,
    contoso: Contoso,
    browsers: dict[Role, Browser],
    client: httpx.AsyncClient,
    api: bool,
) -> None:
    wrong = []
    things = embedded.read_now(lambda tx: Things(tx, contoso.organization_id))
    active = tables.organizations.update().values(state="active")
    for address in addresses(app):
        if str(address) in PUBLIC or address.path.startswith(API) is not api:
            continue
        missing = {role: [each for each in address.permissions if each not in PERMISSIONS[role]] for role in Role}
        able = [role for role in Role if not missing[role]]
        for role in Role:
            # Those above the lowest who may have all that it has (see `rbac`), and would cost as much again.
            if role in able[1:] or (address.path in STREAMS and role in able):
                continue
            browser = browsers[role]
            answer = await browser.ask(client, address, things.fill(address.path, address.names))
            told = lacking(answer)
            broken = answer.status_code == 401 or is_broken(answer)
            if told != (missing[role][0] if missing[role] else "") or broken:
                wrong.append(f"{role.value} {address}: {answer.status_code} {told}")
            if address.method != "GET" and role in able:
                embedded.run_now(lambda tx: tx.execute(active))
                if not browser.still_here():
                    browser.enter()
    assert not wrong, "\n".join(wrong)


async def test_nothing_of_another_organization_is_found_or_changed(
    app: FastAPI, embedded: Database, contoso: Contoso, client: httpx.AsyncClient
) -> None:
    other = embedded.run_now(lambda tx: seed(tx, organization="fabrikam", user="alex.wilber"))
    mine = Browser(embedded, other.user_id)
    things, own = embedded.read_now(lambda tx: (Things(tx, contoso.organization_id), Things(tx, other.organization_id)))
    before = embedded.read_now(lambda tx: picture(tx, contoso.organization_id))
    wrong = []
    for address in addresses(app):
        held = all(each in PERMISSIONS[Role.ORGANIZATION_ADMINISTRATOR] for each in address.permissions)
        if str(address) in PUBLIC or address.path in STREAMS or not held or not things.known(address.names, own):
            continue
        answer = await mine.ask(client, address, things.fill(address.path, address.names))
        # What else can be wrong with a request is said before anything is looked for.
        if answer.status_code not in (404, 400, 409, 428) and address.path not in CATALOGUES:
            wrong.append(f"{address}: {answer.status_code}")
        if address.method != "GET" and not mine.still_here():
            mine.enter()
    assert not wrong, "\n".join(wrong)
    assert embedded.read_now(lambda tx: picture(tx, contoso.organization_id)) == before


def picture(tx: Transaction, organization_id: str) -> dict[str, list[str]]:
    """Return every row of an organization."""
    found: dict[str, list[str]] = {}
    for table in tables.organizations.metadata.sorted_tables:
        if "organization_id" in table.c:
            query = sa.select(table).where(table.c.organization_id == organization_id)
            found[table.name] = sorted(str(row) for row in tx.all(query))
    return found
