from typing import Any

import httpx
import pytest

from ringfence.simulator import SimulatorControl, telemetry
from ringfence.simulator.tenant import Tenant

EVIDENCE = [{"entityType": "Process", "fileName": "a.exe", "sha1": "a" * 40}]


def _code(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


async def test_several_alerts_are_changed_alike_and_the_answer_is_empty(
    http: httpx.AsyncClient, control: SimulatorControl, contoso: Tenant
) -> None:
    first, second = await control.inject_alerts("wks-001", count=2)
    body = {"alertIds": [first, second, "da1_1"], "status": "Resolved", "comment": "noise"}
    reply = await http.post("/api/alerts/batchUpdate", json=body)
    assert (reply.status_code, reply.content) == (200, b"")
    assert [record.document["status"] for record in contoso.alert_order] == ["Resolved", "Resolved"]
    assert contoso.alerts[first].document["comments"][0]["createdBy"] == "Ringfence"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"status": "Resolved"}, "MissingRequiredParameter"),
        ({"alertIds": []}, "MissingRequiredParameter"),
        ({"alertIds": "x"}, "InvalidRequestBody"),
        ({"alertIds": ["x"], "status": "resolved"}, "InvalidRequestBody"),
        ({"alertIds": ["x"], "Status": "Resolved"}, "InvalidRequestBody"),
    ],
)
async def test_a_wrong_batch_changes_nothing(http: httpx.AsyncClient, body: Any, code: str) -> None:
    assert _code(await http.post("/api/alerts/batchUpdate", json=body)) == (400, code)


async def _reference(control: SimulatorControl, contoso: Tenant) -> dict[str, Any]:
    await control.inject_alerts("wks-001", evidence=EVIDENCE)
    (event,) = telemetry.events(contoso)
    return {
        "machineId": event.machine_id,
        "severity": "Low",
        "title": "example",
        "description": "example alert",
        "recommendedAction": "nothing",
        "eventTime": event.evidence["processCreationTime"],
        "reportId": str(event.report_id),
        "category": "Exploit",
    }


async def test_an_alert_is_raised_from_an_event_and_investigated(
    http: httpx.AsyncClient, control: SimulatorControl, contoso: Tenant
) -> None:
    body = await _reference(control, contoso)
    reply = await http.post("/api/alerts/CreateAlertByReference", json=body)
    alert = reply.json()
    assert (reply.status_code, alert["title"], alert["category"], alert["severity"]) == (
        200,
        "example",
        "Exploit",
        "Low",
    )
    assert alert["evidence"][0]["fileName"] == "a.exe"
    assert alert["investigationId"]
    assert alert["investigationState"] == "Running"
    investigation = (await http.get(f"/api/investigations/{alert['id']}")).json()
    assert investigation["id"] == str(alert["investigationId"])


async def test_an_open_alert_of_the_same_title_takes_the_event_in(
    http: httpx.AsyncClient, control: SimulatorControl, contoso: Tenant
) -> None:
    body = await _reference(control, contoso)
    first = (await http.post("/api/alerts/CreateAlertByReference", json=body)).json()["id"]
    again = (await http.post("/api/alerts/CreateAlertByReference", json=body)).json()
    assert (again["id"], len(again["evidence"])) == (first, 1)
    await http.patch(f"/api/alerts/{first}", json={"status": "Resolved"})
    assert (await http.post("/api/alerts/CreateAlertByReference", json=body)).json()["id"] != first


async def test_an_event_that_never_was_is_404(
    http: httpx.AsyncClient, control: SimulatorControl, contoso: Tenant
) -> None:
    body = await _reference(control, contoso)
    for change in ({"reportId": "0"}, {"eventTime": "2018-08-03T16:45:21.7115183Z"}, {"machineId": "0" * 40}):
        reply = await http.post("/api/alerts/CreateAlertByReference", json=body | change)
        assert _code(reply) == (404, "ResourceNotFound")
    for change, code in (
        ({"severity": "Informational"}, "InvalidRequestBody"),
        ({"category": "Impact"}, "InvalidRequestBody"),
        ({"title": ""}, "MissingRequiredParameter"),
        ({"eventTime": "soon"}, "InvalidRequestBody"),
    ):
        assert _code(await http.post("/api/alerts/CreateAlertByReference", json=body | change)) == (400, code)


async def test_what_hunting_finds_can_be_made_an_alert(
    http: httpx.AsyncClient, control: SimulatorControl, contoso: Tenant
) -> None:
    body = await _reference(control, contoso)
    query = "DeviceProcessEvents | where FileName == 'a.exe' | project Timestamp, DeviceId, ReportId"
    (row,) = (await http.post("/api/advancedqueries/run", json={"Query": query})).json()["Results"]
    body |= {"eventTime": row["Timestamp"], "machineId": row["DeviceId"], "reportId": str(row["ReportId"])}
    assert (await http.post("/api/alerts/CreateAlertByReference", json=body)).status_code == 200
