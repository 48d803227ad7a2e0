from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from contoso import Contoso
from pretend_provider import CLIENT, ISSUER, SECRET, PretendProvider
from ringfence import clock
from ringfence.organizations import identities
from ringfence.security import providers, sessions
from ringfence.security.providers import NewProvider, Rule
from ringfence.security.rbac import Role, command_line
from ringfence.settings import Settings
from ringfence.storage import Database
from ringfence.web import Services, create_web
from webfixtures import csrf, open_client
from webserver import NEW, Asked, make_services

_LEAVE = "/sign-in/provider/contoso"


@pytest.fixture(scope="module")
def made() -> PretendProvider:
    return PretendProvider()


@pytest.fixture
def services(embedded: Database, asked: Asked, tmp_path: Path) -> Services:
    """Give a new installation, which demands a second factor: of these people the provider has asked it."""
    return make_services(embedded, asked, Settings(data=tmp_path, **NEW))


@pytest.fixture
def provider(made: PretendProvider, embedded: Database, contoso: Contoso, services: Services) -> PretendProvider:
    made.claims = {"sub": "megan", "preferred_username": "megan@contoso.com", "groups": ["soc"]}
    made.metadata = {"end_session_endpoint": f"{ISSUER}/end"}
    made.codes = {}
    new = NewProvider(
        "contoso",
        ISSUER,
        CLIENT,
        SECRET,
        label="Contoso <1>",
        domains=("contoso.com",),
        button=True,
        mapping=(Rule("soc", contoso.organization_id, Role.RESPONDER),),
    )
    actor = command_line("root", contoso.organization_id)
    embedded.run_now(lambda tx: providers.put(tx, services.sender.vault, actor, new))
    return made


@pytest.fixture
async def visitor(services: Services, provider: PretendProvider) -> AsyncIterator[httpx.AsyncClient]:
    app: FastAPI = create_web(services, providers=provider.transport)
    async with open_client(app) as client:
        yield client


async def _come_back(browser: httpx.AsyncClient, provider: PretendProvider, address: str = _LEAVE) -> httpx.Response:
    away = await browser.get(address)
    assert away.status_code == 303, away.text
    back = provider.allow(away.headers["location"])
    return await browser.get(f"{_LEAVE}/callback", params=back)


async def test_a_person_signs_in_at_the_provider_and_out_again(
    visitor: httpx.AsyncClient, provider: PretendProvider, embedded: Database
) -> None:
    assert "Sign in at Contoso &lt;1&gt;" in (await visitor.get("/sign-in")).text
    entered = await _come_back(visitor, provider, f"{_LEAVE}?next=/alerts")
    assert entered.headers["location"] == "/alerts"
    assert "megan@contoso.com" in (await visitor.get("/alerts")).text
    left = await visitor.post("/sign-out", data={"csrf": csrf(visitor, embedded)})
    assert left.headers["location"] == "/sign-in?left=contoso"
    assert "not at Contoso &lt;1&gt;" in (await visitor.get("/sign-in?left=contoso")).text
    out = await visitor.get(f"{_LEAVE}/sign-out")
    assert out.headers["location"].startswith(f"{ISSUER}/end?client_id=ringfence")


async def test_a_name_leads_to_the_provider_of_its_domain(visitor: httpx.AsyncClient) -> None:
    page = await visitor.post("/sign-in", data={"name": "adele@contoso.com", "password": "x", "next": "/alerts"})
    assert page.status_code == 200
    assert f'href="{_LEAVE}?next=%2Falerts"' in page.text


async def test_who_has_no_group_with_a_role_is_told_so(visitor: httpx.AsyncClient, provider: PretendProvider) -> None:
    provider.claims["groups"] = ["another"]
    refused = await _come_back(visitor, provider)
    assert refused.status_code == 401
    assert "none of your groups may work here" in refused.text
    assert "ringfence" not in visitor.cookies


async def test_an_answer_counts_once_and_in_the_browser_that_asked(
    visitor: httpx.AsyncClient, provider: PretendProvider
) -> None:
    away = await visitor.get(_LEAVE)
    back = provider.allow(away.headers["location"])
    held = visitor.cookies["ringfence-step"]
    visitor.cookies.delete("ringfence-step")
    assert (await visitor.get(f"{_LEAVE}/callback", params=back)).status_code == 401
    visitor.cookies.set("ringfence-step", held, domain="ringfence.test")
    assert (await visitor.get(f"{_LEAVE}/callback", params=back)).status_code == 303
    visitor.cookies.set("ringfence-step", held, domain="ringfence.test")
    assert (await visitor.get(f"{_LEAVE}/callback", params=back)).status_code == 401


async def test_what_the_provider_cannot_do_is_a_page_not_a_failure(
    visitor: httpx.AsyncClient, provider: PretendProvider
) -> None:
    for path in ("/sign-in/provider/unknown", "/sign-in/provider/unknown/sign-out", f"{_LEAVE}/callback"):
        assert (await visitor.get(path)).status_code in (401, 404)
    provider.metadata = {"issuer": "https://login.fabrikam.com"}
    assert "calls itself" in (await visitor.get(_LEAVE)).text


async def test_who_is_signed_in_confirms_there_and_links_themselves(
    visitor: httpx.AsyncClient, provider: PretendProvider, embedded: Database, contoso: Contoso
) -> None:
    hour = timedelta(hours=1)
    token = embedded.run_now(lambda tx: sessions.start(tx, contoso.user_id, hour, provider_id="fabrikam"))
    visitor.cookies.set("ringfence", token, domain="ringfence.test")
    assert "?purpose=link&amp;next=%2Fme" in (await visitor.get("/me")).text
    linked = await _come_back(visitor, provider, f"{_LEAVE}?purpose=link&next=/me")
    assert linked.headers["location"] == "/me"
    assert f"You come by {ISSUER} too" in (await visitor.get("/me")).text
    assert embedded.read_now(lambda tx: identities.of_user(tx, contoso.user_id)) == [(ISSUER, "megan")]
    now = clock.timestamp()
    clock.replace(lambda: now + 1000)
    assert (await visitor.get("/me/app")).status_code == 303
    assert (await visitor.get(f"{_LEAVE}?purpose=link")).headers["location"].startswith("/sign-in/confirm")
    provider.claims["auth_time"] = int(now) + 1000
    before = visitor.cookies["ringfence"]
    assert (await _come_back(visitor, provider, f"{_LEAVE}?purpose=confirm&next=/me/app")).status_code == 303
    assert visitor.cookies["ringfence"] != before
    assert (await visitor.get("/me/app")).status_code == 200
    provider.claims["sub"] = "somebody else"
    assert "somebody else" in (await _come_back(visitor, provider, f"{_LEAVE}?purpose=confirm")).text
