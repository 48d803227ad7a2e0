"""/organizations: where somebody works, and going over."""

import re

import httpx
import pytest

from contoso import Contoso
from ringfence.organizations import members, places, service
from ringfence.security.rbac import Role
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import users
from webfixtures import csrf


@pytest.fixture
def fabrikam(embedded: Database, contoso: Contoso) -> str:
    """Make another organization, where the person of the browser only reads."""

    def work(tx: Transaction) -> str:
        made = service.create(tx, "Fabrikam").id
        members.ensure(tx, made, "megan.bowen", Role.READ_ONLY)
        return made

    return embedded.run_now(work)


async def go(client: httpx.AsyncClient, database: Database, organization: str) -> httpx.Response:
    form = {"csrf": csrf(client, database), "organization": organization}
    return await client.post("/organizations/choose", data=form)


async def test_who_works_in_several_chooses_and_sees_exactly_one(
    fabrikam: str, client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    lost = await client.get("/alerts")
    assert (lost.status_code, lost.headers["location"]) == (303, "/organizations/choose")
    assert (await client.get("/api/v1/alerts")).json()["code"] == "no_organization"
    listed = (await client.get("/organizations/choose")).text
    assert "Choose the organization" in listed
    assert "Organization Administrator" in listed
    old = csrf(client, embedded)
    assert (await go(client, embedded, contoso.organization_id)).headers["location"] == "/"
    assert "fin-ws-014" in (await client.get("/alerts")).text
    # A form that was open before is not taken for one of this organization.
    stale = await client.post("/tables", data={"csrf": old, "name": "x", "kind": "text"})
    assert stale.status_code == 403
    assert (await go(client, embedded, fabrikam)).status_code == 303
    page = await client.get("/alerts")
    assert "fin-ws-014" not in page.text
    assert ">Fabrikam<" in page.text
    assert (await client.get(f"/alerts/{contoso.alert_id}")).status_code == 404


async def test_a_live_part_of_another_organization_is_not_put_into_this_ones_frame(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, fabrikam: str
) -> None:
    await go(client, embedded, contoso.organization_id)
    shown = (await client.get("/alerts")).text
    told = re.search(r"hx-headers='\{\"X-Ringfence-Organization\": \"([^\"]+)\"\}'", shown)
    assert told is not None
    assert told[1] == contoso.organization_id
    await go(client, embedded, fabrikam)
    headers = {"HX-Request": "true", "HX-Request-Type": "partial", "X-Ringfence-Organization": told[1]}
    part = await client.get("/alerts", headers=headers)
    assert (part.text, part.headers["hx-redirect"]) == ("", "/")


async def test_nobody_goes_where_they_do_not_work(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    other = embedded.run_now(lambda tx: service.create(tx, "Fabrikam").id)
    assert (await go(client, embedded, other)).status_code == 404
    assert "Fabrikam" not in (await client.get("/organizations")).text


async def test_a_system_administrator_makes_freezes_and_opens_organizations(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    async def post(address: str, **form: str) -> httpx.Response:
        return await client.post(address, data={"csrf": csrf(client, embedded), **form})

    assert (await post("/organizations", name="Fabrikam")).status_code == 403
    assert "organization:manage" in (await client.get("/organizations")).text
    promoted = users.update().where(users.c.id == contoso.user_id).values(system_administrator=True)
    embedded.run_now(lambda tx: tx.execute(promoted))
    token = client.cookies["ringfence"]
    fresh, _ = embedded.run_now(lambda tx: places.choose(tx, token, contoso.organization_id))
    client.cookies.set("ringfence", fresh, domain="ringfence.test")
    assert (await post("/organizations", name="Fabrikam")).status_code == 303
    assert (await post("/organizations", name="Fabrikam")).status_code == 409
    assert "Fabrikam" in (await client.get("/organizations")).text
    assert (await post("/organizations/name", name="Contoso Ltd")).status_code == 303
    assert (await post("/organizations/state", to="frozen", reason="Audit")).status_code == 303
    shown = await client.get("/organizations")
    assert "Contoso Ltd" in shown.text
    assert "Audit" in shown.text
    refused = await post("/containment/new", target="x", reason="y")
    assert refused.status_code == 403
    assert "The organization is frozen" in refused.text
    assert (await post("/organizations/state", to="active", reason="Done")).status_code == 303


async def test_the_board_shows_all_side_by_side_and_each_number_leads_into_its_organization(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, fabrikam: str
) -> None:
    await go(client, embedded, fabrikam)
    assert 'href="/organizations/board"' in (await client.get("/organizations")).text
    page = (await client.get("/organizations/board")).text
    assert ">contoso</button>" in page
    assert '<a href="/">Fabrikam</a>' in page
    to = re.search(rf'form="go-{contoso.organization_id}" name="to" value="([^"]*severity=High[^"]*)"', page)
    assert to is not None
    form = {"csrf": csrf(client, embedded), "organization": contoso.organization_id, "to": to[1].replace("&amp;", "&")}
    led = await client.post("/organizations/choose", data=form)
    assert led.headers["location"] == "/alerts?severity=High&status=New&status=InProgress"
    assert ">contoso<" in (await client.get(led.headers["location"])).text
    away = form | {"csrf": csrf(client, embedded), "to": "//fabrikam.example/"}
    assert (await client.post("/organizations/choose", data=away)).headers["location"] == "/"


async def test_the_board_shows_nothing_of_organizations_where_one_does_not_work(
    client: httpx.AsyncClient, embedded: Database
) -> None:
    embedded.run_now(lambda tx: service.create(tx, "Woodgrove"))
    page = (await client.get("/organizations/board")).text
    assert "contoso" in page
    assert "Woodgrove" not in page
