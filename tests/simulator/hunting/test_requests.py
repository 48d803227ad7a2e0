from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factbook import example
from ringfence.simulator import SimulatorControl

DEFENDER = "/api/advancedqueries/run"
XDR = "/api/advancedhunting/run"
GRAPH = "/v1.0/security/runHuntingQuery"
QUERY = "AlertInfo | project Timestamp, Title"
SYNTAX = "A recognition error occurred.. Fix syntax errors in your query."
ROW = {"Timestamp": "2026-03-01T12:00:00Z", "Title": "Suspicious activity was observed"}


async def test_the_three_apis_answer_one_query_in_their_three_forms(
    http: httpx.AsyncClient, xdr: httpx.AsyncClient, graph: httpx.AsyncClient, control: SimulatorControl
) -> None:
    await control.inject_alerts("wks-001")
    old = (await http.post(DEFENDER, json={"Query": QUERY})).json()
    schema = [{"Name": "Timestamp", "Type": "DateTime"}, {"Name": "Title", "Type": "String"}]
    assert old == {"Schema": schema, "Results": [ROW]}
    middle = (await xdr.post(XDR, json={"Query": QUERY})).json()
    assert list(middle) == ["Stats", "Schema", "Results"]
    assert (middle["Schema"], middle["Results"]) == (schema, [ROW])
    assert middle["Stats"]["dataset_statistics"][0]["table_row_count"] == 1
    new = (await graph.post(GRAPH, json={"Query": QUERY})).json()
    assert new == {
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.security.huntingQueryResults",
        "schema": [{"name": "Timestamp", "type": "DateTime"}, {"name": "Title", "type": "String"}],
        "results": [ROW],
    }


async def test_stats_have_the_keys_of_the_example(xdr: httpx.AsyncClient) -> None:
    documented = example("run_advanced_hunting_xdr.response")["Stats"]
    stats = (await xdr.post(XDR, json={"Query": QUERY})).json()["Stats"]
    assert set(stats) == set(documented)
    for key in ("cache", "cpu", "memory"):
        assert set(stats["resource_usage"][key]) == set(documented["resource_usage"][key])


async def test_a_syntax_error_is_answered_as_recorded(
    http: httpx.AsyncClient, xdr: httpx.AsyncClient, graph: httpx.AsyncClient
) -> None:
    for client, path in ((http, DEFENDER), (xdr, XDR), (graph, GRAPH)):
        reply = await client.post(path, json={"Query": "AlertInfo | frobnicate"})
        error = reply.json()["error"]
        assert (reply.status_code, error["code"], error["message"]) == (400, "BadRequest", SYNTAX)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "MissingRequiredParameter"),
        ({"query": "x"}, "MissingRequiredParameter"),
        ({"Query": 5}, "InvalidRequestBody"),
    ],
)
async def test_defender_wants_its_body_letter_by_letter(http: httpx.AsyncClient, body: Any, code: str) -> None:
    reply = await http.post(DEFENDER, json=body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, code)


async def test_graphs_own_clients_write_path_and_keys_in_their_way(
    graph: httpx.AsyncClient, control: SimulatorControl
) -> None:
    await control.inject_alerts("wks-001")
    await control.advance(3_000)
    path = "/v1.0/security/microsoft.graph.security.runHuntingQuery"
    assert len((await graph.post(path, json={"query": QUERY})).json()["results"]) == 1
    assert not (await graph.post(path, json={"query": QUERY, "timespan": "PT30M"})).json()["results"]
    wrong = await graph.post(path, json={"query": QUERY, "timespan": "an hour"})
    assert wrong.status_code == 400
    assert "an hour" in wrong.json()["error"]["message"]


async def test_a_get_is_405_even_with_a_body(http: httpx.AsyncClient) -> None:
    reply = await http.request("GET", DEFENDER, json={"Query": QUERY})
    assert (reply.status_code, reply.headers["Allow"]) == (405, "POST")


async def test_a_get_with_a_body_is_answered_as_one_without(http: httpx.AsyncClient) -> None:
    assert (await http.request("GET", "/api/alerts", json={"x": 1})).status_code == 200


async def test_without_the_role_there_is_no_hunting(
    anonymous: httpx.AsyncClient, control: SimulatorControl, sign_in: Callable[..., Awaitable[httpx.Response]]
) -> None:
    app = await control.add_app("Reader", roles=["Alert.Read.All"])
    token = (await sign_in(client_id=app["client_id"], client_secret=app["secrets"][0]["value"])).json()["access_token"]
    reply = await anonymous.post(DEFENDER, json={"Query": QUERY}, headers={"Authorization": f"Bearer {token}"})
    assert reply.status_code == 403
    assert "AdvancedQuery.Read.All" in reply.json()["error"]["message"]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(st.text(max_size=80), st.text(max_size=40).map(lambda part: f"AlertInfo | where {part}")))
async def test_no_query_is_answered_with_500(http: httpx.AsyncClient, text: str) -> None:
    reply = await http.post(DEFENDER, json={"Query": text})
    assert reply.status_code in (200, 400)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=60))
async def test_no_body_is_answered_with_500(http: httpx.AsyncClient, graph: httpx.AsyncClient, body: bytes) -> None:
    for client, path in ((http, DEFENDER), (graph, GRAPH), (graph, "/v1.0/security/incidents/1/comments")):
        assert (await client.post(path, content=body)).status_code in (400, 404)
