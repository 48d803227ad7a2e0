import httpx

from notification_world import web_server
from ringfence.storage import Database
from webfixtures import csrf


async def test_a_channel_is_made_tested_listed_and_removed(client: httpx.AsyncClient, embedded: Database) -> None:
    new = {"name": "soc", "address": "json://user:s3cret@127.0.0.1/hook"}
    assert (await client.post("/api/v1/channels", json=new)).status_code == 403
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    with web_server() as (port, bodies):
        made = await client.post("/api/v1/channels", json=new | {"address": f"json://u:s3cret@127.0.0.1:{port}/"})
        assert made.status_code == 201
        assert "s3cret" not in made.text
        assert made.json()["shown"] == "json://…"
        assert (await client.post(f"/api/v1/channels/{made.json()['id']}/test")).status_code == 204
        assert len(bodies) == 1
    assert (await client.post("/api/v1/channels", json=new)).status_code == 409
    assert [each["name"] for each in (await client.get("/api/v1/channels")).json()["items"]] == ["soc"]
    assert (await client.get("/api/v1/notifications")).json() == {"items": [], "next": None}
    assert (await client.delete(f"/api/v1/channels/{made.json()['id']}")).status_code == 204
    assert (await client.post(f"/api/v1/channels/{made.json()['id']}/test")).status_code == 404


async def test_what_cannot_be_meant_is_a_problem(client: httpx.AsyncClient, embedded: Database) -> None:
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    for more in ({}, {"address": "file:///etc/passwd"}, {"unknown": 1}, {"host": "smtp.contoso.com", "to": []}):
        assert (await client.post("/api/v1/channels", json={"name": "x"} | more)).status_code == 400, more


async def test_a_channel_is_changed_by_who_has_seen_how_it_is(client: httpx.AsyncClient, embedded: Database) -> None:
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    new = {"name": "soc", "address": "json://hooks.contoso.com/s3cret", "quiet": "22:00-06:00", "events": ["message"]}
    made = (await client.post("/api/v1/channels", json=new)).json()
    here = f"/api/v1/channels/{made['id']}"
    read = await client.get(here)
    assert read.json() == made
    assert (await client.patch(here, json={"quiet": ""})).status_code == 428
    for wrong in ({"quiet": "late"}, {"address": "file:///etc/passwd"}, {"unknown": 1}, {"port": 70_000}):
        assert (await client.patch(here, json=wrong, headers={"If-Match": read.headers["ETag"]})).status_code == 400
    changed = await client.patch(here, json={"quiet": "", "events": []}, headers={"If-Match": read.headers["ETag"]})
    assert changed.json() == made | {"quiet": "", "events": []}
    late = await client.patch(here, json={"name": "late"}, headers={"If-Match": read.headers["ETag"]})
    assert (late.status_code, late.json()["code"]) == (412, "outdated")
    nothing = await client.patch(here, json={"name": None}, headers={"If-Match": changed.headers["ETag"]})
    assert (nothing.json(), nothing.headers["ETag"]) == (changed.json(), changed.headers["ETag"])
    assert (await client.get("/api/v1/channels/nobody")).status_code == 404
