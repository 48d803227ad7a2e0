"""The page of webhooks out."""

import httpx

from contoso import Contoso
from ringfence.storage import Database
from ringfence.subscriptions import records
from webfixtures import csrf


async def test_a_system_is_subscribed_tried_paused_given_a_new_secret_and_removed(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    token = {"csrf": csrf(client, embedded)}
    assert "Nobody is told yet" in (await client.get("/subscriptions")).text
    new = {"name": "siem", "address": "https://siem.contoso.com/hook", "events": "containment.*, run.over"}
    wrong = await client.post("/subscriptions", data=token | new | {"address": "http://siem.contoso.com"})
    assert (wrong.status_code, "by https only" in wrong.text, "run.over" in wrong.text) == (400, True, True)
    made = await client.post("/subscriptions", data=token | new)
    assert "whsec_" in made.text
    shown = await client.get("/subscriptions")
    assert "whsec_" not in shown.text
    (found,) = embedded.read_now(lambda tx: records.every(tx, contoso.organization_id))
    assert found.events == ("containment.*", "run.over")
    here = f"/subscriptions/{found.id}"
    assert (await client.post(f"{here}/test", data=token)).status_code == 303
    (message,) = embedded.read_now(lambda tx: records.sent(tx, found))
    assert "ringfence.test" in (await client.get("/subscriptions")).text
    assert (await client.post(f"{here}/messages/{message.id}/redeliver", data=token)).status_code == 303
    assert (await client.post(f"{here}/switch", data=token | {"on": "no"})).status_code == 303
    paused = await client.post(f"{here}/test", data=token)
    assert (paused.status_code, "Switch it on first" in paused.text) == (409, True)
    assert "Switch on" in (await client.get("/subscriptions")).text
    assert "whsec_" in (await client.post(f"{here}/rotate", data=token)).text
    assert (await client.post(f"{here}/remove", data=token)).status_code == 303
    assert embedded.read_now(lambda tx: records.every(tx, contoso.organization_id)) == []
