from pathlib import Path

import pytest

from ringfence.simulator import Simulator, scenario
from ringfence.simulator.scenario import ScenarioError


@pytest.mark.parametrize("name", scenario.shipped())
def test_every_shipped_scenario_loads_under_its_file_name(name: str) -> None:
    assert scenario.load(name).name == name


def test_a_scenario_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\ntenants:\n  - name: contoso\n    apps: [{name: app}]\n")
    assert scenario.load(path).name == "mine"


def test_an_unknown_name_lists_the_shipped_scenarios() -> None:
    with pytest.raises(ScenarioError, match="quiet, ransomware"):
        scenario.load("nothing-of-this-name")


def test_a_mistake_names_file_line_and_place() -> None:
    text = (
        "name: x\ntenants:\n  - name: contoso\n    apps: [{name: app}]\n    machines:\n      - name: a\n        os: 7\n"
    )
    with pytest.raises(ScenarioError, match=r"mine\.yaml:7: tenants\[0\]\.machines\[0\]\.os: .*Correct this entry"):
        scenario.parse(text, "mine.yaml")


def test_broken_yaml_names_the_line() -> None:
    with pytest.raises(ScenarioError, match=r"mine\.yaml:2: not valid YAML"):
        scenario.parse("name: x\ntenants: [", "mine.yaml")


@pytest.mark.parametrize("text", ["", "7", "[]", "name: x"])
def test_what_is_no_scenario_is_refused_with_a_place(text: str) -> None:
    with pytest.raises(ScenarioError, match=r"mine\.yaml:1: "):
        scenario.parse(text, "mine.yaml")


def test_the_ransomware_scenario_has_confusable_hosts_and_one_target() -> None:
    simulator = Simulator.from_scenario("ransomware", frozen=True, start=1_700_000_000)
    contoso = simulator.find_tenant("contoso")
    fabrikam = simulator.find_tenant("fabrikam.onmicrosoft.com")
    assert contoso is not None
    assert fabrikam is not None
    names = {machine.name for machine in contoso.machines.values()}
    assert {"wks-014", "wks-0142", "wks-01", "srv1", "srv10", "dc-01"} <= names
    assert len(contoso.machines) >= 40
    target = contoso.find_machine("wks-014")
    assert target is not None
    assert contoso.targets == [target.id]
    assert any(item.record.document["mergedIntoMachineId"] for item in contoso.machines.values())
    assert any(item.record.document["isPotentialDuplication"] for item in contoso.machines.values())
    assert any(item.online_since is None for item in contoso.machines.values())
    assert set(contoso.apps).isdisjoint(fabrikam.apps)


def test_the_ransomware_scenario_plays_its_alerts_in_time() -> None:
    simulator = Simulator.from_scenario("ransomware", frozen=True, start=1_700_000_000, speed=2)
    contoso = simulator.find_tenant("contoso")
    assert contoso is not None
    simulator.clock.advance(5)
    simulator.settle()
    found = [item.document for item in contoso.alerts.values() if item.document["category"] == "Ransomware"]
    assert [(item["computerDnsName"], item["alertCreationTime"]) for item in found] == [
        ("wks-014", "2023-11-14T22:13:25Z")
    ]
    simulator.clock.advance(60)
    simulator.settle()
    hosts = [
        item.document["computerDnsName"]
        for item in contoso.alerts.values()
        if item.document["category"] == "Ransomware" and item.document["severity"] == "High"
    ]
    assert sorted(hosts) == ["dc-01", "wks-014", "wks-014"]
