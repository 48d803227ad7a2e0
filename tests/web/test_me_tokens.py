import re

import httpx

from contoso import Contoso
from ringfence import clock
from ringfence.organizations import members
from ringfence.security import tokens
from ringfence.security.rbac import Role
from ringfence.storage import Database
from webfixtures import csrf, sign_in


async def test_a_token_is_made_shown_once_used_and_revoked(client: httpx.AsyncClient, embedded: Database) -> None:
    form = {"csrf": csrf(client, embedded), "name": "ticket bridge", "days": "30", "scope": ["alert:read"]}
    made = await client.post("/me/tokens", data=form)
    found = re.search(r'data-copy="(rf_\w{42})"', made.text)
    assert found
    headers = {"Authorization": f"Bearer {found[1]}"}
    assert (await client.get("/api/v1/alerts", headers=headers)).status_code == 200
    listing = await client.get("/me/tokens")
    assert found[1] not in listing.text
    assert "ticket bridge" in listing.text
    revoke = re.search(r"/me/tokens/[\w-]+/revoke", listing.text)
    assert revoke
    await client.post(revoke[0], data={"csrf": form["csrf"]})
    assert (await client.get("/api/v1/alerts", headers=headers)).status_code == 401
    assert "Revoked" in (await client.get("/me/tokens")).text


async def test_what_cannot_be_a_token_says_why_and_keeps_what_was_entered(
    client: httpx.AsyncClient, embedded: Database
) -> None:
    form = {"csrf": csrf(client, embedded), "name": "bridge <1>", "days": "30"}
    answer = await client.post("/me/tokens", data=form)
    assert answer.status_code == 400
    assert "bridge &lt;1&gt;" in answer.text
    assert (await client.post("/me/tokens", data=form | {"scope": ["system:manage"]})).status_code == 403
    assert (await client.post("/me/tokens", data=form | {"scope": ["alert:read"], "days": "400"})).status_code == 400


async def test_a_token_needs_a_fresh_proof(client: httpx.AsyncClient, embedded: Database) -> None:
    form = {"csrf": csrf(client, embedded), "name": "x", "scope": ["alert:read"]}
    now = clock.timestamp()
    clock.replace(lambda: now + 16 * 60)
    assert (await client.post("/me/tokens", data=form)).headers["location"].startswith("/sign-in/confirm")


async def test_only_administrators_make_tokens_of_services_and_see_those_of_others(
    client: httpx.AsyncClient, visitor: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    form = {"csrf": csrf(client, embedded), "name": "collector", "scope": ["alert:read"], "role": "read_only"}
    assert (await client.post("/me/tokens", data=form)).status_code == 200
    alex = embedded.run_now(lambda tx: members.ensure(tx, contoso.organization_id, "alex", Role.ANALYST))
    own = {"csrf": sign_in(visitor, embedded, alex), "name": "mine", "scope": ["alert:read"]}
    assert (await visitor.post("/me/tokens", data=own | {"role": "read_only"})).status_code == 403
    assert (await visitor.post("/me/tokens", data=own)).status_code == 200
    assert "collector" not in (await visitor.get("/me/tokens")).text
    assert "collector" in (await client.get("/me/tokens")).text
    service = next(
        each
        for each in embedded.read_now(lambda tx: tokens.listing(tx, contoso.organization_id))
        if each.name == "collector"
    )
    refused = await visitor.post(f"/me/tokens/{service.id}/revoke", data={"csrf": own["csrf"]})
    assert refused.status_code == 404
