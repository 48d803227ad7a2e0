import httpx

from contoso import Contoso


async def test_incidents_are_listed_with_what_they_hold(client: httpx.AsyncClient) -> None:
    items = (await client.get("/api/v1/incidents?status=open&status=in_progress")).json()["items"]
    assert [(each["number"], each["alerts_count"], each["hosts_isolated"]) for each in items] == [(3, 1, 1), (2, 1, 0)]
    assert (items[0]["tasks_count"], items[0]["tasks_undone"]) == (3, 2)
    page = (await client.get("/api/v1/incidents?limit=2")).json()
    assert [each["number"] for each in page["items"]] == [3, 2]
    after = await client.get("/api/v1/incidents", params={"cursor": page["next"]})
    assert [each["number"] for each in after.json()["items"]] == [1]


async def test_one_incident_comes_whole(client: httpx.AsyncClient, contoso: Contoso) -> None:
    one = (await client.get(f"/api/v1/incidents/{contoso.incident_number}")).json()
    assert one["machines"][0]["name"] == "fin-ws-014.contoso.com"
    assert [each["name"] for each in one["users"]] == ["CONTOSO\\adele.vance"]
    assert [each["name"] for each in one["clocks"]][:3] == ["event", "created", "ingested"]
    assert (one["hosts"][0]["held"], one["hosts"][0]["isolated"]) == (True, True)
    assert {each["kind"] for each in one["timeline"]} >= {"created", "noted", "task_added", "contained"}
    assert len(one["suggestions"][0]["alerts"]) == 10
    assert one["suggestions"][0]["elsewhere"] == [2]
    suggested = await client.get(f"/api/v1/incidents/{contoso.incident_number}/suggestions")
    assert suggested.json() == {"items": one["suggestions"], "next": None}
    for bad in ("99", str(10**30), "-1"):
        assert (await client.get(f"/api/v1/incidents/{bad}")).status_code == 404
