from pathlib import Path

import pytest

from ringfence.simulator import Simulator, scenario
from ringfence.simulator.scenario import ScenarioError
from ringfence.simulator.tenant import Tenant


@pytest.mark.parametrize("name", scenario.shipped())
def test_every_shipped_scenario_loads_under_its_file_name(name: str) -> None:
    assert scenario.load(name).name == name


def test_a_scenario_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\ntenants:\n  - name: contoso\n    apps: [{name: app}]\n")
    assert scenario.load(path).name == "mine"


def test_an_unknown_name_lists_the_shipped_scenarios() -> None:
    with pytest.raises(ScenarioError, match="eicar-drill, lateral-movement, noisy-week, quiet, ransomware"):
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


def _play(name: str, seconds: float) -> tuple[Simulator, Tenant]:
    simulator = Simulator.from_scenario(name, frozen=True, start=1_700_000_000)
    simulator.clock.advance(seconds)
    simulator.settle()
    tenant = simulator.find_tenant("contoso")
    assert tenant is not None
    return simulator, tenant


def _targets(tenant: Tenant) -> list[str]:
    return [tenant.machines[key].name for key in tenant.targets or []]


def test_lateral_movement_reaches_a_domain_controller_and_tells_of_it_late() -> None:
    simulator, tenant = _play("lateral-movement", 40)
    assert _targets(tenant) == ["wks-031", "srv-file-01"]
    assert {item.document["computerDnsName"] for item in tenant.alert_order} == {"wks-031", "wks-017"}
    assert len(tenant.withheld) == 1
    simulator.clock.advance(10)
    simulator.settle()
    hosts = [item.document["computerDnsName"] for item in tenant.alert_order if item.document["incidentId"] == 2077]
    assert sorted(hosts) == ["dc-01", "srv-file-01", "wks-031", "wks-031"]
    simulator.clock.advance(10)
    simulator.settle()
    assert {item.document["severity"] for item in tenant.alert_order if item.document["incidentId"] == 2077} == {"High"}


def _restricted(tenant: Tenant) -> list[str]:
    return [machine.name for machine in tenant.machines.values() if machine.restricted]


def _away(tenant: Tenant) -> list[str]:
    return [machine.name for machine in tenant.machines.values() if machine.online_since is None]


def test_remediated_malware_leaves_nothing_open_and_nothing_restricted() -> None:
    simulator, tenant = _play("remediated-malware", 30)
    assert tenant.targets == []
    assert {item.document["status"] for item in tenant.alert_order} == {"Resolved"}
    assert [item.record.document["requestSource"] for item in tenant.actions.values()] == ["AutomatedInvestigation"]
    assert _restricted(tenant) == ["lap-002"]
    simulator.clock.advance(30)
    simulator.settle()
    assert _restricted(tenant) == []
    assert not tenant.tally.touched


def test_a_noisy_week_holds_ten_thousand_alerts_and_one_attack() -> None:
    simulator, tenant = _play("noisy-week", 120)
    assert len(tenant.alerts) == 10_000 + 20 + 1 + 2
    assert len({item.document["machineId"] for item in tenant.alert_order}) > 900
    attack = [item.document for item in tenant.alert_order if item.document["category"] == "Ransomware"]
    assert [item["computerDnsName"] for item in attack] == ["wks-0500", "wks-0500"]
    assert _targets(tenant) == ["wks-0500"]
    assert [fault.status for fault in simulator.faults.items] == [429]


def test_the_drill_stays_on_its_machine_and_ends_as_a_test() -> None:
    simulator, tenant = _play("eicar-drill", 70)
    machine = tenant.find_machine("tst-001")
    assert machine is not None
    assert tenant.targets == [machine.id]
    assert machine.record.document["machineTags"] == ["Drill"]
    assert {item.document["computerDnsName"] for item in tenant.alert_order} == {"tst-001"}
    assert _away(tenant) == ["tst-001"]
    simulator.clock.advance(180)
    simulator.settle()
    assert _away(tenant) == []
    assert "SecurityTesting" in [item.document["determination"] for item in tenant.alert_order]


def test_faults_of_a_scenario_begin_and_end_with_it() -> None:
    text = (
        "name: x\ntenants: [{name: contoso, apps: [{name: app}]}]\n"
        "faults:\n  - {path: /api/*, kind: burst, at: 10, lasting: 5, times: null}\n"
        "  - {operation: isolate_machine, kind: drop_reply_after_effect}\n"
    )
    simulator = Simulator.from_scenario("quiet", frozen=True, start=1_700_000_000)
    simulator.reset(scenario.parse(text, "x.yaml"))
    simulator.settle()
    assert [fault.kind for fault in simulator.faults.items] == ["drop_reply_after_effect"]
    simulator.clock.advance(10)
    simulator.settle()
    now = simulator.clock.now()
    assert [fault.ends_at for fault in simulator.faults.items] == [None, now + 5]
    assert simulator.faults.strike("x", "GET", "/api/x", (), now)
    assert not simulator.faults.strike("x", "GET", "/api/x", (), now + 5)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("{kind: burst}", "needs an operation"),
        ("{path: /api/*, kind: storm}", r"faults\[0\]\.kind"),
        ("{path: /api/*, kind: status, tenant: fabrikam}", "aimed at tenant 'fabrikam'; there are: contoso"),
        ("{path: /api/*, kind: schema_drift}", "needs rename"),
        ("{path: /api/*, kind: clock_skew}", "needs skew"),
    ],
)
def test_a_wrong_fault_names_its_place(fault: str, message: str) -> None:
    text = f"name: x\ntenants: [{{name: contoso, apps: [{{name: app}}]}}]\nfaults:\n  - {fault}\n"
    with pytest.raises(ScenarioError, match=message):
        scenario.parse(text, "x.yaml")
