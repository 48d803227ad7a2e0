import httpx

from ringfence.simulator import SimulatorControl
from ringfence.simulator.investigations import KEYS


async def test_an_investigation_is_started_followed_and_ends(
    http: httpx.AsyncClient, control: SimulatorControl, machine_id: str
) -> None:
    reply = await http.post(f"/api/machines/{machine_id}/startInvestigation", json={"Comment": "look"})
    body = reply.json()
    assert reply.status_code == 201
    body.pop("@odata.context")
    assert tuple(body) == KEYS
    assert (body["state"], body["endTime"]) == ("Running", None)
    alert = (await http.get(f"/api/alerts/{body['triggeringAlertId']}")).json()
    assert alert["id"].startswith("ar")
    assert (alert["title"], alert["severity"]) == ("Automated investigation started manually", "Informational")
    assert alert["investigationId"] == int(body["id"])
    await control.advance(60)
    ended = (await http.get(f"/api/investigations/{body['triggeringAlertId']}")).json()
    assert (ended["state"], ended["endTime"]) == ("Benign", "2026-03-01T12:01:00Z")
    assert (await http.get(f"/api/alerts/{alert['id']}")).json()["assignedTo"] == "Automation"


async def test_investigations_are_listed_newest_first_and_filtered(
    http: httpx.AsyncClient, control: SimulatorControl, machine_id: str
) -> None:
    url = f"/api/machines/{machine_id}/startInvestigation"
    keys = [(await http.post(url, json={"Comment": "x"})).json()["id"] for _ in range(2)]
    body = (await http.get("/api/investigations")).json()
    assert body["@odata.context"].endswith("#Investigations")
    assert [item["id"] for item in body["value"]] == keys[::-1]
    text = f"state eq 'Running' and machineId eq '{machine_id}' and startTime ge 2026-03-01T00:00:00Z"
    assert len((await http.get("/api/investigations", params={"$filter": text, "$top": "1"})).json()["value"]) == 1


async def test_a_comment_and_a_known_machine_are_needed(http: httpx.AsyncClient, machine_id: str) -> None:
    missing = await http.post(f"/api/machines/{machine_id}/startInvestigation", json={})
    assert missing.json()["error"]["message"] == "Parameter Comment is missing."
    assert (await http.post("/api/machines/none/startInvestigation", json={"Comment": "x"})).status_code == 404
    assert (await http.get("/api/investigations/1")).json()["error"]["code"] == "ResourceNotFound"
