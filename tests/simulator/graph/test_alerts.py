from typing import Any

import httpx
import pytest

from ringfence.simulator import SimulatorControl

PATH = "/v1.0/security/alerts_v2"


async def test_the_most_recent_alert_comes_first(graph: httpx.AsyncClient, control: SimulatorControl) -> None:
    first = await control.inject_alerts("wks-001")
    await control.advance(60)
    second = await control.inject_alerts("wks-002")
    assert [alert["id"] for alert in (await graph.get(PATH)).json()["value"]] == [*second, *first]


async def test_alerts_are_filtered_by_the_documented_properties(
    graph: httpx.AsyncClient, control: SimulatorControl
) -> None:
    await control.inject_alerts("wks-001", severity="Low")
    await control.advance(60)
    (high,) = await control.inject_alerts("wks-001", severity="High")
    for text in (
        "severity eq 'high'",
        "createdDateTime gt 2026-03-01T12:00:30Z",
        "lastUpdateDateTime ge 2026-03-01T12:00:30Z and status eq 'new'",
        "serviceSource eq 'microsoftDefenderForEndpoint' and severity ne 'low'",
        "classification eq 'unknown' and determination eq 'unknown' and assignedTo eq null and severity in ('high')",
    ):
        found = (await graph.get(PATH, params={"$filter": text})).json()["value"]
        assert [alert["id"] for alert in found] == [high], text


async def test_a_change_in_graph_is_seen_in_defender_and_the_other_way(
    graph: httpx.AsyncClient, http: httpx.AsyncClient, control: SimulatorControl
) -> None:
    (key,) = await control.inject_alerts("wks-001")
    body = {
        "assignedTo": "secAdmin@contoso.com",
        "classification": "truePositive",
        "determination": "notMalicious",
        "status": "inProgress",
        "customDetails": {"playbook": "contain"},
    }
    reply = await graph.patch(f"{PATH}/{key}", json=body)
    assert {name: reply.json()[name] for name in body} == body
    seen = (await http.get(f"/api/alerts/{key}")).json()
    assert (seen["status"], seen["classification"], seen["assignedTo"]) == (
        "InProgress",
        "TruePositive",
        "secAdmin@contoso.com",
    )
    await http.patch(f"/api/alerts/{key}", json={"status": "Resolved", "comment": "over"})
    again = (await graph.get(f"{PATH}/{key}")).json()
    assert (again["status"], again["comments"][0]["comment"]) == ("resolved", "over")
    assert again["resolvedDateTime"] is not None
    await graph.patch(f"{PATH}/{key}", json={"assignedTo": None, "classification": "unknown"})
    last = (await http.get(f"/api/alerts/{key}")).json()
    assert (last["assignedTo"], last["classification"]) == (None, None)


async def test_a_comment_answers_all_comments(graph: httpx.AsyncClient, control: SimulatorControl) -> None:
    (key,) = await control.inject_alerts("wks-001")
    body = {"@odata.type": "microsoft.graph.security.alertComment", "comment": "Demo for docs"}
    await graph.post(f"{PATH}/{key}/comments", json=body)
    reply = (await graph.post(f"{PATH}/{key}/comments", json={**body, "comment": "again"})).json()
    assert [item["comment"] for item in reply["value"]] == ["Demo for docs", "again"]
    assert reply["value"][0]["createdByDisplayName"] == "Ringfence"
    assert reply["value"][0]["createdDateTime"] == "2026-03-01T12:00:00Z"


@pytest.mark.parametrize(
    "body",
    [{"status": "New York"}, {"status": None}, {"Status": "new"}, {"assignedTo": 7}, {"customDetails": []}, ["x"]],
)
async def test_wrong_changes_are_refused(graph: httpx.AsyncClient, control: SimulatorControl, body: Any) -> None:
    (key,) = await control.inject_alerts("wks-001")
    reply = await graph.patch(f"{PATH}/{key}", json=body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "InvalidRequestBody")


@pytest.mark.parametrize("body", [{"comment": "x"}, {"@odata.type": "microsoft.graph.security.alertComment"}, {}])
async def test_a_comment_needs_its_type_and_its_text(
    graph: httpx.AsyncClient, control: SimulatorControl, body: Any
) -> None:
    (key,) = await control.inject_alerts("wks-001")
    assert (await graph.post(f"{PATH}/{key}/comments", json=body)).status_code == 400


async def test_an_unknown_alert_is_not_found(graph: httpx.AsyncClient) -> None:
    reply = await graph.get(f"{PATH}/nope")
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "ResourceNotFound")


async def test_an_odd_alert_is_shown_as_far_as_it_goes(graph: httpx.AsyncClient, control: SimulatorControl) -> None:
    odd = {"id": "odd", "severity": 7, "status": None, "evidence": [1, {"entityType": 4}], "comments": "x"}
    await control.inject_document({**odd, "mitreTechniques": "T1", "firstEventTime": 5, "incidentId": "x"})
    (alert,) = (await graph.get(PATH)).json()["value"]
    assert (alert["severity"], alert["status"], alert["comments"], alert["mitreTechniques"]) == (
        "unknown",
        "unknown",
        [],
        [],
    )
    assert (await graph.get("/v1.0/security/incidents?$expand=alerts")).status_code == 200


async def test_newer_enum_members_are_shown_to_those_who_ask(
    graph: httpx.AsyncClient, control: SimulatorControl
) -> None:
    (key,) = await control.inject_alerts("wks-001", incident=7, detection_source="NrtAlerts")
    for path in (
        PATH,
        f"{PATH}/{key}",
        "/v1.0/security/incidents?$expand=alerts",
        "/v1.0/security/incidents/7?$expand=alerts",
    ):
        plain = await graph.get(path)
        asked = await graph.get(path, headers={"Prefer": "include-unknown-enum-members"})
        assert '"detectionSource":"unknownFutureValue"' in plain.text, path
        assert '"detectionSource":"nrtAlerts"' in asked.text, path
        assert asked.headers["Preference-Applied"] == "include-unknown-enum-members"
        assert "Preference-Applied" not in plain.headers
