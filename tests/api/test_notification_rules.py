import httpx

from contoso import Contoso
from notification_world import a_channel
from ringfence.notifications import outbox
from ringfence.notifications.events import Event
from ringfence.notifications.outbox import News
from ringfence.storage import Database
from webfixtures import csrf


async def test_rules_are_made_previewed_changed_and_removed_and_a_notice_taken_over(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    a_channel(embedded, contoso.organization_id)
    news = News(Event.BRAKE_TRIPPED, "1", "brake", "1", "A limit was reached", "", "/containment")
    embedded.run_now(lambda tx: outbox.tell(tx, contoso.organization_id, news))
    headers = {"X-CSRF-Token": csrf(client, embedded)}
    rule = {"name": "all", "who": {"channels": ["soc"]}, "quiet": "22:00-06:00 UTC"}
    told = (await client.post("/api/v1/notification-rules/preview", json=rule, headers=headers)).json()["items"]
    assert [(each["event"], each["deliveries"][0]["to"]) for each in told] == [("brake_tripped", "soc")]
    made = (await client.post("/api/v1/notification-rules", json=rule, headers=headers)).json()
    assert [each["id"] for each in (await client.get("/api/v1/notification-rules")).json()["items"]] == [made["id"]]
    address = f"/api/v1/notification-rules/{made['id']}"
    escalates = rule | {"escalate_after": 600, "escalate_to": {"addresses": ["duty@contoso.com"]}}
    assert (await client.put(address, json=escalates, headers=headers)).status_code == 428
    read = await client.get(address)
    assert read.json() == made
    seen = headers | {"If-Match": read.headers["ETag"]}
    answer = await client.put(address, json=escalates, headers=seen)
    changed = answer.json()
    assert (changed["escalate_after"], changed["escalate_to"]["addresses"]) == (600, ["duty@contoso.com"])
    late = await client.put(address, json=rule, headers=seen)
    assert (late.status_code, late.json()["code"]) == (412, "outdated")
    seen = headers | {"If-Match": answer.headers["ETag"]}
    assert (await client.put(address, json=rule | {"who": {}}, headers=seen)).status_code == 400
    by_name = await client.put("/api/v1/notification-rules/all", json=rule, headers=seen)
    assert (by_name.json()["id"], by_name.json()["escalate_after"]) == (made["id"], None)
    assert (await client.delete(address, headers=headers)).status_code == 204
    assert (await client.delete(address, headers=headers)).status_code == 404
    (line,) = (await client.get("/api/v1/notifications")).json()["items"]
    taken = await client.post(f"/api/v1/notifications/{line['notice_id']}/take", headers=headers)
    assert taken.status_code == 204
    (line,) = (await client.get("/api/v1/notifications")).json()["items"]
    assert line["taken_by"]
