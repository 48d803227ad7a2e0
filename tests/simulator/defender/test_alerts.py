import time
from typing import Any

import httpx
import pytest

from ringfence.simulator import SimulatorControl
from ringfence.simulator.documents import ALERT_KEYS
from ringfence.simulator.tenant import Tenant

FILE = {"entityType": "File", "fileName": "a.exe"}


async def _ids(http: httpx.AsyncClient, query: str) -> list[str]:
    reply = await http.get(f"/api/alerts?{query}")
    assert reply.status_code == 200, reply.text
    return [alert["id"] for alert in reply.json()["value"]]


async def test_lists_are_ascending_by_id_and_complete_in_shape(
    http: httpx.AsyncClient, control: SimulatorControl
) -> None:
    await control.inject_alerts("wks-001", count=5, evidence=[FILE])
    reply = (await http.get("/api/alerts")).json()
    assert reply["@odata.context"] == "https://api.securitycenter.microsoft.com/api/$metadata#Alerts"
    keys = [alert["id"] for alert in reply["value"]]
    assert keys == sorted(keys)
    assert all(tuple(alert) == ALERT_KEYS and alert["evidence"] == [] for alert in reply["value"])


async def test_evidence_comes_when_expanded_and_with_a_single_alert(
    http: httpx.AsyncClient, control: SimulatorControl
) -> None:
    (key,) = await control.inject_alerts("wks-001", evidence=[FILE])
    expanded = (await http.get("/api/alerts?$expand=evidence")).json()["value"][0]
    single = (await http.get(f"/api/alerts/{key}")).json()
    assert expanded["evidence"][0]["fileName"] == "a.exe"
    assert single.pop("@odata.context").endswith("#Alerts/$entity")
    assert single == expanded


async def test_a_poll_by_update_time_sees_what_changed_since(
    http: httpx.AsyncClient, control: SimulatorControl
) -> None:
    (old,) = await control.inject_alerts("wks-001", age=600)
    (fresh,) = await control.inject_alerts("wks-002", severity="High", category="Ransomware")
    since = "$filter=lastUpdateTime+ge+2026-03-01T11:55:00Z"
    assert await _ids(http, since) == [fresh]
    await control.edit_alert(old, status="InProgress", comment="looking")
    assert sorted(await _ids(http, since)) == sorted([old, fresh])
    assert await _ids(http, "$filter=severity eq 'High' and category eq 'Ransomware'&$top=5") == [fresh]
    assert await _ids(http, "$orderby=alertCreationTime desc") == [fresh, old]


async def test_properties_outside_the_documented_list_cannot_be_filtered(http: httpx.AsyncClient) -> None:
    reply = await http.get("/api/alerts", params={"$filter": "machineId eq 'x'"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "ODataError")
    assert "target" in reply.json()["error"]


async def test_an_unknown_option_is_refused_as_recorded(http: httpx.AsyncClient) -> None:
    reply = await http.get("/api/alerts?$stop=5")
    assert reply.status_code == 400
    assert reply.json() == {
        "error": {
            "code": "",
            "message": "The query specified in the URI is not valid. Custom query option '$stop' that starts with '$' "
            "is not supported.",
            "details": [],
        }
    }


async def test_an_update_changes_comments_and_moves_the_time(
    http: httpx.AsyncClient, control: SimulatorControl
) -> None:
    (key,) = await control.inject_alerts("wks-001")
    await control.advance(60)
    body = {
        "status": "Resolved",
        "assignedTo": "secop2@contoso.com",
        "classification": "FalsePositive",
        "determination": "Malware",
        "comment": "done",
    }
    document = (await http.patch(f"/api/alerts/{key}", json=body)).json()
    assert {name: document[name] for name in body if name != "comment"} == {
        name: value for name, value in body.items() if name != "comment"
    }
    assert document["comments"] == [
        {"comment": "done", "createdBy": "Ringfence", "createdTime": "2026-03-01T12:01:00Z"}
    ]
    assert document["lastUpdateTime"] == document["resolvedTime"] == "2026-03-01T12:01:00Z"
    await control.advance(1)
    again = (await http.patch(f"/api/alerts/{key}", json={"comment": "more"})).json()
    assert [item["comment"] for item in again["comments"]] == ["done", "more"]
    assert again["status"] == "Resolved"


async def test_an_update_of_nothing_moves_nothing(http: httpx.AsyncClient, control: SimulatorControl) -> None:
    (key,) = await control.inject_alerts("wks-001")
    await control.advance(60)
    assert (await http.patch(f"/api/alerts/{key}", json={})).json()["lastUpdateTime"] == "2026-03-01T12:00:00Z"


@pytest.mark.parametrize(
    "body",
    [{"Status": "New"}, {"status": "Unknown"}, {"comment": 7}, {"determination": "Apt"}, {"assignedTo": None}, []],
)
async def test_wrong_and_miscased_bodies_are_refused(
    http: httpx.AsyncClient, control: SimulatorControl, body: Any
) -> None:
    (key,) = await control.inject_alerts("wks-001")
    reply = await http.patch(f"/api/alerts/{key}", json=body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "InvalidRequestBody")


async def test_an_unknown_alert_is_not_found(http: httpx.AsyncClient) -> None:
    for reply in (await http.get("/api/alerts/nope"), await http.patch("/api/alerts/nope", json={"status": "New"})):
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "ResourceNotFound")


async def test_the_machine_of_an_alert(http: httpx.AsyncClient, control: SimulatorControl, machine_id: str) -> None:
    (key,) = await control.inject_alerts("wks-001")
    reply = (await http.get(f"/api/alerts/{key}/machine")).json()
    assert (reply["id"], reply["@odata.context"][-17:]) == (machine_id, "#Machines/$entity")


async def test_a_malformed_alert_is_delivered_as_it_is(http: httpx.AsyncClient, control: SimulatorControl) -> None:
    document = {"id": "odd", "severity": 7, "lastUpdateTime": None, "evidence": "none"}
    await control.inject_document(document)
    reply = await http.get("/api/alerts", params={"$filter": "lastUpdateTime ge 2026-03-01T12:00:00Z"})
    assert reply.json()["value"] == [{**document, "evidence": []}]
    assert (await http.get("/api/alerts", params={"$filter": "severity gt 'A'"})).json()["value"] == []


async def test_ten_thousand_alerts_are_listed_in_little_time(
    http: httpx.AsyncClient, control: SimulatorControl, contoso: Tenant
) -> None:
    await control.inject_alerts("wks-001", count=10_000, evidence=[FILE])
    assert len(contoso.alerts) == 10_000
    query = {"$filter": "lastUpdateTime ge 2026-03-01T11:00:00Z", "$top": "1000"}
    await http.get("/api/alerts", params=query)
    begun = time.process_time()
    for _ in range(5):
        reply = await http.get("/api/alerts", params=query)
    spent = (time.process_time() - begun) / 5
    assert len(reply.json()["value"]) == 1_000
    assert spent < 0.1
