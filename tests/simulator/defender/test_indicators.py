from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from ringfence.simulator import SimulatorControl
from ringfence.simulator.defender.indicator_rules import KEYS

HASH = "220e7d15b011d7fac48f2bd61114db1022197f7f"
INDICATOR = {
    "indicatorValue": HASH,
    "indicatorType": "FileSha1",
    "title": "test",
    "application": "demo-test",
    "expirationTime": "2026-12-12T00:00:00Z",
    "action": "AlertAndBlock",
    "severity": "Informational",
    "description": "test",
    "recommendedActions": "nothing",
    "rbacGroupNames": ["group1", "group2"],
}


def _code(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


async def _submit(http: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    return await http.post("/api/indicators", json={**INDICATOR, **changes})


async def test_an_indicator_is_made_and_changed_under_one_id(http: httpx.AsyncClient) -> None:
    reply = await _submit(http)
    first = reply.json()
    assert reply.status_code == 200
    assert first.pop("@odata.context").endswith("#Indicators/$entity")
    assert tuple(first) == KEYS
    assert {key: first[key] for key in INDICATOR} == INDICATOR
    assert first["createdByDisplayName"] == "Ringfence"
    second = (await _submit(http, title="changed", application="other")).json()
    assert (second["id"], second["title"], second["application"]) == (first["id"], "changed", "demo-test")
    third = (await _submit(http, action="Allowed")).json()
    assert third["id"] != first["id"]


async def test_indicators_are_listed_filtered_and_forgotten_when_they_expire(
    http: httpx.AsyncClient, control: SimulatorControl
) -> None:
    await _submit(http, expirationTime="2026-03-01T12:00:30Z")
    await _submit(http, indicatorType="IpAddress", indicatorValue="203.0.113.9", action="Block", expirationTime=None)
    body = (await http.get("/api/indicators")).json()
    assert body["@odata.context"].endswith("#Indicators")
    assert len(body["value"]) == 2
    found = await http.get("/api/indicators", params={"$filter": "action eq 'AlertAndBlock'", "$top": "5"})
    assert [item["indicatorValue"] for item in found.json()["value"]] == [HASH]
    grouped = await http.get("/api/indicators", params={"$filter": "rbacGroupNames/any(g: g eq 'group1')"})
    assert len(grouped.json()["value"]) == 2
    await control.advance(30)
    left = (await http.get("/api/indicators")).json()["value"]
    assert [item["indicatorValue"] for item in left] == ["203.0.113.9"]


async def test_an_import_tells_what_failed_in_a_200(http: httpx.AsyncClient) -> None:
    wrong = {**INDICATOR, "indicatorValue": "10.0.0.0/8", "indicatorType": "IpAddress"}
    reply = await http.post("/api/indicators/import", json={"Indicators": [INDICATOR, wrong, {}]})
    first, second, third = reply.json()["value"]
    assert (reply.status_code, first["indicator"], first["isFailed"], first["failureReason"]) == (
        200,
        HASH,
        False,
        None,
    )
    assert tuple(first) == ("id", "indicator", "isFailed", "failureReason")
    assert (second["id"], second["isFailed"]) == (None, True)
    assert second["failureReason"] == "IP address 10.0.0.0/8 is invalid."
    assert third["failureReason"] == "Recieved an empty indicator value."
    many = await http.post("/api/indicators/import", json={"Indicators": [INDICATOR] * 501})
    assert _code(many) == (400, "MaximumBatchSizeExceeded")
    for body, code in (({}, "MissingRequiredParameter"), ({"Indicators": [7]}, "InvalidRequestBody")):
        assert _code(await http.post("/api/indicators/import", json=body)) == (400, code)


async def test_indicators_are_deleted_one_by_one_or_several_at_once(http: httpx.AsyncClient) -> None:
    keys = [(await _submit(http, action=action)).json()["id"] for action in ("Block", "Warn", "Allowed")]
    reply = await http.delete(f"/api/indicators/{keys[0]}")
    assert (reply.status_code, reply.content) == (204, b"")
    assert _code(await http.delete(f"/api/indicators/{keys[0]}")) == (404, "ResourceNotFound")
    url = "/api/indicators/BatchDelete"
    assert _code(await http.post(url, json={"IndicatorIds": keys})) == (404, "ResourceNotFound")
    assert len((await http.get("/api/indicators")).json()["value"]) == 2
    assert _code(await http.post(url, json={"IndicatorIds": ["x"]})) == (400, "InvalidInput")
    assert _code(await http.post(url, json={"IndicatorIds": []})) == (400, "MissingRequiredParameter")
    assert _code(await http.post(url, json={"IndicatorIds": ["1"] * 501})) == (400, "MaximumBatchSizeExceeded")
    assert (await http.post(url, json={"IndicatorIds": keys[1:]})).status_code == 204
    assert (await http.get("/api/indicators")).json()["value"] == []


async def test_an_app_with_the_smaller_role_sees_its_own_only(
    http: httpx.AsyncClient,
    anonymous: httpx.AsyncClient,
    control: SimulatorControl,
    sign_in: Callable[..., Awaitable[httpx.Response]],
) -> None:
    foreign = (await _submit(http)).json()["id"]
    app = await control.add_app("Feed", roles=["Ti.ReadWrite"])
    token = (await sign_in(client_id=app["client_id"], client_secret=app["secrets"][0]["value"])).json()["access_token"]
    anonymous.headers["Authorization"] = f"Bearer {token}"
    assert (await anonymous.get("/api/indicators")).json()["value"] == []
    assert _code(await anonymous.delete(f"/api/indicators/{foreign}")) == (404, "ResourceNotFound")
    own = (await _submit(anonymous, action="Block")).json()["id"]
    assert [item["id"] for item in (await anonymous.get("/api/indicators")).json()["value"]] == [own]
    assert len((await http.get("/api/indicators")).json()["value"]) == 2
