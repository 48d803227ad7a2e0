import httpx
import pytest

from ringfence.simulator import SimulatorControl

EVIDENCE = [
    {"entityType": "File", "fileName": "a.exe", "sha1": "A" * 40, "sha256": "b" * 64},
    {"entityType": "Process", "fileName": "a.exe", "sha1": "a" * 40},
    {"entityType": "Ip", "ipAddress": "203.0.113.9"},
    {"entityType": "Url", "url": "https://www.Fabrikam.com/x"},
    {"entityType": "Url", "url": "http://[broken"},
]


@pytest.fixture
async def alert_id(control: SimulatorControl) -> str:
    (key,) = await control.inject_alerts("wks-001", evidence=EVIDENCE, user="asmith")
    return key


async def test_what_an_alert_is_about_is_listed_each_thing_once(http: httpx.AsyncClient, alert_id: str) -> None:
    assert (await http.get(f"/api/alerts/{alert_id}/domains")).json() == {"value": [{"host": "www.fabrikam.com"}]}
    assert (await http.get(f"/api/alerts/{alert_id}/ips")).json() == {"value": [{"id": "203.0.113.9"}]}
    (file,) = (await http.get(f"/api/alerts/{alert_id}/files")).json()["value"]
    assert (file["sha1"], file["sha256"]) == ("a" * 40, "b" * 64)


async def test_the_user_of_an_alert_is_read(http: httpx.AsyncClient, alert_id: str, control: SimulatorControl) -> None:
    user = (await http.get(f"/api/alerts/{alert_id}/user")).json()
    assert (user["id"], user["accountName"]) == ("contoso\\asmith", "asmith")
    (lonely,) = await control.inject_alerts("wks-001")
    reply = await http.get(f"/api/alerts/{lonely}/user")
    assert (reply.status_code, reply.json()["error"]["message"]) == (404, f"There is no User related to alert {lonely}")


@pytest.mark.parametrize("what", ["domains", "files", "ips", "user", "machine"])
async def test_an_unknown_alert_is_404(http: httpx.AsyncClient, what: str) -> None:
    reply = await http.get(f"/api/alerts/da1_1/{what}")
    assert (reply.status_code, reply.json()["error"]["message"]) == (404, "Alert da1_1 was not found")


async def test_an_odd_alert_has_no_relations(http: httpx.AsyncClient, control: SimulatorControl) -> None:
    key = await control.inject_document({"id": "odd", "evidence": "none", "relatedUser": 7})
    for what in ("domains", "files", "ips"):
        assert (await http.get(f"/api/alerts/{key}/{what}")).json()["value"] == []
    assert (await http.get(f"/api/alerts/{key}/user")).status_code == 404
