import httpx

from contoso import Contoso
from listening_world import runs_of
from ringfence.storage import Database
from webfixtures import csrf


async def test_a_playbook_comes_with_its_source(client: httpx.AsyncClient, contoso: Contoso) -> None:
    listed = (await client.get("/api/v1/playbooks")).json()["items"]
    assert [(item["name"], item["version"], item["state"]) for item in listed] == [
        ("Contain ransomware", "1.3", "active")
    ]
    one = (await client.get(f"/api/v1/playbooks/{contoso.playbook_id}")).json()
    assert "type: defender.alert" in one["source"]


async def test_a_playbook_is_started_by_its_name_once_for_each_key(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    sent = {"X-CSRF-Token": csrf(client, embedded), "Idempotency-Key": "4f6c"}
    body = {"alert": contoso.alert_id}
    address = "/api/v1/playbooks/Contain%20ransomware/runs"
    first = await client.post(address, json=body, headers=sent)
    again = await client.post(address, json=body, headers=sent)
    assert (first.status_code, again.status_code) == (202, 202)
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    assert first.json()["repeated"] is False
    assert again.json()["run_id"] == first.json()["run_id"]
    run = (await client.get(first.headers["location"])).json()
    assert run["trigger"]["type"] == "manual"
    assert run["trigger"]["by"]
    other = await client.post(address, json={"alert": contoso.alert_id, "inputs": {"a": "b"}}, headers=sent)
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    assert other.headers["content-type"] == "application/problem+json"


async def test_a_start_needs_a_session_its_token_and_its_own_origin(
    client: httpx.AsyncClient, visitor: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    before = len(runs_of(embedded))
    address, body = f"/api/v1/playbooks/{contoso.playbook_id}/runs", {"alert": contoso.alert_id}
    token = {"X-CSRF-Token": csrf(client, embedded)}
    assert (await visitor.post(address, json=body, headers=token)).status_code == 401
    for headers in ({}, {"X-CSRF-Token": "wrong"}, token | {"Origin": "https://fabrikam.example"}):
        assert (await client.post(address, json=body, headers=headers)).status_code == 403
    assert len(runs_of(embedded)) == before


async def test_what_cannot_be_used_is_told(client: httpx.AsyncClient, embedded: Database) -> None:
    token = {"X-CSRF-Token": csrf(client, embedded)}
    address = "/api/v1/playbooks/Contain%20ransomware/runs"
    assert (await client.post(address, json={"alrt": "x"}, headers=token)).status_code == 400
    assert (await client.post(address, json={"alert": "gone"}, headers=token)).status_code == 404
    assert (await client.post("/api/v1/playbooks/none/runs", json={}, headers=token)).status_code == 404
    long = await client.post(address, json={}, headers=token | {"Idempotency-Key": "x" * 201})
    assert long.status_code == 400
