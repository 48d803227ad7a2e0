import httpx

from accounts_samples import an_organization
from contoso import Contoso, rule_everywhere
from ringfence.storage import Database
from webfixtures import csrf


async def test_services_show_their_state_and_what_their_words_mean(client: httpx.AsyncClient) -> None:
    items = (await client.get("/api/v1/services")).json()["items"]
    assert [(each["name"], each["state"]) for each in items] == [("contoso", "running"), ("contoso-gov", "failed")]
    first = items[0]
    assert (first["interval"], first["interval_seconds"], first["history"]) == ("1 min", 60.0, "1 day ago")
    assert first["history_start"].endswith("Z")
    assert (await client.get(f"/api/v1/services/{first['id']}")).json()["hits"] == 12


async def test_a_service_is_made_changed_switched_and_removed(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    new = {"name": "night", "account_id": contoso.account_id, "interval": "adaptive", "history": "30 days ago"}
    made = await client.post("/api/v1/services", json=new)
    assert made.status_code == 201
    address = f"/api/v1/services/{made.json()['id']}"
    assert made.json()["interval_seconds"] is None
    wanted = {"name": "day", "interval": "5", "updates": False}
    assert (await client.patch(address, json=wanted)).status_code == 428
    seen = {"If-Match": (await client.get(address)).headers["ETag"]}
    changed = (await client.patch(address, json=wanted, headers=seen)).json()
    assert (await client.patch(address, json=wanted, headers=seen)).status_code == 412
    assert (changed["name"], changed["interval"], changed["updates"]) == ("day", "5 min", False)
    assert changed["history"] == "30 days ago"
    assert (await client.post(f"{address}/pause")).json()["state"] == "off"
    assert (await client.post(f"{address}/resume")).json()["state"] == "starting"
    assert (await client.delete(address)).status_code == 204
    assert (await client.get(address)).status_code == 404


async def test_what_cannot_be_meant_is_a_problem_with_advice(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    new = {"name": "night", "account_id": contoso.account_id}
    for values in ({"history": "in 3 days"}, {"interval": "often"}, {"source": "siem"}, {"unknown": 1}):
        answer = await client.post("/api/v1/services", json=new | values)
        assert answer.status_code in (400, 422), values
    assert (await client.post("/api/v1/services", json=new | {"name": "contoso"})).status_code == 409
    assert (await client.post("/api/v1/services", json=new | {"account_id": "none"})).status_code == 404


async def test_without_the_sessions_token_nothing_changes(client: httpx.AsyncClient) -> None:
    first = (await client.get("/api/v1/services")).json()["items"][0]
    assert (await client.post(f"/api/v1/services/{first['id']}/pause")).status_code == 403


async def test_a_service_is_shared_with_organizations_by_who_may_see_them(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    fabrikam = an_organization(embedded, "Fabrikam")
    service = (await client.get("/api/v1/services")).json()["items"][0]
    address = f"/api/v1/services/{service['id']}"

    async def share(**wanted: object) -> httpx.Response:
        seen = (await client.get(address)).headers["etag"]
        headers = {"X-CSRF-Token": csrf(client, embedded), "If-Match": seen}
        return await client.patch(address, json=wanted, headers=headers)

    refused = await share(shared_with=["Fabrikam"])
    assert (refused.status_code, refused.json()["permission"]) == (403, "organization:manage")
    embedded.run_now(lambda tx: rule_everywhere(tx, contoso))
    assert (await share(shared_with=["Fabrikam", fabrikam])).json()["shared_with"] == [fabrikam]
    assert (await share(shared_with=["Nobody"])).status_code == 404
    everybody = (await share(everybody=True)).json()
    assert (everybody["everybody"], everybody["shared_with"]) == (True, [fabrikam])
    alone = (await share(everybody=False, shared_with=[])).json()
    assert (alone["everybody"], alone["shared_with"]) == (False, [])
