import pytest

from microsoft import Microsoft, answer
from operation_cases import Case
from ringfence.defender import (
    Cloud,
    InvalidArgument,
    MalformedReply,
    MissingRole,
    ReplyLost,
    Throttled,
    Unauthorized,
    cloud,
)

CASES = [
    Case(
        "graph_list_alerts",
        "GET /v1.0/security/alerts_v2?$filter=x&$top=5",
        lambda d: d.graph_list_alerts(filter="x", top=5),
        {"value": [{"id": "a", "evidence": [{"@odata.type": "#microsoft.graph.security.urlEvidence", "url": "u"}]}]},
        result=lambda found: found[0].evidence[0].odata_type.endswith("urlEvidence"),
    ),
    Case(
        "graph_get_alert",
        "GET /v1.0/security/alerts_v2/a",
        lambda d: d.graph_get_alert("a"),
        {"id": "a"},
        result=lambda found: found.id == "a",
    ),
    Case(
        "graph_update_alert",
        "PATCH /v1.0/security/alerts_v2/a",
        lambda d: d.graph_update_alert(
            "a",
            status="resolved",
            assigned_to="",
            classification="truePositive",
            determination="malware",
            custom_details={"k": "v"},
        ),
        {"id": "a"},
        {
            "status": "resolved",
            "assignedTo": "",
            "classification": "truePositive",
            "determination": "malware",
            "customDetails": {"k": "v"},
        },
    ),
    Case(
        "graph_create_alert_comment",
        "POST /v1.0/security/alerts_v2/a/comments",
        lambda d: d.graph_create_alert_comment("a", "c"),
        {"value": [{"comment": "c", "createdByDisplayName": "n", "createdDateTime": "2026-01-02T03:04:05Z"}]},
        {"@odata.type": "microsoft.graph.security.alertComment", "comment": "c"},
        lambda found: found[0].created_by_display_name == "n",
    ),
    Case(
        "graph_list_incidents",
        "GET /v1.0/security/incidents?$expand=alerts",
        lambda d: d.graph_list_incidents(expand=("alerts",)),
        {"value": [{"id": "7", "alerts": [{"id": "a"}]}]},
        result=lambda found: found[0].alerts[0].id == "a",
    ),
    Case(
        "graph_get_incident",
        "GET /v1.0/security/incidents/7",
        lambda d: d.graph_get_incident("7"),
        {"id": "7", "comments": [{"comment": "c", "createdBy": "n", "createdTime": "2026-01-02T03:04:05Z"}]},
        result=lambda found: found.comments[0].created_by_display_name == "n",
    ),
    Case(
        "graph_update_incident",
        "PATCH /v1.0/security/incidents/7",
        lambda d: d.graph_update_incident(
            "7", status="active", assigned_to="u", classification="unknown", determination="other", custom_tags=("t",)
        ),
        {"id": "7"},
        {
            "status": "active",
            "assignedTo": "u",
            "classification": "unknown",
            "determination": "other",
            "customTags": ["t"],
        },
    ),
    Case(
        "graph_create_incident_comment",
        "POST /v1.0/security/incidents/7/comments",
        lambda d: d.graph_create_incident_comment("7", "c"),
        {"value": []},
        {"@odata.type": "microsoft.graph.security.alertComment", "comment": "c"},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_each_operation_sends_its_request_and_reads_its_reply(case: Case) -> None:
    await case.run()


@pytest.mark.parametrize("name", ["commercial", "gcc_high", "dod"])
async def test_it_has_its_own_host_and_audience_in_each_cloud(name: str) -> None:
    microsoft = Microsoft(answer({"id": "a"}))
    async with microsoft.client(cloud(name)) as defender:
        await defender.graph_get_alert("a")
    request = microsoft.requests[0]
    assert f"https://{request.url.host}" == cloud(name).graph_host
    assert microsoft.sign_ins[0]["scope"] == [cloud(name).graph_scope]
    assert request.headers["Prefer"] == "include-unknown-enum-members"


async def test_next_links_are_followed_as_given_and_nothing_is_skipped_by_ourselves() -> None:
    link = "https://graph.microsoft.com/v1.0/security/alerts_v2?$skiptoken=a%2Fb"
    microsoft = Microsoft(answer({"value": [{"id": "a"}], "@odata.nextLink": link}), answer({"value": [{"id": "b"}]}))
    async with microsoft.client(Cloud.simulator("http://127.0.0.1:8700")) as defender:
        assert [each.id async for each in defender.graph_list_alerts(top=1)] == ["a", "b"]
    assert str(microsoft.requests[1].url) == "http://127.0.0.1:8700/v1.0/security/alerts_v2?$skiptoken=a%2Fb"
    assert len(microsoft.requests) == 2


async def test_alerts_come_as_they_are_page_by_page_for_those_who_keep_them() -> None:
    link = "https://graph.microsoft.com/v1.0/security/alerts_v2?$skiptoken=b"
    odd = {"id": 7, "severity": None}
    microsoft = Microsoft(answer({"value": [odd], "@odata.nextLink": link}), answer({"value": [{"id": "b"}]}))
    async with microsoft.client() as defender:
        pages = [page async for page in defender.graph_alert_pages(filter="status eq 'new'", top=1)]
    assert pages == [[odd], [{"id": "b"}]]
    assert str(microsoft.requests[0].url.query, "ascii") == "$filter=status%20eq%20'new'&$top=1"


@pytest.mark.parametrize(
    "link",
    ["https://graph.microsoft.us/v1.0/security/alerts_v2", "https://graph.microsoft.com/beta/security/alerts_v2"],
)
async def test_a_next_link_that_leaves_graph_is_not_followed(link: str) -> None:
    async with Microsoft(answer({"value": [{"id": "a"}], "@odata.nextLink": link})).client() as defender:
        with pytest.raises(MalformedReply, match="next link leaves"):
            [each async for each in defender.graph_list_alerts()]


def graph_error(status: int, code: str, **headers: str) -> object:
    inner = {"date": "2026-01-02T03:04:05", "request-id": "r-1", "client-request-id": "c-1"}
    return answer({"error": {"code": code, "message": "No.", "innerError": inner}}, status, **headers)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (401, "InvalidAuthenticationToken", Unauthorized),
        (403, "Forbidden", MissingRole),
        (429, "TooManyRequests", Throttled),
    ],
)
async def test_graph_s_errors_have_their_classes_and_their_correlation_id(
    status: int, code: str, expected: type[Exception]
) -> None:
    microsoft = Microsoft(otherwise=graph_error(status, code, Retry_After="10"))  # type: ignore[arg-type]
    async with microsoft.client(attempts=1) as defender:
        with pytest.raises(expected) as raised:
            await defender.graph_get_alert("a")
    assert getattr(raised.value, "target", "") == "r-1"


async def test_a_missing_role_names_graph_s_permissions() -> None:
    microsoft = Microsoft(graph_error(403, "Forbidden"))  # type: ignore[arg-type]
    async with microsoft.client() as defender:
        with pytest.raises(MissingRole, match="API: Microsoft Graph") as raised:
            await defender.graph_update_alert("a", status="new")
    assert raised.value.required == ("SecurityAlert.ReadWrite.All",)


async def test_a_comment_is_never_added_twice_and_an_update_is_repeated() -> None:
    microsoft = Microsoft(answer({}, 500), answer({"id": "a"}), answer({}, 500))
    async with microsoft.client() as defender:
        await defender.graph_update_alert("a", status="new")
        with pytest.raises(ReplyLost):
            await defender.graph_create_alert_comment("a", "c")
        with pytest.raises(InvalidArgument):
            await defender.graph_create_incident_comment("7", " ")
        with pytest.raises(InvalidArgument):
            await defender.graph_update_incident("7")
