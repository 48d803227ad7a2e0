from typing import Any

import httpx
import pytest

from ringfence.simulator import SimulatorControl

PATH = "/v1.0/security/incidents"


async def test_incidents_carry_their_alerts_only_when_expanded(
    graph: httpx.AsyncClient, control: SimulatorControl
) -> None:
    keys = await control.inject_alerts("wks-001", count=2, incident=7, severity="High")
    (plain,) = (await graph.get(PATH)).json()["value"]
    (whole,) = (await graph.get(f"{PATH}?$expand=alerts")).json()["value"]
    assert (plain["id"], plain["severity"], plain["status"]) == ("7", "high", "active")
    assert "alerts" not in plain
    assert {alert["id"] for alert in whole.pop("alerts")} == set(keys)
    assert whole == plain
    single = (await graph.get(f"{PATH}/7?$expand=alerts")).json()
    assert len(single["alerts"]) == 2
    assert single["alerts"][0]["incidentWebUrl"] == single["incidentWebUrl"]


async def test_graph_and_xdr_show_the_same_incident(
    graph: httpx.AsyncClient, xdr: httpx.AsyncClient, control: SimulatorControl
) -> None:
    await control.inject_alerts("wks-001", incident=7)
    body = {"classification": "TruePositive", "determination": "MultiStagedAttack", "customTags": ["Demo"]}
    reply = (await graph.patch(f"{PATH}/7", json={**body, "assignedTo": "secop@contoso.com"})).json()
    assert (reply["classification"], reply["determination"]) == ("truePositive", "multiStagedAttack")
    assert (reply["customTags"], reply["lastModifiedBy"]) == (["Demo"], "API-App:Ringfence")
    seen = (await xdr.get("/api/incidents/7")).json()
    assert {name: seen[name] for name in ("classification", "determination", "tags", "assignedTo")} == {
        "classification": "TruePositive",
        "determination": "MultiStagedAttack",
        "tags": ["Demo"],
        "assignedTo": "secop@contoso.com",
    }
    await xdr.patch("/api/incidents/7", json={"status": "InProgress", "comment": "seen"})
    again = (await graph.get(f"{PATH}/7")).json()
    assert (again["status"], again["comments"][0]["comment"]) == ("inProgress", "seen")


async def test_a_comment_answers_all_comments(graph: httpx.AsyncClient, control: SimulatorControl) -> None:
    await control.inject_alerts("wks-001", incident=7)
    body = {"@odata.type": "#microsoft.graph.security.alertComment", "comment": "Demo"}
    reply = await graph.post(f"{PATH}/7/comments", json=body)
    assert [item["comment"] for item in reply.json()["value"]] == ["Demo"]


async def test_incidents_are_filtered_by_documented_properties(
    graph: httpx.AsyncClient, control: SimulatorControl
) -> None:
    await control.inject_alerts("wks-001", incident=1, severity="Low")
    await control.advance(60)
    await control.inject_alerts("wks-001", incident=2, severity="High")
    for text in (
        "severity eq 'high'",
        "createdDateTime gt 2026-03-01T12:00:30Z",
        "status eq 'active' and severity ne 'low'",
    ):
        found = (await graph.get(PATH, params={"$filter": text})).json()["value"]
        assert [item["id"] for item in found] == ["2"], text
    assert (await graph.get(PATH, params={"$filter": "displayName eq 'x'"})).status_code == 400


@pytest.mark.parametrize("body", [{"status": "new"}, {"customTags": "x"}, {"severity": "low"}, {"displayName": "x"}])
async def test_wrong_changes_are_refused(graph: httpx.AsyncClient, control: SimulatorControl, body: Any) -> None:
    await control.inject_alerts("wks-001", incident=7)
    reply = await graph.patch(f"{PATH}/7", json=body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "InvalidRequestBody")


async def test_an_unknown_incident_is_not_found(graph: httpx.AsyncClient) -> None:
    assert (await graph.get(f"{PATH}/8")).status_code == 404
    assert (await graph.post(f"{PATH}/8/comments", json={})).status_code == 404
