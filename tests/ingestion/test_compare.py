from datetime import timedelta
from typing import Any

import pytest

from alert_samples import NOON, an_alert, written
from both_apis import both_apis
from graph_samples import Tenants, a_graph_alert
from ringfence import clock
from ringfence.defender import DefenderError, ServerError
from ringfence.ingestion.compare import Comparison, NotComparable, compare

MINUTE = timedelta(minutes=1)


async def found(defender: list[Any], graph: list[Any]) -> Comparison:
    clock.replace(lambda: (NOON + 10 * MINUTE).timestamp())
    return await compare(Tenants(defender, graph), "account", NOON - timedelta(hours=1))


async def test_sources_that_say_the_same_are_alike() -> None:
    alert = an_alert("a", NOON, determination="NotMalicious", assignedTo=None)
    same = a_graph_alert("a", NOON, determination="clean", assignedTo="")
    result = await found([alert], [same])
    assert (result.defender, result.graph, result.alike) == (1, 1, 1)
    assert (result.only_defender, result.only_graph, result.differing, result.fields) == ((), (), (), {})
    assert result.complete


async def test_what_only_one_source_shows_is_named_with_its_age() -> None:
    result = await found([an_alert("a"), an_alert("b")], [a_graph_alert("b"), a_graph_alert("c")])
    assert [(each.alert_id, each.age) for each in result.only_defender] == [("daa_1", 4200.0)]
    assert [each.alert_id for each in result.only_graph] == ["dac_1"]
    assert (result.only_defender_count, result.only_graph_count, result.alike) == (1, 1, 1)


async def test_fields_that_differ_are_named_with_both_values_and_counted() -> None:
    graph = [a_graph_alert("a", status="resolved", severity="low"), a_graph_alert("b", status="resolved")]
    result = await found([an_alert("a"), an_alert("b")], graph)
    assert result.fields == {"severity": 1, "status": 2}
    first = result.differing[0]
    assert first.alert_id == "daa_1"
    assert [(each.field, each.defender, each.graph) for each in first.fields] == [
        ("severity", "High", "Low"),
        ("status", "New", "Resolved"),
    ]


async def test_the_distance_of_their_times_is_a_distribution_either_way() -> None:
    defender = [an_alert(f"{number}", NOON) for number in range(4)]
    graph = [a_graph_alert(f"{number}", NOON + timedelta(seconds=late)) for number, late in enumerate((0, 2, 8, -5))]
    result = await found(defender, graph)
    assert result.behind is not None
    assert result.ahead is not None
    assert (result.behind.count, result.behind.p50, result.behind.longest) == (2, 2.0, 8.0)
    assert (result.ahead.count, result.ahead.longest) == (1, 5.0)
    assert [each.behind for each in result.differing] == [2.0, 8.0, -5.0]


async def test_an_alert_at_the_edge_of_the_span_is_not_taken_for_one_that_is_missing() -> None:
    edge = NOON - timedelta(hours=1)
    result = await found([an_alert("a", edge - MINUTE)], [a_graph_alert("a", edge + MINUTE)])
    assert (result.only_defender_count, result.only_graph_count, result.differing_count) == (0, 0, 1)
    result = await found([an_alert("a", edge - MINUTE)], [])
    assert (result.defender, result.only_defender_count) == (0, 0)


async def test_an_alert_that_comes_while_the_sources_are_read_is_not_missing_in_the_one_read_first() -> None:
    result = await found([], [a_graph_alert("a", NOON + 11 * MINUTE)])
    assert (result.graph, result.only_graph_count) == (0, 0)


async def test_the_same_time_with_other_digits_is_no_difference() -> None:
    result = await found([an_alert("a", lastUpdateTime="2026-06-01T12:00:00Z")], [a_graph_alert("a", NOON)])
    assert result.alike == 1


async def test_alerts_of_other_products_are_counted_and_not_missed() -> None:
    other = a_graph_alert("mail") | {"serviceSource": "microsoftDefenderForOffice365"}
    result = await found([], [other])
    assert (result.other_products, result.only_graph_count) == (1, 0)


async def test_what_is_no_alert_is_counted() -> None:
    result = await found([an_alert("a"), {"id": 7, "lastUpdateTime": written(NOON)}], [a_graph_alert("a")])
    assert (result.unreadable, result.alike) == (1, 1)


@pytest.mark.parametrize("broken", ["defender", "graph"])
async def test_a_source_that_cannot_be_read_is_named(broken: str) -> None:
    failure: DefenderError = ServerError("It is raining.", status=503)
    tenants = Tenants([], [], **{f"{broken}_fails": failure})
    title = {"defender": "Defender for Endpoint alerts", "graph": "Microsoft Graph security alerts"}[broken]
    with pytest.raises(NotComparable, match=f"{title} cannot be read: It is raining"):
        await compare(tenants, "account", NOON)
    assert tenants.reported == [failure]


async def test_both_apis_of_one_tenant_show_the_same_attacks() -> None:
    async with both_apis() as (control, client):
        await control.inject_alerts("wks-001", count=3)
        await control.inject_alerts("wks-002", severity="Low", mitre=["T1486"])
        tenants = Tenants([], [])
        tenants.client = client
        result = await compare(tenants, "account", clock.now() - timedelta(hours=1))
    assert (result.defender, result.graph) == (4, 4)
    assert result.alike == 4, result.fields
