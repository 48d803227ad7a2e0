from ringfence.simulator import Simulator, investigations, lifecycle, portal
from ringfence.simulator.shelves import Item
from ringfence.simulator.specs import AlertSpec
from ringfence.simulator.tenant import Machine, Tenant


def _machine(tenant: Tenant, name: str) -> Machine:
    machine = tenant.find_machine(name)
    assert machine is not None
    return machine


def _start(simulator: Simulator, tenant: Tenant, name: str) -> Item:
    now, machine = simulator.clock.now(), _machine(tenant, name)
    alert = investigations.raise_alert(tenant, machine, "analyst", "why", now)
    return investigations.start(tenant, machine, alert, simulator.clock, now)


def test_files_of_open_alerts_are_remediated(simulator: Simulator, contoso: Tenant) -> None:
    spec = AlertSpec(machine="wks-001", evidence=[{"entityType": "File", "sha1": "A" * 40}])
    portal.raise_alert(contoso, spec, simulator.clock.now())
    item = _start(simulator, contoso, "wks-001")
    simulator.clock.advance(60)
    simulator.settle()
    assert item.document["state"] == "SuccessfullyRemediated"
    assert _machine(contoso, "wks-001").quarantined == ["a" * 40]
    assert investigations.find(contoso, item.record.key) is item
    assert investigations.earliest(contoso) is None


def test_an_investigation_waits_for_a_machine_that_is_away(simulator: Simulator, contoso: Tenant) -> None:
    item = _start(simulator, contoso, "lap-001")
    assert item.document["state"] == "PendingResource"
    simulator.clock.advance(9_000)
    simulator.settle()
    assert item.document["endTime"] is None
    lifecycle.come_online(contoso, _machine(contoso, "lap-001"), simulator.clock, simulator.clock.now())
    assert item.document["state"] == "Running"
    simulator.clock.advance(60)
    simulator.settle()
    assert item.document["state"] == "Benign"


def test_a_machine_that_leaves_meanwhile_is_waited_for(simulator: Simulator, contoso: Tenant) -> None:
    item = _start(simulator, contoso, "wks-001")
    lifecycle.go_offline(contoso, _machine(contoso, "wks-001"))
    simulator.clock.advance(60)
    simulator.settle()
    assert (item.document["state"], item.document["endTime"]) == ("PendingResource", None)


def test_another_system_than_windows_ends_it_at_once(simulator: Simulator, contoso: Tenant) -> None:
    _machine(contoso, "srv1").record.document["osPlatform"] = "Ubuntu"
    item = _start(simulator, contoso, "srv1")
    assert item.document["state"] == "UnsupportedOs"
    alert = contoso.alerts[item.document["triggeringAlertId"]]
    assert (alert.document["status"], alert.document["investigationId"]) == ("Resolved", int(item.record.key))
