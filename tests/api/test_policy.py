"""/api/v1/policy."""

import httpx
import pytest

from contoso import Contoso
from ringfence.containment import brakes, policies, service
from ringfence.containment.policies import Scope
from ringfence.containment.verdict import Brake, Limit
from ringfence.storage import Database
from ringfence.storage.tables import users
from webfixtures import csrf
from webserver import Asked

API = "/api/v1/policy"


@pytest.fixture
def token(client: httpx.AsyncClient, embedded: Database) -> dict[str, str]:
    return {"X-CSRF-Token": csrf(client, embedded)}


async def test_the_effective_policy_names_the_origin_of_each_line(client: httpx.AsyncClient) -> None:
    found = (await client.get(API)).json()
    assert found["version"] == "default"
    lines = {each["field"]: each for each in found["lines"]}
    assert lines["max_per_hour"] == {"field": "max_per_hour", "value": 10, "origins": ["default"]}
    assert (found["stops"], found["brakes"], found["lifted"]) == ([], [], None)


async def test_a_layer_is_changed_by_who_has_seen_its_newest_version(
    client: httpx.AsyncClient, token: dict[str, str]
) -> None:
    address = f"{API}/layers/organization"
    first = await client.get(address)
    assert (first.headers["etag"], first.json()["version"]) == ('"0"', 0)
    body = {"document": {"mode": "tagged"}, "note": "Pilot"}
    blind = await client.put(address, json=body, headers=token)
    assert blind.status_code == 428
    assert "ETag as If-Match" in blind.json()["advice"]
    made = await client.put(address, json=body, headers=token | {"If-Match": '"0"'})
    assert (made.status_code, made.headers["etag"]) == (200, '"1"')
    late = await client.put(address, json=body, headers=token | {"If-Match": '"0"'})
    assert (late.status_code, late.json()["code"]) == (412, "outdated")
    wrong = await client.put(
        address, json={"document": {"mode": 3, "servers": "perhaps"}}, headers=token | {"If-Match": '"1"'}
    )
    assert wrong.status_code == 400
    assert wrong.json()["problems"] == [
        "mode: write 'none', 'tagged' or 'any'.",
        "servers: write 'allow', 'ask' or 'refuse'.",
    ]
    group = await client.put(
        f"{API}/layers/group:Plant/7", json={"document": {"mode": "none"}}, headers=token | {"If-Match": '"0"'}
    )
    assert group.json()["scope"] == "group:Plant/7"
    effective = (await client.get(API, params={"group": "plant/7"})).json()
    assert next(each["value"] for each in effective["lines"] if each["field"] == "mode") == "none"
    assert effective["groups"] == ["Plant/7"]


async def test_versions_are_listed_and_compared(client: httpx.AsyncClient, token: dict[str, str]) -> None:
    for seen, tags in enumerate((["A", "B"], ["B", "C"])):
        await client.put(
            f"{API}/layers/organization",
            json={"document": {"protected_tags": tags}},
            headers=token | {"If-Match": f'"{seen}"'},
        )
    kept = (await client.get(f"{API}/history")).json()["items"]
    assert [each["version"] for each in kept] == [2, 1]
    diff = (await client.get(f"{API}/diff")).json()
    assert (diff["before"], diff["after"]) == (1, 2)
    assert diff["changed"] == [
        {"field": "protected_tags", "before": ["A", "B"], "after": ["B", "C"], "added": ["C"], "removed": ["A"]}
    ]
    assert (await client.get(f"{API}/layers/organization", params={"version": 1})).json()["document"] == {
        "protected_tags": ["A", "B"]
    }
    assert (await client.get(f"{API}/layers/organization", params={"version": 9})).status_code == 404


async def test_the_kill_switch_is_turned_with_a_reason(
    client: httpx.AsyncClient, token: dict[str, str], embedded: Database, contoso: Contoso
) -> None:
    assert (await client.post(f"{API}/freeze", json={"reason": ""}, headers=token)).status_code == 400
    assert (await client.post(f"{API}/freeze", json={"reason": "Storm"})).status_code == 403
    made = (await client.post(f"{API}/freeze", json={"reason": "Storm"}, headers=token)).json()
    assert made["document"] == {"frozen": True}
    again = (await client.post(f"{API}/freeze", json={"reason": "Again"}, headers=token)).json()
    assert again["version"] == made["version"]
    stops = (await client.get(API)).json()["stops"]
    assert [(each["scope"], each["note"]) for each in stops] == [("organization", "Kill switch on: Storm")]
    everywhere = {"reason": "All", "everywhere": True}
    assert (await client.post(f"{API}/freeze", json=everywhere, headers=token)).status_code == 403
    promoted = users.update().where(users.c.id == contoso.user_id).values(system_administrator=True)
    embedded.run_now(lambda tx: tx.execute(promoted))
    assert (await client.post(f"{API}/freeze", json=everywhere, headers=token)).json()["scope"] == "provider"
    assert (await client.post(f"{API}/unfreeze", json=everywhere, headers=token)).status_code == 200
    await client.post(f"{API}/unfreeze", json={"reason": "Over"}, headers=token)
    assert (await client.get(API)).json()["stops"] == []


async def test_brakes_are_listed_and_lifted(
    client: httpx.AsyncClient, token: dict[str, str], embedded: Database, contoso: Contoso
) -> None:
    found = Brake(Limit.PLAYBOOK, "Contain", "2 containments of the playbook Contain were decided.")
    embedded.run_now(
        lambda tx: brakes.trip(
            tx,
            service.get(tx, contoso.containment_id).organization_id,
            found,
            opens_at=None,
            containment_id=contoso.containment_id,
        )
    )
    listed = (await client.get(f"{API}/brakes")).json()["items"]
    assert [(each["limit"], each["subject"], each["holds"], each["refused"]) for each in listed] == [
        ("playbook", "Contain", True, 1)
    ]
    assert [each["id"] for each in (await client.get(API)).json()["brakes"]] == [listed[0]["id"]]
    soon = {"reason": "Real", "duration": "soon"}
    assert (await client.post(f"{API}/brakes/lift", json=soon, headers=token)).status_code == 400
    lifted = await client.post(f"{API}/brakes/lift", json={"reason": "Real", "more": 5}, headers=token)
    assert (lifted.json()["left"], lifted.json()["by"]) == (5, "megan.bowen")
    after = (await client.get(f"{API}/brakes")).json()["items"][0]
    assert (after["holds"], after["ended_by"], after["ended_why"]) == (False, "megan.bowen", "Real")


async def test_a_host_is_explained(client: httpx.AsyncClient, asked: Asked) -> None:
    found = (await client.get(f"{API}/explain", params={"machine": "dc-01", "as": "person"})).json()
    assert (found["outcome"], found["approvers"], found["needed"]) == ("ask", ["megan"], 1)
    assert asked.explained[0]["by_person"] is True


async def test_other_organizations_layers_stay_their_own(
    client: httpx.AsyncClient, embedded: Database, token: dict[str, str]
) -> None:
    from ringfence.organizations import service as organizations

    other = embedded.run_now(lambda tx: organizations.create(tx, "Fabrikam"))
    where = Scope(other.id, "Secret")
    embedded.run_now(lambda tx: policies.write(tx, where, {"mode": "none"}, expected_version=0, by="mara"))
    assert (await client.get(API)).json()["groups"] == []
    assert (await client.get(f"{API}/layers/group:Secret")).json()["version"] == 0
    assert (await client.get(f"{API}/layers/organization:{other.id}")).status_code == 400
