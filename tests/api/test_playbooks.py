import httpx

from contoso import Contoso


async def test_a_playbook_comes_with_its_source(client: httpx.AsyncClient, contoso: Contoso) -> None:
    listed = (await client.get("/api/v1/playbooks")).json()["items"]
    assert [(item["name"], item["version"], item["state"]) for item in listed] == [
        ("Contain ransomware", "1.3", "active")
    ]
    one = (await client.get(f"/api/v1/playbooks/{contoso.playbook_id}")).json()
    assert "type: defender.alert" in one["source"]
