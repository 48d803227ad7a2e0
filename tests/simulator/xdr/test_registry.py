from collections.abc import Awaitable, Callable

import httpx
import pytest

from ringfence.simulator.xdr import NOUNS, REGISTRY


def test_every_incident_operation_is_declared_by_a_noun() -> None:
    declared = {name for noun in NOUNS for name in vars(noun)}
    ids = {key for key in REGISTRY.operations if "incident" in key}
    assert ids == {"list_incidents_xdr", "get_incident_xdr", "update_incident_xdr"}
    assert ids <= declared


@pytest.mark.parametrize(
    "resource", ["https://api.securitycenter.microsoft.com", "https://graph.microsoft.com"], ids=["defender", "graph"]
)
async def test_a_token_for_another_api_gets_401(
    anonymous: httpx.AsyncClient, sign_in: Callable[..., Awaitable[httpx.Response]], resource: str
) -> None:
    token = (await sign_in(scope=f"{resource}/.default")).json()["access_token"]
    reply = await anonymous.get("/api/incidents", headers={"Authorization": f"Bearer {token}"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (401, "Unauthorized")


async def test_a_token_for_xdr_does_not_open_defender(xdr: httpx.AsyncClient) -> None:
    assert (await xdr.get("/api/alerts")).status_code == 401


async def test_both_prefixes_and_any_case_lead_to_the_same_operation(xdr: httpx.AsyncClient) -> None:
    for path in ("/api/incidents", "/api/v1.0/incidents", "/API/Incidents/"):
        assert (await xdr.get(path)).json()["value"] == []
    reply = await xdr.delete("/api/incidents/1")
    assert (reply.status_code, reply.headers["Allow"]) == (405, "GET, PATCH")
