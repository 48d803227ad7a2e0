import pytest

from ringfence.simulator import Simulator, lifecycle
from ringfence.simulator.tenant import Action, Machine, Tenant


@pytest.fixture
def machine(contoso: Tenant) -> Machine:
    found = contoso.find_machine("wks-001")
    assert found is not None
    return found


def _submit(simulator: Simulator, tenant: Tenant, machine: Machine, kind: str = "Isolate") -> Action:
    values = {"type": kind, "requestor": "app", "requestorComment": "x"}
    return lifecycle.submit(tenant, machine, values, simulator.clock, simulator.clock.now())


def test_an_action_is_pending_then_in_progress_then_succeeded(
    simulator: Simulator, contoso: Tenant, machine: Machine
) -> None:
    action = _submit(simulator, contoso, machine)
    seen = []
    for seconds in (2, 2, 5, 2):
        simulator.clock.advance(seconds)
        simulator.settle()
        seen.append(action.status)
    assert seen == ["Pending", "InProgress", "InProgress", "Succeeded"]
    assert machine.isolated


def test_a_transition_carries_the_moment_it_was_due_however_late_it_is_seen(
    simulator: Simulator, contoso: Tenant, machine: Machine
) -> None:
    action = _submit(simulator, contoso, machine)
    simulator.clock.advance(5_000)
    simulator.settle()
    assert action.record.document["creationDateTimeUtc"] == "2026-03-01T12:00:00Z"
    assert action.record.document["lastUpdateDateTimeUtc"] == "2026-03-01T12:00:10Z"


def test_speed_shortens_an_action(contoso: Tenant, simulator: Simulator, machine: Machine) -> None:
    simulator.clock.set_speed(10)
    action = _submit(simulator, contoso, machine)
    simulator.clock.advance(1)
    simulator.settle()
    assert action.status == "Succeeded"


def test_an_offline_machine_keeps_its_action_pending_until_it_returns(simulator: Simulator, contoso: Tenant) -> None:
    machine = contoso.find_machine("lap-001")
    assert machine is not None
    action = _submit(simulator, contoso, machine)
    simulator.clock.advance(86_400)
    simulator.settle()
    assert action.status == "Pending"
    lifecycle.come_online(contoso, machine, simulator.clock, simulator.clock.now())
    simulator.clock.advance(10)
    simulator.settle()
    assert action.status == "Succeeded"
    assert machine.record.document["healthStatus"] == "Active"


def test_an_action_on_a_machine_that_never_returns_times_out_after_three_days(
    simulator: Simulator, contoso: Tenant
) -> None:
    machine = contoso.find_machine("lap-001")
    assert machine is not None
    action = _submit(simulator, contoso, machine)
    simulator.clock.advance(3 * 86_400)
    simulator.settle()
    assert action.status == "TimeOut"
    assert action.record.document["errorHResult"] == -2_145_844_840
    assert action.record.document["lastUpdateDateTimeUtc"] == "2026-03-04T12:00:00Z"
    assert not machine.isolated


def test_a_machine_that_leaves_in_the_middle_finishes_after_its_return(
    simulator: Simulator, contoso: Tenant, machine: Machine
) -> None:
    action = _submit(simulator, contoso, machine)
    simulator.clock.advance(4)
    simulator.settle()
    lifecycle.go_offline(contoso, machine)
    simulator.clock.advance(600)
    simulator.settle()
    assert action.status == "InProgress"
    lifecycle.come_online(contoso, machine, simulator.clock, simulator.clock.now())
    simulator.clock.advance(7)
    simulator.settle()
    assert action.status == "Succeeded"


def test_an_action_can_be_made_to_fail_once(simulator: Simulator, contoso: Tenant, machine: Machine) -> None:
    machine.next_outcome = "Failed"
    first = _submit(simulator, contoso, machine)
    simulator.clock.advance(10)
    simulator.settle()
    second = _submit(simulator, contoso, machine)
    simulator.clock.advance(10)
    simulator.settle()
    assert (first.status, second.status) == ("Failed", "Succeeded")


def test_a_cancelled_action_moves_no_more(simulator: Simulator, contoso: Tenant, machine: Machine) -> None:
    action = _submit(simulator, contoso, machine)
    lifecycle.cancel(contoso, action, "someone", "not needed", simulator.clock.now())
    simulator.clock.advance(100)
    simulator.settle()
    assert action.status == "Cancelled"
    assert action.record.document["cancellationRequestor"] == "someone"
    assert not machine.isolated


def test_a_release_lets_the_machine_go_and_both_are_counted(
    simulator: Simulator, contoso: Tenant, machine: Machine
) -> None:
    for kind in ("Isolate", "Unisolate"):
        _submit(simulator, contoso, machine, kind)
        simulator.clock.advance(10)
        simulator.settle()
    assert not machine.isolated
    assert contoso.tally.isolated == contoso.tally.released == {machine.id}


def test_the_opposite_action_is_in_the_way(simulator: Simulator, contoso: Tenant, machine: Machine) -> None:
    action = _submit(simulator, contoso, machine, "Unisolate")
    assert lifecycle.in_the_way(contoso, machine, "Isolate") is action
    assert lifecycle.in_the_way(contoso, machine, "RunAntiVirusScan") is None


def test_two_files_do_not_stand_in_each_others_way(simulator: Simulator, contoso: Tenant, machine: Machine) -> None:
    file = {"fileIdentifier": "a" * 40, "fileIdentifierType": "Sha1"}
    values = {"type": "StopAndQuarantineFile", "relatedFileInfo": file}
    action = lifecycle.submit(contoso, machine, values, simulator.clock, simulator.clock.now())
    assert lifecycle.in_the_way(contoso, machine, "StopAndQuarantineFile", file) is action
    other = {**file, "fileIdentifier": "b" * 40}
    assert lifecycle.in_the_way(contoso, machine, "StopAndQuarantineFile", other) is None


def test_an_action_that_takes_longer_ends_later(simulator: Simulator, contoso: Tenant, machine: Machine) -> None:
    action = lifecycle.submit(contoso, machine, {"type": "Isolate"}, simulator.clock, simulator.clock.now())
    action.extra_seconds = 30
    simulator.clock.advance(39)
    simulator.settle()
    assert action.status == "InProgress"
    simulator.clock.advance(1)
    simulator.settle()
    assert action.status == "Succeeded"
