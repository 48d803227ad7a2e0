from collections.abc import Awaitable, Callable

import httpx

from ringfence.simulator.graph import NOUNS, REGISTRY


def test_every_noun_operation_is_declared() -> None:
    declared = {name for noun in NOUNS for name in vars(noun)}
    assert {key for key in REGISTRY.operations if "hunting" not in key} <= declared
    assert len([key for key in REGISTRY.operations if "hunting" not in key]) == 8


async def test_replies_carry_graphs_headers_and_context(graph: httpx.AsyncClient) -> None:
    reply = await graph.get("/v1.0/security/alerts_v2", headers={"client-request-id": "mine-1"})
    assert reply.json() == {
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#security/alerts_v2",
        "value": [],
    }
    assert reply.headers["Content-Type"].startswith("application/json;odata.metadata=minimal")
    assert (reply.headers["OData-Version"], reply.headers["client-request-id"]) == ("4.0", "mine-1")
    assert len(reply.headers["request-id"]) == 36


async def test_letters_case_does_not_matter_in_fixed_segments(graph: httpx.AsyncClient) -> None:
    assert (await graph.get("/V1.0/Security/Alerts_V2")).status_code == 200
    assert (await graph.get("/v1.0/security/secureScores")).status_code == 404
    reply = await graph.delete("/v1.0/security/incidents/1")
    assert (reply.status_code, reply.headers["Allow"]) == (405, "GET, PATCH")


async def test_a_token_for_defender_does_not_open_graph(
    anonymous: httpx.AsyncClient, sign_in: Callable[..., Awaitable[httpx.Response]]
) -> None:
    token = (await sign_in()).json()["access_token"]
    reply = await anonymous.get("/v1.0/security/incidents", headers={"Authorization": f"Bearer {token}"})
    assert reply.status_code == 401
    assert reply.json()["error"]["message"] == "Access token validation failure. Invalid audience."


async def test_the_well_known_id_of_graph_names_it_as_well(
    anonymous: httpx.AsyncClient, sign_in: Callable[..., Awaitable[httpx.Response]]
) -> None:
    token = (await sign_in(scope="00000003-0000-0000-c000-000000000000/.default")).json()["access_token"]
    reply = await anonymous.get("/v1.0/security/incidents", headers={"Authorization": f"Bearer {token}"})
    assert reply.status_code == 200
