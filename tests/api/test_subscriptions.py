"""Webhooks out, by the API."""

import httpx

from ringfence.storage import Database
from webfixtures import csrf

API = "/api/v1/subscriptions"
NEW = {"name": "siem", "address": "https://siem.contoso.com/ringfence", "events": ["containment.*"]}


async def test_a_subscription_is_made_changed_tried_rotated_and_removed(
    client: httpx.AsyncClient, embedded: Database
) -> None:
    assert (await client.post(API, json=NEW)).status_code == 403
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    made = await client.post(API, json=NEW)
    assert made.status_code == 201
    secret = made.json()["secret"]
    assert secret.startswith("whsec_")
    shown = await client.get(f"{API}/siem")
    assert shown.json() == made.json()["subscription"]
    assert secret not in shown.text + (await client.get(API)).text
    for wrong in ({"address": "http://siem.contoso.com"}, {"events": ["nothing.*"]}, {"name": ""}):
        assert (await client.post(API, json=NEW | {"name": "other"} | wrong)).status_code == 400
    assert (await client.patch(f"{API}/siem", json={"state": "paused"})).status_code == 428
    seen = {"If-Match": shown.headers["etag"]}
    paused = await client.patch(f"{API}/siem", json={"state": "paused"}, headers=seen)
    assert paused.json()["state"] == "paused"
    assert (await client.patch(f"{API}/siem", json={"state": "on"}, headers=seen)).status_code == 412
    assert (await client.post(f"{API}/siem/test")).status_code == 409
    again = {"If-Match": paused.headers["etag"]}
    await client.patch(f"{API}/siem", json={"state": "on", "events": []}, headers=again)
    tried = await client.post(f"{API}/siem/test")
    assert (tried.status_code, tried.json()["state"], tried.json()["kind"]) == (202, "waiting", "ringfence.test")
    listed = (await client.get(f"{API}/siem/messages")).json()["items"]
    assert [each["id"] for each in listed] == [tried.json()["id"]]
    resent = await client.post(f"{API}/siem/messages/{listed[0]['id']}/redeliver")
    assert (resent.status_code, resent.json()["id"]) == (202, listed[0]["id"])
    assert (await client.post(f"{API}/siem/messages/none/redeliver")).status_code == 404
    fresh = (await client.post(f"{API}/siem/rotate", json={})).json()
    assert (fresh["secret"] != secret, fresh["subscription"]["secrets"]) == (True, 2)
    assert (await client.delete(f"{API}/siem")).status_code == 204
    assert (await client.get(f"{API}/siem")).status_code == 404


async def test_what_can_be_subscribed_to_is_listed(client: httpx.AsyncClient) -> None:
    found = (await client.get(f"{API}/nouns")).json()["items"]
    assert {"containment", "incident", "run"} <= {each["noun"] for each in found}
