from collections.abc import Awaitable, Callable

import httpx

from ringfence.simulator import SimulatorControl
from ringfence.simulator.graph import denied, refuse, throttled
from ringfence.simulator.quotas import Quota


def test_each_reason_has_its_text() -> None:
    assert denied("broken").message == "Signature is invalid."
    assert len({denied(reason).message for reason in ("absent", "broken", "audience", "time")}) == 4
    assert refuse(denied("absent"), "x", 0).status == 401
    assert throttled("9", Quota(150, 60)).status == 429


async def test_without_a_good_token_the_answer_is_401_in_graphs_shape(
    anonymous: httpx.AsyncClient, graph: httpx.AsyncClient, control: SimulatorControl
) -> None:
    reply = await anonymous.get("/v1.0/security/alerts_v2")
    error = reply.json()["error"]
    assert (reply.status_code, error["code"]) == (401, "InvalidAuthenticationToken")
    assert set(error) == {"code", "message", "innerError"}
    assert error["innerError"]["date"] == "2026-03-01T12:00:00"
    assert error["innerError"]["request-id"] == reply.headers["request-id"]
    await control.advance(4_000)
    late = (await graph.get("/v1.0/security/alerts_v2")).json()["error"]
    assert late["message"] == "Lifetime validation failed, the token is expired."


async def test_a_missing_role_is_403(
    anonymous: httpx.AsyncClient, control: SimulatorControl, sign_in: Callable[..., Awaitable[httpx.Response]]
) -> None:
    app = await control.add_app("Reader", roles=["SecurityAlert.Read.All"])
    secret = app["secrets"][0]["value"]
    scope = "https://graph.microsoft.com/.default"
    token = (await sign_in(client_id=app["client_id"], client_secret=secret, scope=scope)).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert (await anonymous.get("/v1.0/security/alerts_v2", headers=headers)).status_code == 200
    reply = await anonymous.get("/v1.0/security/incidents", headers=headers)
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "Forbidden")


async def test_throttling_and_outages_come_in_graphs_shape(graph: httpx.AsyncClient, control: SimulatorControl) -> None:
    await control.add_fault("status", operation="graph_list_alerts", status=429, headers={"Retry-After": "10"})
    reply = await graph.get("/v1.0/security/alerts_v2")
    error = reply.json()["error"]
    assert (reply.status_code, reply.headers["Retry-After"], error["code"]) == (429, "10", "TooManyRequests")
    assert error["message"] == "Please retry again later."
    inner = error["innerError"]
    assert (inner["code"], inner["message"], inner["status"]) == ("429", "Please retry after", "429")
    await control.add_fault("status", path="/v1.0/*", status=503)
    assert "innerError" in (await graph.get("/v1.0/security/alerts_v2")).json()["error"]
