from ringfence.simulator import Simulator, incidents, portal
from ringfence.simulator.specs import AlertSpec
from ringfence.simulator.tenant import Tenant


def _raise(simulator: Simulator, tenant: Tenant, machine: str, incident: int, **values: str) -> str:
    spec = AlertSpec.model_validate({"machine": machine, "incident": incident, **values})
    return portal.raise_alert(tenant, spec, simulator.clock.now())


def test_the_last_changed_incident_comes_first(simulator: Simulator, contoso: Tenant) -> None:
    _raise(simulator, contoso, "wks-001", 1)
    _raise(simulator, contoso, "wks-001", 2)
    simulator.clock.advance(5)
    found = incidents.find(contoso, "1")
    assert found is not None
    incidents.change(contoso, found, {"assignedTo": "a"}, simulator.clock.now())
    assert [item.id for item in incidents.of_tenant(contoso)] == [1, 2]


def test_names_tell_how_far_an_incident_reaches(simulator: Simulator, contoso: Tenant) -> None:
    _raise(simulator, contoso, "wks-001", 1, title="Ransomware seen")
    _raise(simulator, contoso, "wks-001", 2, title="Ransomware seen", category="Malware")
    _raise(simulator, contoso, "wks-002", 2, title="Lateral movement", category="LateralMovement")
    names = {item.id: item.name for item in incidents.of_tenant(contoso)}
    assert names[1] == "Ransomware seen on one endpoint"
    assert names[2].startswith("Multi-stage incident involving ")
    assert names[2].endswith(" on multiple endpoints")


def test_what_was_written_on_an_incident_survives_a_dump(simulator: Simulator, contoso: Tenant) -> None:
    key = _raise(simulator, contoso, "wks-001", 1)
    found = incidents.find(contoso, "1")
    assert found is not None
    incidents.change(contoso, found, {"status": "InProgress"}, simulator.clock.now(), {"comment": "seen"})
    again = Tenant.load(contoso.dump())
    again.keep_alert(contoso.alerts[key])
    kept = incidents.find(again, "1")
    assert kept is not None
    assert (kept.status, kept.items("comments")) == ("InProgress", [{"comment": "seen"}])
