import httpx
import pytest

from factbook import facts
from ringfence.simulator import SimulatorControl, services
from ringfence.simulator.quotas import OWN, SHARED, Quotas
from ringfence.simulator.tenant import Tenant

GRAPH_QUOTA = 150


def test_each_operation_has_the_limits_of_the_fact_book() -> None:
    names = {"mde": "defender"}
    for operation in facts("endpoints")["operations"]:
        name = names.get(operation["api"], operation["api"])
        if name not in SHARED:
            continue
        stated = operation["rate_limit"]
        shared = {quota.seconds: quota.calls for quota in SHARED[name]}
        tighter = {}
        for key, seconds in (("per_minute", 60), ("per_hour", 3_600)):
            calls = stated.get(key)
            if calls is not None and calls < shared.get(seconds, calls + 1):
                tighter[seconds] = calls
        own = OWN.get(operation["id"], ())
        assert {quota.seconds: quota.calls for quota in own} == tighter, operation["id"]
        for quota in own:
            assert quota.by_tenant == str(stated.get("scope", "")).startswith("tenant"), operation["id"]
    served = {name for api in services.APIS for name in api.registry.operations}
    assert set(OWN) <= served
    assert {api.name for api in services.APIS} == set(SHARED)


def test_a_window_slides() -> None:
    quotas = Quotas()
    for second in range(0, 100):
        assert quotas.take("all", "defender", "get_machine", "a", second / 10) is None
    spent = quotas.take("all", "defender", "get_machine", "a", 10.0)
    assert spent is not None
    assert (spent.quota.calls, spent.quota.seconds, spent.retry_after) == (100, 60, 50)
    assert quotas.take("all", "defender", "get_machine", "another", 10.0) is None
    assert quotas.take("all", "xdr", "list_incidents_xdr", "a", 10.0) is None
    assert quotas.take("all", "defender", "get_machine", "a", 60.0) is None
    again = quotas.take("all", "defender", "get_machine", "a", 60.0)
    assert again is not None
    assert again.retry_after == 1


def test_the_hour_is_spent_after_the_minutes() -> None:
    quotas = Quotas()
    for number in range(1_500):
        assert quotas.take("shared", "defender", "get_machine", "a", float(number)) is None
    spent = quotas.take("shared", "defender", "get_machine", "a", 1_500.0)
    assert spent is not None
    assert (spent.quota.seconds, spent.retry_after) == (3_600, 2_100)


def test_a_tighter_limit_is_of_its_operation_alone_and_of_the_tenant_where_it_says_so() -> None:
    quotas = Quotas()
    for _ in range(2):
        assert quotas.take("all", "defender", "get_package_sas_uri", "a", 0.0) is None
    assert quotas.take("all", "defender", "get_package_sas_uri", "a", 0.0) is not None
    assert quotas.take("all", "defender", "get_package_sas_uri", "b", 0.0) is None
    for number in range(45):
        assert quotas.take("all", "defender", "run_advanced_query", f"app-{number}", 0.0) is None
    assert quotas.take("all", "defender", "run_advanced_query", "one more", 0.0) is not None
    assert quotas.take("shared", "defender", "run_advanced_query", "one more", 0.0) is None


def test_graph_counts_a_request_that_it_refuses() -> None:
    quotas = Quotas()
    for second in range(GRAPH_QUOTA):
        assert quotas.take("all", "graph", "graph_list_alerts", "a", 0.0) is None, second
    first = quotas.take("all", "graph", "graph_list_alerts", "a", 30.0)
    assert first is not None
    assert first.retry_after == 30
    for _ in range(2 * GRAPH_QUOTA):
        quotas.take("all", "graph", "graph_list_alerts", "a", 59.0)
    later = quotas.take("all", "graph", "graph_list_alerts", "a", 61.0)
    assert later is not None
    assert later.retry_after == 58


def test_nothing_is_counted_unless_it_is_wanted() -> None:
    quotas = Quotas()
    assert {quotas.take("off", "graph", "graph_list_alerts", "a", 0.0) for _ in range(500)} == {None}


async def test_a_spent_quota_is_said_in_the_services_words(
    http: httpx.AsyncClient, graph: httpx.AsyncClient, control: SimulatorControl, contoso: Tenant, machine_id: str
) -> None:
    await control.configure("contoso", quotas="all")
    body = {"Query": "DeviceInfo | count"}
    for _ in range(45):
        assert (await http.post("/api/advancedqueries/run", json=body)).status_code == 200
    refused = await http.post("/api/advancedqueries/run", json=body)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    assert refused.json()["error"]["message"] == (
        "API calls quota exceeded! Maximum allowed 45 per 00:01:00 for the key Destination+TenantID. "
        "You can send requests again in 60 seconds."
    )
    assert (await http.get(f"/api/machines/{machine_id}")).status_code == 200
    await control.advance(60)
    assert (await http.post("/api/advancedqueries/run", json=body)).status_code == 200
    for _ in range(GRAPH_QUOTA):
        assert (await graph.get("/v1.0/security/incidents?$top=1")).status_code == 200
    assert (await graph.get("/v1.0/security/incidents")).json()["error"]["code"] == "TooManyRequests"


@pytest.mark.parametrize("value", ["some", 5, None])
async def test_how_quotas_are_counted_is_one_of_three(control: SimulatorControl, value: object) -> None:
    with pytest.raises(Exception, match="quotas"):
        await control.configure("contoso", quotas=value)
