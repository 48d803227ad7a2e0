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


async def test_why_an_alert_did_or_did_not_start_playbooks(client: httpx.AsyncClient, contoso: Contoso) -> None:
    found = (await client.get(f"/api/v1/alerts/{contoso.alert_id}/why")).json()
    assert (found["id"], found["notes"]) == (contoso.alert_id, [])
    second, first = found["versions"]
    assert (first["changes"], first["standing"], first["differences"]) == (["created"], "news", [])
    (playbook,) = first["playbooks"]
    assert (playbook["verdict"], playbook["playbook"], playbook["number"]) == ("started", "Contain ransomware", "1.3")
    assert (playbook["run_id"], playbook["run_status"]) == (contoso.live_run_id, "waiting")
    assert (second["changes"], second["standing"], second["ours"]) == (["reassigned", "updated"], "mixed", ["comments"])
    (playbook,) = second["playbooks"]
    assert playbook["reason"] == "The alert was reassigned and updated, not created."
    assert [each["field"] for each in playbook["conditions"] if not each["matched"]] == ["changes", "status"]


async def test_why_of_an_alert_that_is_not_there_is_an_error(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/alerts/nothing/why")).status_code == 404
