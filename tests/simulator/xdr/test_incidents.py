from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfence.simulator import SimulatorControl
from ringfence.simulator.tenant import Tenant


async def _ids(xdr: httpx.AsyncClient, **query: str) -> list[int]:
    reply = await xdr.get("/api/incidents", params=query)
    assert reply.status_code == 200, reply.text
    return [item["incidentId"] for item in reply.json()["value"]]


async def test_alerts_of_one_number_are_one_incident(xdr: httpx.AsyncClient, control: SimulatorControl) -> None:
    await control.inject_alerts("wks-001", count=2, incident=77, severity="Low")
    await control.advance(60)
    await control.inject_alerts("wks-002", incident=77, severity="High")
    await control.inject_alerts("wks-002", incident=78)
    document = (await xdr.get("/api/incidents/77")).json()
    assert document.pop("@odata.context").endswith("#Incidents/$entity")
    assert (document["severity"], document["status"], len(document["alerts"])) == ("High", "Active", 3)
    assert (document["classification"], document["determination"]) == ("Unknown", "NotAvailable")
    assert document["createdTime"] == "2026-03-01T12:00:00Z"
    assert document["lastUpdateTime"] == "2026-03-01T12:01:00Z"
    assert document in (await xdr.get("/api/incidents")).json()["value"]


async def test_a_page_holds_a_hundred_the_last_changed_first_and_names_the_next(
    xdr: httpx.AsyncClient, control: SimulatorControl
) -> None:
    await control.inject_alerts("wks-001", count=100)
    await control.advance(60)
    await control.inject_alerts("wks-001", count=2, incident=5)
    reply = (await xdr.get("/api/incidents")).json()
    assert (len(reply["value"]), reply["value"][0]["incidentId"]) == (100, 5)
    assert reply["@odata.nextLink"] == "https://api.security.microsoft.com/api/incidents/?$skip=100"
    link = urlsplit(reply["@odata.nextLink"])
    rest = (await xdr.get(f"{link.path}?{link.query}")).json()
    assert len(rest["value"]) == 1
    assert "@odata.nextLink" not in rest


async def test_more_than_a_hundred_at_once_is_refused(xdr: httpx.AsyncClient) -> None:
    assert (await xdr.get("/api/incidents?$top=100")).status_code == 200
    reply = await xdr.get("/api/incidents?$top=101")
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "ODataError")


async def test_incidents_are_filtered_by_the_four_documented_properties(
    xdr: httpx.AsyncClient, control: SimulatorControl
) -> None:
    await control.inject_alerts("wks-001", incident=1)
    await control.advance(60)
    await control.inject_alerts("wks-001", incident=2)
    await xdr.patch("/api/incidents/2", json={"assignedTo": "secop@contoso.com"})
    assert await _ids(xdr, **{"$filter": "lastUpdateTime gt 2026-03-01T12:00:30Z"}) == [2]
    assert await _ids(xdr, **{"$filter": "createdTime lt 2026-03-01T12:00:30Z and status eq 'Active'"}) == [1]
    assert await _ids(xdr, **{"$filter": "assignedTo eq 'secop@contoso.com'"}) == [2]
    reply = await xdr.get("/api/incidents", params={"$filter": "severity eq 'High'"})
    assert reply.status_code == 400


async def test_an_update_is_kept_and_to_resolve_resolves_the_alerts(
    xdr: httpx.AsyncClient, http: httpx.AsyncClient, control: SimulatorControl
) -> None:
    (key,) = await control.inject_alerts("wks-001", incident=9)
    await control.advance(60)
    body = {
        "status": "Resolved",
        "assignedTo": "secop2@contoso.com",
        "classification": "TruePositive",
        "determination": "Malware",
        "tags": ["Drill", "Floor 2"],
        "comment": "pen testing",
    }
    document = (await xdr.patch("/api/incidents/9", json=body)).json()
    assert {name: document[name] for name in body if name != "comment"} == {
        name: value for name, value in body.items() if name != "comment"
    }
    assert document["comments"] == [
        {"comment": "pen testing", "createdBy": "Ringfence", "createdTime": "2026-03-01T12:01:00Z"}
    ]
    assert document["lastUpdateTime"] == "2026-03-01T12:01:00Z"
    assert (await http.get(f"/api/alerts/{key}")).json()["status"] == "Resolved"


async def test_an_incident_whose_alerts_are_resolved_is_resolved(
    xdr: httpx.AsyncClient, control: SimulatorControl
) -> None:
    (key,) = await control.inject_alerts("wks-001", incident=9)
    await control.edit_alert(key, status="Resolved")
    assert await _ids(xdr, **{"$filter": "status eq 'Resolved'"}) == [9]


@pytest.mark.parametrize(
    "body",
    [{"Status": "Active"}, {"status": "New"}, {"tags": "x"}, {"tags": [1]}, {"comment": None}, {"severity": "Low"}, []],
)
async def test_wrong_bodies_are_refused(xdr: httpx.AsyncClient, control: SimulatorControl, body: Any) -> None:
    await control.inject_alerts("wks-001", incident=9)
    reply = await xdr.patch("/api/incidents/9", json=body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "InvalidRequestBody")


async def test_an_unknown_incident_is_not_found(xdr: httpx.AsyncClient) -> None:
    for key in ("1", "x", "-1", "9" * 40):
        reply = await xdr.get(f"/api/incidents/{key}")
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "ResourceNotFound")


async def test_without_the_role_incidents_stay_closed(
    anonymous: httpx.AsyncClient, control: SimulatorControl, sign_in: Callable[..., Awaitable[httpx.Response]]
) -> None:
    app = await control.add_app("Reader", roles=["Incident.Read.All"])
    scope = "https://api.security.microsoft.com/.default"
    secret = app["secrets"][0]["value"]
    token = (await sign_in(client_id=app["client_id"], client_secret=secret, scope=scope)).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert (await anonymous.get("/api/incidents", headers=headers)).status_code == 200
    reply = await anonymous.patch("/api/incidents/1", headers=headers, json={})
    assert reply.status_code == 403
    assert "API required roles: Incident.ReadWrite.All" in reply.json()["error"]["message"]


async def test_odd_alerts_do_not_break_incidents(
    xdr: httpx.AsyncClient, control: SimulatorControl, contoso: Tenant
) -> None:
    await control.inject_document({"id": "odd", "incidentId": 4, "severity": 7, "evidence": [3], "mitreTechniques": 1})
    await control.inject_document({"id": "odder", "incidentId": "four"})
    assert await _ids(xdr) == [4]
    assert (await xdr.get("/api/incidents/4")).status_code == 200


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60), option=st.sampled_from(["$filter", "$top", "$skip", "$orderby", "$select", "$x"]))
async def test_no_query_breaks_the_list(xdr: httpx.AsyncClient, option: str, text: str) -> None:
    reply = await xdr.get("/api/incidents", params={option: text.encode("utf-8", "replace").decode()})
    assert reply.status_code in (200, 400)
