import pytest

from ringfence.simulator import Simulator, portal
from ringfence.simulator.portal import UnknownMachine
from ringfence.simulator.specs import AlertChange, AlertSpec, Event, MachineChange, PortalAction
from ringfence.simulator.tenant import Tenant

NOON = 1_772_366_400.0


def test_alert_ids_have_the_shape_of_their_source(contoso: Tenant) -> None:
    behaviour = portal.raise_alert(contoso, AlertSpec(machine="wks-001"), NOON)
    antivirus = portal.raise_alert(contoso, AlertSpec(machine="wks-001", detection_source="WindowsDefenderAv"), NOON)
    assert behaviour.startswith("da639079632000000000_")
    assert len(antivirus) == 40
    assert antivirus.endswith("_1")


def test_an_alert_tells_machine_users_and_times(contoso: Tenant) -> None:
    evidence: list[dict[str, str | int | None]] = [{"entityType": "Process", "fileName": "a.exe"}]
    spec = AlertSpec(machine="wks-001", user="asmith", status="Resolved", evidence=evidence)
    document = contoso.alerts[portal.raise_alert(contoso, spec, NOON)].document
    assert document["loggedOnUsers"] == [{"accountName": "asmith", "domainName": "CONTOSO"}]
    assert document["relatedUser"] == {"userName": "asmith", "domainName": "CONTOSO"}
    assert document["firstEventTime"] < document["lastEventTime"] < document["alertCreationTime"]
    assert document["resolvedTime"] == document["lastUpdateTime"]
    assert document["evidence"][0]["processCreationTime"]
    assert document["evidence"][0]["url"] is None


def test_a_change_moves_the_update_time_and_resolves(contoso: Tenant) -> None:
    record = contoso.alerts[portal.raise_alert(contoso, AlertSpec(machine="wks-001"), NOON)]
    change = AlertChange(status="Resolved", comment="done", assigned_to="a@contoso.com", by="b@contoso.com")
    portal.edit_alert(contoso, record, change, NOON + 60)
    assert record.document["lastUpdateTime"] == "2026-03-01T12:01:00Z"
    assert record.document["resolvedTime"] == "2026-03-01T12:01:00Z"
    assert record.document["comments"] == [
        {"comment": "done", "createdBy": "b@contoso.com", "createdTime": "2026-03-01T12:01:00Z"}
    ]
    portal.edit_alert(contoso, record, AlertChange(status="New"), NOON + 61)
    assert record.document["resolvedTime"] is None


def test_a_verbatim_document_is_kept_whatever_it_holds(contoso: Tenant) -> None:
    key = portal.raise_verbatim(contoso, {"severity": 7, "evidence": "none"}, NOON)
    assert contoso.alerts[key].document == {"severity": 7, "evidence": "none"}


def test_an_analyst_isolates_in_the_portal_without_being_counted(simulator: Simulator, contoso: Tenant) -> None:
    action = portal.act(contoso, PortalAction(machine="wks-001", type="Isolate"), simulator.clock, NOON)
    simulator.clock.advance(10)
    simulator.settle()
    assert action.record.document["requestSource"] == "Portal"
    assert contoso.machines[action.machine_id].isolated
    assert not contoso.tally.isolated
    assert not contoso.tally.touched


def test_any_property_of_a_machine_can_be_changed(simulator: Simulator, contoso: Tenant) -> None:
    machine = portal.require_machine(contoso, "wks-001")
    change = MachineChange(tags=["VIP"], online=False, fields={"riskScore": "High", "computerDnsName": "wks-900"})
    portal.edit_machine(contoso, machine, change, simulator.clock, NOON)
    document = portal.require_machine(contoso, "wks-900").record.document
    assert (document["machineTags"], document["riskScore"], document["healthStatus"]) == (["VIP"], "High", "Inactive")


def test_each_kind_of_event_plays(simulator: Simulator, contoso: Tenant) -> None:
    for event in (
        {"at": 0, "alert": {"machine": "wks-001", "ref": "r"}},
        {"at": 1, "update": {"ref": "r", "status": "Resolved"}},
        {"at": 2, "machine": {"name": "lap-001", "online": True}},
        {"at": 3, "portal_action": {"machine": "wks-002", "type": "Isolate"}},
    ):
        portal.play(contoso, Event.model_validate(event), simulator.clock, NOON)
    assert [item.document["status"] for item in contoso.alerts.values()] == ["Resolved"]
    assert portal.require_machine(contoso, "lap-001").online_since == NOON
    assert len(contoso.active) == 1


def test_an_unknown_machine_is_said_to_be_unknown(contoso: Tenant) -> None:
    with pytest.raises(UnknownMachine, match="wks-999"):
        portal.require_machine(contoso, "wks-999")
