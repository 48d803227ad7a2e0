import httpx
import pytest

from ringfence.simulator.services import APIS, DEFENDER, GRAPH, HUNTING, XDR


def test_no_two_apis_answer_the_same_operation() -> None:
    ids = [key for api in APIS for key in api.registry.operations]
    assert len(ids) == len(set(ids))
    shared = {
        (operation.method, operation.path.lower())
        for operation in DEFENDER.registry.operations.values()
        for other in XDR.registry.operations.values()
        if (operation.method, operation.path.lower()) == (other.method, other.path.lower())
    }
    assert not shared


def test_no_token_opens_two_apis() -> None:
    audiences = [audience for api in APIS for audience in api.audiences]
    assert len(audiences) == len(set(audiences))


def test_hunting_is_declared_in_all_three() -> None:
    for key, api in zip(HUNTING, (DEFENDER, XDR, GRAPH), strict=True):
        assert key in api.registry.operations
    assert GRAPH.registry.operations["graph_run_hunting_query"].path == "security/runHuntingQuery"


@pytest.mark.parametrize("host", ["api-us.securitycenter.microsoft.com", "contoso.example:444", "not a host", ""])
async def test_whatever_host_is_called_answers(http: httpx.AsyncClient, graph: httpx.AsyncClient, host: str) -> None:
    headers = {"Host": host}
    for path in ("/api/alerts", "/api/v1.0/alerts", "/API/V1.0/Alerts"):
        assert (await http.get(path, headers=headers)).status_code == 200
    assert (await graph.get("/v1.0/security/incidents", headers=headers)).status_code == 200
