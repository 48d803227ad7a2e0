import httpx

from ringfence.storage import Database
from webfixtures import csrf


async def test_accounts_and_hosts_are_made_listed_and_removed_and_secrets_never_told(
    client: httpx.AsyncClient, embedded: Database
) -> None:
    new = {"name": "rep", "kind": "basic", "address": "https://api.contoso.com", "user": "ines", "secret": "s3cret"}
    assert (await client.post("/api/v1/http-accounts", json=new)).status_code == 403
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    made = await client.post("/api/v1/http-accounts", json=new)
    assert made.status_code == 201
    assert made.json()["shown"] == {"user": "ines"}
    here = f"/api/v1/http-accounts/{made.json()['id']}"
    renewed = await client.post(f"{here}/renew", json={"secret": "n3w-s3cret"})
    listed = await client.get("/api/v1/http-accounts")
    assert [each["name"] for each in listed.json()["items"]] == ["rep"]
    for answer in (made, renewed, listed):
        assert "s3cret" not in answer.text
    assert (await client.delete(here)).status_code == 204
    wrong = await client.post("/api/v1/http-accounts", json=new | {"address": "http://api.contoso.com"})
    assert wrong.status_code == 400
    assert "s3cret" not in wrong.text
    allowed = await client.post("/api/v1/destinations", json={"host": "*.contoso.com", "note": "ours"})
    assert allowed.status_code == 201
    assert (await client.get("/api/v1/destinations")).json()["items"][0]["host"] == "*.contoso.com"
    assert (await client.delete(f"/api/v1/destinations/{allowed.json()['id']}")).status_code == 204
    assert (await client.post("/api/v1/destinations", json={"host": "*"})).status_code == 400
