"""/api/v1/organizations."""

import httpx

from contoso import Contoso
from ringfence.organizations import service
from ringfence.storage import Database
from ringfence.storage.tables import users
from webfixtures import csrf

API = "/api/v1/organizations"


async def test_the_organization_is_shown_renamed_frozen_and_opened(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    token = {"X-CSRF-Token": csrf(client, embedded)}
    (mine,) = (await client.get(API)).json()["items"]
    assert (mine["name"], mine["role"], mine["here"]) == ("contoso", "organization_administrator", True)
    renamed = await client.patch(f"{API}/current", json={"name": "Contoso Ltd"}, headers=token)
    assert renamed.json()["name"] == "Contoso Ltd"
    refused = await client.post(f"{API}/current/freeze", json={"reason": "Audit"}, headers=token)
    assert refused.json()["permission"] == "organization:manage"
    promoted = users.update().where(users.c.id == contoso.user_id).values(system_administrator=True)
    embedded.run_now(lambda tx: tx.execute(promoted))
    frozen = await client.post(f"{API}/current/freeze", json={"reason": "Audit"}, headers=token)
    assert (frozen.json()["state"], frozen.json()["state_reason"]) == ("frozen", "Audit")
    assert (await client.post(f"{API}/current/open", json={"reason": "Done"}, headers=token)).status_code == 200
    assert (await client.get(f"{API}/current")).json()["state"] == "active"
    assert (await client.post(f"{API}/current/close", json={"reason": "x"}, headers=token)).status_code in (200, 409)


async def test_a_system_administrator_makes_an_organization(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    token = {"X-CSRF-Token": csrf(client, embedded)}
    promoted = users.update().where(users.c.id == contoso.user_id).values(system_administrator=True)
    embedded.run_now(lambda tx: tx.execute(promoted))
    made = await client.post(API, json={"name": "Fabrikam"}, headers=token)
    assert made.status_code == 201
    assert embedded.read_now(lambda tx: service.by_name(tx, "Fabrikam")).id == made.json()["id"]


async def test_organizations_are_shown_side_by_side_only_to_who_works_in_them(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    embedded.run_now(lambda tx: service.create(tx, "Woodgrove"))
    (line,) = (await client.get(f"{API}/board")).json()["items"]
    assert (line["organization"]["name"], line["accounts_troubled"]) == ("contoso", 1)
    assert sum(line["open_alerts"].values()) > 0
