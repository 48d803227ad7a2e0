"""Webhooks in, by the API."""

import httpx

from listening_world import refused
from ringfence.listeners import refusals
from ringfence.listeners.refusals import Reason
from ringfence.storage import Database
from webfixtures import csrf

API = "/api/v1/webhooks"


async def test_a_webhook_is_made_used_rotated_and_removed(client: httpx.AsyncClient, embedded: Database) -> None:
    assert (await client.post(API, json={"name": "siem"})).status_code == 403
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    made = await client.post(API, json={"name": "siem", "answer_within": 5})
    assert made.status_code == 201
    webhook, secret = made.json()["webhook"], made.json()["secret"]
    assert (webhook["address"], webhook["secrets"]) == (f"http://ringfence.test/hooks/{webhook['id']}", 1)
    assert secret.startswith("whsec_")
    assert (await client.post(API, json={"name": "siem"})).status_code == 409
    shown = await client.get(f"{API}/siem")
    assert shown.json() == webhook
    assert secret not in shown.text + (await client.get(API)).text
    changed = await client.patch(f"{API}/siem", json={"answer_within": 0})
    assert changed.json()["answer_within"] == 0
    assert (await client.patch(f"{API}/siem", json={"answer_within": 1_000})).status_code == 400
    off = await client.patch(f"{API}/siem", json={"enabled": False})
    assert (off.json()["enabled"], off.json()["answer_within"]) == (False, 0)
    assert (await client.patch(f"{API}/siem", json={"enabled": True})).json()["enabled"] is True
    fresh = (await client.post(f"{API}/siem/rotate", json={"keep_seconds": 60})).json()
    assert fresh["secret"] != secret
    assert fresh["old_secrets_end_at"] is not None
    assert fresh["webhook"]["secrets"] == 2
    assert (await client.get(f"{API}/siem/messages")).json() == {"items": [], "next": None}
    embedded.run_now(lambda tx: refusals.write(tx, {webhook["id"]: refused(Reason.OFF, dropped=3)}))
    (kept,) = (await client.get(f"{API}/siem/refusals")).json()["items"]
    assert (kept["reason"], kept["address"], "switched off" in kept["said"]) == ("off", "203.0.113.7", True)
    (counted,) = (await client.get(f"{API}/siem/refusal-counts")).json()["items"]
    assert (counted["reason"], counted["refused"], counted["dropped"]) == ("off", 4, 3)
    assert (await client.delete(f"{API}/{webhook['id']}")).status_code == 204
    assert (await client.get(f"{API}/siem")).status_code == 404
