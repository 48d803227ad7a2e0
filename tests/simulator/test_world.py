import pytest

from ringfence.simulator import ScenarioError, Simulator
from ringfence.simulator.scenario import parse
from ringfence.simulator.tenant import Tenant

STORY = """
name: story
tenants:
  - name: contoso
    apps: [{ name: app }]
    machines: [{ name: wks-001 }, { name: lap-001, offline: true }]
    events:
      - { at: 1, portal_action: { machine: lap-001, type: Isolate } }
      - { at: 100, machine: { name: lap-001, online: true } }
      - { at: 101, alert: { machine: lap-001 } }
"""


def _story(speed: float = 1.0) -> tuple[Simulator, Tenant]:
    simulator = Simulator.from_scenario("quiet", frozen=True, start=1_700_000_000, speed=speed)
    simulator.reset(parse(STORY, "story.yaml"))
    return simulator, next(iter(simulator.tenants.values()))


@pytest.mark.parametrize("steps", [[1_000.0], [0.5] * 400, [99.0, 2.0, 899.0]])
def test_the_same_things_happen_at_the_same_moments_however_seldom_one_looks(steps: list[float]) -> None:
    simulator, tenant = _story()
    for step in steps:
        simulator.clock.advance(step)
        simulator.settle()
    (action,) = tenant.actions.values()
    (alert,) = tenant.alerts.values()
    assert action.record.document["creationDateTimeUtc"] == "2023-11-14T22:13:21Z"
    assert action.record.document["lastUpdateDateTimeUtc"] == "2023-11-14T22:15:10Z"
    assert action.status == "Succeeded"
    assert alert.document["alertCreationTime"] == "2023-11-14T22:15:01Z"


def test_nothing_happens_before_it_is_due() -> None:
    simulator, tenant = _story()
    simulator.clock.advance(0.999)
    simulator.settle()
    assert (tenant.actions, tenant.played) == ({}, 0)


def test_a_reset_begins_anew_now() -> None:
    simulator, _ = _story()
    simulator.clock.advance(500)
    simulator.settle()
    simulator.reset()
    tenant = next(iter(simulator.tenants.values()))
    assert (tenant.played, tenant.alerts) == (0, {})
    simulator.clock.advance(1)
    simulator.settle()
    assert tenant.played == 1


def test_a_tenant_is_found_by_id_domain_and_if_wanted_by_name(simulator: Simulator, contoso: Tenant) -> None:
    assert simulator.find_tenant(contoso.id.upper()) is contoso
    assert simulator.find_tenant("CONTOSO.onmicrosoft.com") is contoso
    assert simulator.find_tenant("contoso") is contoso
    assert simulator.find_tenant("contoso", by_name=False) is None
    assert simulator.find_app("nobody") is None


def test_an_unknown_scenario_is_refused() -> None:
    with pytest.raises(ScenarioError):
        Simulator.from_scenario("no-such-scenario")
