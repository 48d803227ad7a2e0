from typing import Any

import pytest
from pydantic import ValidationError

from ringfence.simulator import Simulator, generation
from ringfence.simulator.specs import Scenario, TenantSpec
from ringfence.simulator.tenant import Tenant

START = 1_772_366_400.0


def _spec(**changes: Any) -> dict[str, Any]:
    part = {"alerts": 20, "over_hours": 2, "from_hour": -1, "kinds": [{"machine": "wks-", "title": "noise"}], **changes}
    machines = [{"name": "wks-", "count": 5}, {"name": "srv1"}]
    return {"name": "contoso", "apps": [{"name": "app"}], "machines": machines, "generate": [part]}


def _world(**changes: Any) -> tuple[Simulator, Tenant]:
    simulator = Simulator.from_scenario("quiet", frozen=True, start=START)
    simulator.reset(Scenario.model_validate({"name": "x", "tenants": [_spec(**changes)]}))
    return simulator, next(iter(simulator.tenants.values()))


def test_half_lies_before_the_scenario_and_half_comes_while_it_plays() -> None:
    simulator, tenant = _world()
    assert len(tenant.alerts) == 10
    assert min(item.document["alertCreationTime"] for item in tenant.alert_order) == "2026-03-01T11:00:00Z"
    assert generation.following(tenant) == (0, 0)
    simulator.clock.advance(1_800)
    simulator.settle()
    assert len(tenant.alerts) == 16
    simulator.clock.advance(36_000)
    simulator.settle()
    assert len(tenant.alerts) == 20
    assert generation.following(tenant) is None
    assert {item.document["computerDnsName"][:4] for item in tenant.alert_order} == {"wks-"}


def test_kinds_come_by_their_weight_and_the_same_each_time() -> None:
    kinds = [{"machine": "wks-", "title": "often", "weight": 9}, {"machine": "srv1", "title": "seldom"}]
    runs = []
    for _ in range(2):
        _, tenant = _world(alerts=300, kinds=kinds, over_hours=1, from_hour=-1)
        runs.append([item.document["title"] for item in tenant.alert_order])
    assert runs[0] == runs[1]
    assert 15 <= runs[0].count("seldom") <= 50


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kinds": [{"machine": "none-"}]}, "begins with 'none-'"),
        ({"kinds": [{"machine": "wks-", "ref": "r"}]}, "cannot carry a ref"),
        ({"alerts": 0}, "greater than or equal to 1"),
        ({"kinds": []}, "at least 1"),
    ],
)
def test_what_cannot_be_generated_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TenantSpec.model_validate(_spec(**changes))
