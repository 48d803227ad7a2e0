import httpx
import pytest
from fastapi import APIRouter, FastAPI

from contoso import Contoso
from ringfence.organizations import members
from ringfence.security.access import needs
from ringfence.security.rbac import Permission, Role, acting_as
from ringfence.storage import Database
from ringfence.web.holding import Holding
from webfixtures import sign_in

PAGE = (
    '<form class="a" method="post" action="/hosts/7/contain"><button>Contain</button></form>'
    '<form action="/hosts" method="get"><button>Look</button></form>'
    '<a class="button primary" href="/hosts/new?x=1" id="b">New</a><a class="button" href="/hosts">All</a>'
)


def _holding() -> Holding:
    router, app = APIRouter(), FastAPI()

    @router.post("/hosts/{host}/contain", dependencies=[needs(Permission.CONTAINMENT_CONTAIN)])
    async def contain(host: str) -> str:
        return host

    @router.get("/hosts/new", dependencies=[needs(Permission.CONTAINMENT_CONTAIN)])
    async def new() -> None:
        return None

    @router.get("/hosts", dependencies=[needs(Permission.CONTAINMENT_READ)])
    async def every() -> None:
        return None

    app.include_router(router)
    return Holding(app.routes)


def test_what_somebody_may_not_do_is_held_with_the_reason_and_the_rest_is_as_it_was() -> None:
    holding = _holding()
    analyst, responder = (
        acting_as(role, user_id="1", name="ines", organization_id="o", label="", how="session")
        for role in (Role.ANALYST, Role.RESPONDER)
    )
    assert holding.hold(PAGE, responder) == PAGE
    held = holding.hold(PAGE, analyst)
    assert '<fieldset class="held" disabled title="This needs the permission containment:contain' in held
    assert '<span class="button primary" aria-disabled="true" title="This needs' in held
    assert '<form action="/hosts" method="get"><button>Look</button></form>' in held
    assert '<a class="button" href="/hosts">All</a>' in held


@pytest.fixture
async def reader(visitor: httpx.AsyncClient, embedded: Database, contoso: Contoso) -> httpx.AsyncClient:
    """Give a browser of somebody who only reads."""
    user_id = embedded.run_now(lambda tx: members.ensure(tx, contoso.organization_id, "olaf", Role.READ_ONLY))
    sign_in(visitor, embedded, user_id)
    return visitor


async def test_pages_hold_what_a_reader_may_not_do(reader: httpx.AsyncClient, contoso: Contoso) -> None:
    page = (await reader.get(f"/containment/{contoso.containment_id}")).text
    assert 'disabled title="This needs the permission containment:release; your role is Read Only.' in page
    page = (await reader.get("/tables")).text
    assert "permission table:manage" in page
