import pytest

from microsoft import Microsoft, answer, refused
from operation_cases import Case
from ringfence.defender import InvalidArgument, MissingRole, ReplyLost, cloud

CASES = [
    Case(
        "list_incidents_xdr",
        "GET /api/incidents?$filter=x&$top=50",
        lambda d: d.list_incidents_xdr(filter="x", top=50),
        {"value": [{"incidentId": 7, "alerts": [{"alertId": "ra1"}]}]},
        result=lambda found: found[0].alerts[0].alert_id == "ra1",
    ),
    Case(
        "get_incident_xdr",
        "GET /api/incidents/7",
        lambda d: d.get_incident_xdr(7),
        {"incidentId": 7, "status": "Redirected", "redirectIncidentId": 8},
        result=lambda found: found.redirect_incident_id == 8,
    ),
    Case(
        "update_incident_xdr",
        "PATCH /api/incidents/7",
        lambda d: d.update_incident_xdr(
            "7",
            status="Resolved",
            assigned_to="u",
            classification="TruePositive",
            determination="Malware",
            tags=("t",),
            comment="c",
        ),
        {"incidentId": 7},
        {
            "status": "Resolved",
            "assignedTo": "u",
            "classification": "TruePositive",
            "determination": "Malware",
            "tags": ["t"],
            "comment": "c",
        },
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_each_operation_sends_its_request_and_reads_its_reply(case: Case) -> None:
    await case.run()


async def test_the_page_after_the_first_is_asked_for_as_given() -> None:
    link = "https://api.security.microsoft.com/api/incidents/?$skip=100"
    microsoft = Microsoft(
        answer({"value": [{"incidentId": 1}], "@odata.nextLink": link}), answer({"value": [{"incidentId": 2}]})
    )
    async with microsoft.client() as defender:
        assert [each.incident_id async for each in defender.list_incidents_xdr()] == [1, 2]
    assert microsoft.urls[1] == "/api/incidents/?$skip=100"


async def test_it_has_its_own_host_and_audience() -> None:
    microsoft = Microsoft(answer({"incidentId": 1}))
    async with microsoft.client(cloud("gcc")) as defender:
        await defender.get_incident_xdr(1)
    assert microsoft.requests[0].url.host == "api-gcc.security.microsoft.us"
    assert microsoft.sign_ins[0]["scope"] == ["https://api-gcc.security.microsoft.us/.default"]


async def test_a_comment_is_never_added_twice() -> None:
    microsoft = Microsoft(answer({}, 500), answer({"incidentId": 1}), answer({}, 500))
    async with microsoft.client() as defender:
        await defender.update_incident_xdr(1, status="Active")
        with pytest.raises(ReplyLost):
            await defender.update_incident_xdr(1, comment="c")
        with pytest.raises(InvalidArgument):
            await defender.update_incident_xdr(1)
        with pytest.raises(InvalidArgument):
            [each async for each in defender.list_incidents_xdr(top=101)]


async def test_a_missing_role_is_named_even_where_the_service_does_not() -> None:
    async with Microsoft(refused(403, "Forbidden", "No.")).client() as defender:
        with pytest.raises(MissingRole, match="Microsoft Threat Protection") as raised:
            await defender.get_incident_xdr(1)
    assert raised.value.required == ("Incident.Read.All", "Incident.ReadWrite.All")
