"""/api/v1/users and /api/v1/teams."""

import httpx

from contoso import Contoso
from ringfence.storage import Database
from webfixtures import csrf

API = "/api/v1"


async def test_people_are_invited_changed_and_removed(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    token = {"X-CSRF-Token": csrf(client, embedded)}
    made = await client.post(f"{API}/users", json={"name": "ines", "role": "analyst"}, headers=token)
    assert made.status_code == 201
    assert "/sign-in/link?token=" in made.json()["url"]
    user_id = made.json()["user"]["user_id"]
    listed = (await client.get(f"{API}/users")).json()["items"]
    assert [(each["name"], each["role"]) for each in listed] == [
        ("ines", "analyst"),
        ("megan.bowen", "organization_administrator"),
    ]
    changed = await client.patch(f"{API}/users/{user_id}", json={"role": "responder"}, headers=token)
    assert changed.json()["role"] == "responder"
    assert (await client.post(f"{API}/users/{user_id}/link", headers=token)).json()["url"] != made.json()["url"]
    assert (await client.delete(f"{API}/users/{user_id}", headers=token)).status_code == 204
    assert (await client.delete(f"{API}/users/{contoso.user_id}", headers=token)).status_code == 409


async def test_teams_are_put_and_removed(client: httpx.AsyncClient, embedded: Database, contoso: Contoso) -> None:
    token = {"X-CSRF-Token": csrf(client, embedded)}
    team, people = f"{API}/teams/tier-2", {"people": ["ines", "olaf"]}
    assert (await client.put(team, json=people, headers=token)).status_code == 428
    assert (await client.put(team, json=people, headers=token | {"If-Match": '"1"'})).status_code == 412
    assert (await client.get(team)).status_code == 404
    made = await client.put(team, json=people, headers=token | {"If-Match": '"0"'})
    assert made.json()["people"] == ["ines", "olaf"]
    read = await client.get(team)
    assert (read.json(), read.headers["ETag"]) == (made.json(), made.headers["ETag"])
    seen = token | {"If-Match": read.headers["ETag"]}
    assert (await client.put(team, json={"people": ["ines"]}, headers=seen)).json()["people"] == ["ines"]
    late = await client.put(team, json={"people": ["olaf"]}, headers=seen)
    assert (late.status_code, late.json()["code"]) == (412, "outdated")
    again = await client.put(team, json=people, headers=token | {"If-Match": '"0"'})
    assert (again.status_code, again.json()["detail"]) == (412, "There is one of this name already.")
    assert (await client.get(team)).json()["people"] == ["ines"]
    assert [each["name"] for each in (await client.get(f"{API}/teams")).json()["items"]] == ["tier-2"]
    assert (await client.delete(f"{API}/teams/tier-2", headers=token)).status_code == 204
    assert (await client.delete(f"{API}/teams/tier-2", headers=token)).status_code == 404
