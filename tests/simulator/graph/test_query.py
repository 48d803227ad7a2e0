from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfence.simulator import SimulatorControl
from ringfence.simulator.graph.query import parse, token_for
from ringfence.simulator.operations import ApiError


async def test_pages_are_followed_to_the_end_on_the_origin_that_was_called(
    graph: httpx.AsyncClient, control: SimulatorControl
) -> None:
    wanted = set(await control.inject_alerts("wks-001", count=7, severity="High"))
    await control.inject_alerts("wks-001", count=3, severity="Low")
    url, seen, pages = "/v1.0/security/alerts_v2?$filter=severity+eq+'high'&$top=3&$count=true", [], 0
    while url:
        reply = (await graph.get(url)).json()
        assert reply["@odata.count"] == 7
        seen += [alert["id"] for alert in reply["value"]]
        url, pages = reply.get("@odata.nextLink", ""), pages + 1
        assert not url or (url.startswith("http://127.0.0.1:8900/v1.0/security/alerts_v2?") and "$skiptoken=" in url)
    assert (pages, len(seen), set(seen)) == (3, 7, wanted)


async def test_a_top_beyond_the_largest_is_cut_without_a_word(
    graph: httpx.AsyncClient, control: SimulatorControl
) -> None:
    await control.inject_alerts("wks-001", count=1_001)
    reply = (await graph.get("/v1.0/security/alerts_v2?$top=5000")).json()
    assert len(reply["value"]) == 1_000
    rest = (await graph.get(reply["@odata.nextLink"])).json()
    assert len(rest["value"]) == 1
    assert "@odata.nextLink" not in rest


async def test_options_may_lack_the_dollar_and_a_skip_skips(
    graph: httpx.AsyncClient, control: SimulatorControl
) -> None:
    await control.inject_alerts("wks-001", count=4)
    whole = (await graph.get("/v1.0/security/alerts_v2")).json()["value"]
    part = (await graph.get("/v1.0/security/alerts_v2?top=2&skip=1&$select=title")).json()["value"]
    assert part == [{"id": alert["id"], "title": alert["title"]} for alert in whole[1:3]]


async def test_order_can_be_asked_for(graph: httpx.AsyncClient, control: SimulatorControl) -> None:
    await control.inject_alerts("wks-001", severity="Low")
    await control.advance(60)
    await control.inject_alerts("wks-001", severity="High")
    base = "/v1.0/security/alerts_v2?$orderby="
    for order in ("createdDateTime", "lastUpdateDateTime asc", "severity desc"):
        assert [a["severity"] for a in (await graph.get(base + order)).json()["value"]] == ["low", "high"]
    assert (await graph.get(f"{base}title")).status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "$filter=investigationState eq 'queued'",
        "$filter=title eq 'x'",
        "$filter=",
        "$top=x",
        "$skip=-1",
        "$count=perhaps",
        "$skiptoken=!!",
        "$skiptoken=YWJj",
        "$search=x",
        "$expand=alerts",
        "$select=nothing",
        "$top=1&$top=2",
        "$orderby=createdDateTime sideways",
    ],
)
async def test_what_cannot_be_answered_is_a_bad_request(
    graph: httpx.AsyncClient, control: SimulatorControl, query: str
) -> None:
    await control.inject_alerts("wks-001")
    reply = await graph.get(f"/v1.0/security/alerts_v2?{query}")
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "BadRequest")


def test_a_token_is_opaque_and_leads_back() -> None:
    assert parse(f"$skiptoken={token_for(300)}&$top=2").start == 300
    with pytest.raises(ApiError):
        parse("$skiptoken=%C3%A9")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(max_size=60),
    option=st.sampled_from(["$filter", "$top", "$skip", "$orderby", "$select", "$skiptoken", "$expand", "$x"]),
)
async def test_no_query_breaks_a_list(graph: httpx.AsyncClient, option: str, text: str) -> None:
    for path in ("/v1.0/security/alerts_v2", "/v1.0/security/incidents"):
        reply = await graph.get(path, params={option: text.encode("utf-8", "replace").decode()})
        assert reply.status_code in (200, 400)


async def test_the_link_names_the_path_that_was_called(graph: httpx.AsyncClient, control: SimulatorControl) -> None:
    await control.inject_alerts("wks-001", count=51)
    reply = (await graph.get("/v1.0/security/incidents")).json()
    assert len(reply["value"]) == 50
    assert urlsplit(reply["@odata.nextLink"]).path == "/v1.0/security/incidents"
