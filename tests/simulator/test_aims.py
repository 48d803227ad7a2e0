import pytest

from ringfence.simulator import SimulatorControl, aims, scenario
from ringfence.simulator.control_client import SimulatorControlError
from ringfence.simulator.scenario import ScenarioError


def test_everything_that_is_served_can_be_aimed_at() -> None:
    assert {"isolate_machine", "download_package", "token_client_credentials", "graph_list_alerts"} <= aims.operations()
    assert aims.mistake("isolate_machine") is None
    assert aims.mistake(None) is None


def test_a_misspelled_operation_is_answered_with_those_that_are_near() -> None:
    mistake = aims.mistake("isolate_machines")
    assert mistake is not None
    assert "isolate_machine, " in mistake
    assert "journal" in (aims.mistake("0") or "")


async def test_orders_and_scenarios_say_that_an_operation_is_unknown(control: SimulatorControl) -> None:
    with pytest.raises(SimulatorControlError, match=r"no operation 'list_alert'\. Is one of these meant: list_alerts"):
        await control.add_fault("status", operation="list_alert")
    text = (
        "name: x\ntenants: [{name: contoso, apps: [{name: app}]}]\n"
        "faults:\n  - kind: status\n    operation: list_alert\n"
    )
    with pytest.raises(ScenarioError, match=r"x\.yaml:5: faults\[0\]\.operation: there is no operation 'list_alert'"):
        scenario.parse(text, "x.yaml")
