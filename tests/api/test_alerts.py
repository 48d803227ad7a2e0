import httpx

from contoso import Contoso


async def test_alerts_are_filtered(client: httpx.AsyncClient) -> None:
    query = "severity=High&severity=Low&status=New"
    found = (await client.get(f"/api/v1/alerts?{query}")).json()["items"]
    assert {item["severity"] for item in found} == {"High", "Low"}
    assert len((await client.get("/api/v1/alerts?text=fin-ws")).json()["items"]) == 2
    assert len((await client.get("/api/v1/alerts?machine=dc-01.contoso.com")).json()["items"]) == 1
    assert len((await client.get("/api/v1/alerts?category=Malware")).json()["items"]) == 1


async def test_one_alert_comes_with_the_document(client: httpx.AsyncClient, contoso: Contoso) -> None:
    alert = (await client.get(f"/api/v1/alerts/{contoso.alert_id}")).json()
    assert alert["account"] == "contoso"
    assert alert["raw"]["evidence"][0]["fileName"] == "powershell.exe"
    assert alert["ingested_at"].endswith("Z")
