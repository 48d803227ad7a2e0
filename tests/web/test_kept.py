import base64
import json

import httpx
import pytest
from sqlalchemy import update

from contoso import Contoso
from ringfence import clock
from ringfence.organizations import places
from ringfence.storage import Database
from ringfence.storage.tables import users
from webfixtures import csrf

COOKIE = "ringfence-typed"
LATER = 16 * 60


@pytest.fixture
def late(client: httpx.AsyncClient, embedded: Database, contoso: Contoso) -> None:
    """Sign in somebody who may do everything, and let a quarter of an hour pass."""
    promoted = update(users).where(users.c.id == contoso.user_id).values(system_administrator=True)
    embedded.run_now(lambda tx: tx.execute(promoted))
    token = client.cookies["ringfence"]
    fresh, _ = embedded.run_now(lambda tx: places.choose(tx, token, contoso.organization_id))
    client.cookies.set("ringfence", fresh, domain="ringfence.test")
    now = clock.timestamp()
    clock.replace(lambda: now + LATER)


@pytest.mark.usefixtures("late")
async def test_what_was_typed_is_there_again_after_the_proof_once_and_nothing_that_is_secret(
    client: httpx.AsyncClient, embedded: Database
) -> None:
    forms: dict[tuple[str, str], dict[str, str | list[str]]] = {
        ("/organizations", "/organizations"): {"name": 'Fabrikam "EMEA"'},
        ("/organizations/state", "/organizations"): {"to": "frozen", "reason": "Audit of March"},
        ("/me/tokens", "/me/tokens"): {"name": "bridge", "days": "90", "scope": ["alert:read"]},
        ("/outbound/accounts", "/outbound"): {"name": "reputation", "kind": "basic", "secret": "s3cret-s3cret"},
        ("/identity-providers", "/identity-providers"): {"name": "entra", "mapping": "A=analyst", "secret": "s3cret"},
    }
    for (action, page), typed in forms.items():
        sent = {"csrf": csrf(client, embedded), **typed}
        refused = await client.post(action, data=sent, headers={"Referer": f"http://ringfence.test{page}"})
        assert refused.headers["location"].startswith("/sign-in/confirm"), action
        assert "s3cret" not in base64.urlsafe_b64decode(client.cookies[COOKIE]).decode()
        assert client.cookies[COOKIE] not in (await client.get("/sign-in/confirm")).text
        shown = (await client.get(page)).text
        for value in typed.values():
            said = value if isinstance(value, str) else value[0]
            assert said.replace('"', "&#34;") in shown or "s3cret" in said, (action, said)
        assert "s3cret" not in shown
        assert COOKIE not in client.cookies
        assert 'value="90" selected' not in (await client.get("/me/tokens")).text


@pytest.mark.usefixtures("late")
async def test_another_page_another_person_and_nonsense_fill_nothing_in(
    client: httpx.AsyncClient, contoso: Contoso
) -> None:
    own = {"person": contoso.user_id, "page": "/organizations", "typed": {"name": ["Fabrikam Ltd"]}}
    for said, there in (
        (own, True),
        (own | {"person": "somebody"}, False),
        (own | {"page": "/outbound"}, False),
        (own | {"typed": ["Fabrikam Ltd"]}, False),
        (["Fabrikam Ltd"], False),
        ("Fabrikam Ltd", False),
    ):
        client.cookies.set(
            COOKIE, base64.urlsafe_b64encode(json.dumps(said).encode()).decode(), domain="ringfence.test"
        )
        assert ('value="Fabrikam Ltd"' in (await client.get("/organizations")).text) is there, said
    for nonsense in ("%%%", base64.urlsafe_b64encode(b"[" * 6_000).decode()):
        client.cookies.set(COOKIE, nonsense, domain="ringfence.test")
        assert (await client.get("/organizations")).status_code == 200


@pytest.mark.usefixtures("late")
async def test_what_is_too_long_for_a_cookie_is_not_kept(client: httpx.AsyncClient, embedded: Database) -> None:
    form = {"csrf": csrf(client, embedded), "name": "x" * 4_000}
    assert (await client.post("/organizations", data=form)).headers["location"].startswith("/sign-in/confirm")
    assert COOKIE not in client.cookies
