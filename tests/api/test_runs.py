import httpx

from contoso import Contoso


async def test_runs_are_filtered(client: httpx.AsyncClient, contoso: Contoso) -> None:
    found = (await client.get("/api/v1/runs?status=failed&status=succeeded")).json()["items"]
    assert [item["status"] for item in found] == ["failed", "succeeded"]
    found = (await client.get(f"/api/v1/runs?alert_id={contoso.alert_id}&playbook_id={contoso.playbook_id}")).json()
    assert [item["id"] for item in found["items"]] == [contoso.live_run_id]


async def test_one_run_comes_with_steps_and_log(client: httpx.AsyncClient, contoso: Contoso) -> None:
    run = (await client.get(f"/api/v1/runs/{contoso.live_run_id}")).json()
    assert [step["status"] for step in run["steps"]][-2:] == ["waiting", "pending"]
    assert run["steps"][1]["output"]["healthStatus"] == "Active"
    assert run["log"][0]["message"] == "jmespath.query started"
    assert run["trigger"]["type"] == "defender.alert"
