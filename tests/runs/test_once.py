"""How the effect of each operation is made at most once, whatever the network does."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from containment_world import World, a_world
from port_world import run_of
from ringfence.actions import ActionError, Json
from ringfence.runs.door import Defender
from ringfence.simulator import portal, telemetry, timestamps
from ringfence.simulator.specs import AlertSpec
from ringfence.storage import Database

KEY = "run1:one:0"
COMMANDS = [{"type": "GetFile", "path": "C:/a.txt"}]
FAULTS = [None, "drop_reply_after_effect", "drop_before_effect"]


@pytest.fixture
async def world(embedded: Database) -> AsyncIterator[World]:
    async with a_world(embedded) as made:
        yield made


async def write(world: World, operation: str, key: str = KEY, **arguments: Any) -> Json:
    return await Defender(run_of(world), world.clients).write(operation, key=key, **arguments)


async def stubbornly(world: World, fault: str | None, operation: str, **arguments: Any) -> Json:
    """Carry out a step three times under a fault that happens once."""
    if fault is not None:
        world.fault(fault, operation)
    if fault == "drop_before_effect":
        with pytest.raises(ActionError, match="reply was lost") as raised:
            await write(world, operation, **arguments)
        assert not raised.value.permanent
    answers = [await write(world, operation, **arguments) for _ in range(3)]
    return answers[-1]


def an_alert(world: World) -> str:
    return portal.raise_alert(world.tenant, AlertSpec(machine="wks-001"), world.simulator.clock.now())


def comments(world: World, alert: str) -> list[str]:
    found = world.tenant.alerts[alert].document["comments"]
    assert isinstance(found, list)
    return [each["comment"] for each in found if isinstance(each, dict) and each.get("comment")]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_comment_is_written_once_however_often_its_step_is_carried_out(world: World, fault: str | None) -> None:
    alert = an_alert(world)
    await stubbornly(world, fault, "update_alert", alert_id=alert, status="InProgress", comment="Contained.")
    assert comments(world, alert) == [f"Contained. [Ringfence {KEY}]"]
    assert world.tenant.alerts[alert].document["status"] == "InProgress"


async def test_a_change_without_a_comment_whose_reply_was_lost_may_be_made_again(world: World) -> None:
    alert = an_alert(world)
    # The client itself makes such a change again, once.
    world.fault("drop_reply_after_effect", "update_alert", times=2)
    with pytest.raises(ActionError) as raised:
        await write(world, "update_alert", alert_id=alert, status="InProgress")
    assert not raised.value.permanent
    await write(world, "update_alert", alert_id=alert, status="InProgress")
    assert comments(world, alert) == []
    assert world.tenant.alerts[alert].document["status"] == "InProgress"


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_action_is_taken_on_a_machine_once(world: World, fault: str | None) -> None:
    machine_id = world.machine("wks-001").id
    answer = await stubbornly(
        world, fault, "run_live_response", machine_id=machine_id, comment="Ransomware", commands=COMMANDS
    )
    (action,) = world.actions("LiveResponse")
    document = action.record.document
    assert document["requestorComment"] == f"Ransomware [ringfence:{KEY}]"
    assert isinstance(answer, dict)
    assert answer["id"] == document["id"]


@pytest.mark.parametrize(
    "operation",
    [
        "restrict_code_execution",
        "unrestrict_code_execution",
        "stop_and_quarantine_file",
        "offboard_machine",
        "run_av_scan",
        "collect_investigation_package",
        "submit_indicator",
        "import_indicators",
        "delete_indicator",
        "batch_delete_indicators",
    ],
)
async def test_what_policy_decides_about_is_refused_here(world: World, operation: str) -> None:
    with pytest.raises(ActionError) as raised:
        await write(world, operation, machine_id=world.machine("wks-001").id, comment="No")
    assert raised.value.code == "only-through-responses"
    assert world.tenant.actions == {}


@pytest.mark.parametrize("machine", ["wks-001", "10.20.0.11", ""])
async def test_an_effect_on_a_machine_needs_its_id(world: World, machine: str) -> None:
    for operation in ("run_live_response", "start_investigation"):
        with pytest.raises(ActionError, match="is not the Defender id of a machine"):
            await write(world, operation, machine_id=machine, comment="Ransomware")
    assert world.tenant.actions == {}


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_action_is_cancelled_once(world: World, fault: str | None) -> None:
    world.portal("wks-001", "RunAntiVirusScan")
    (action,) = world.actions("RunAntiVirusScan", ours=False)
    answer = await stubbornly(world, fault, "cancel_machine_action", action_id=action.record.key, comment="A mistake")
    assert isinstance(answer, dict)
    assert (answer["status"], answer["cancellationComment"]) == ("Cancelled", f"A mistake [Ringfence {KEY}]")


@pytest.mark.parametrize("kind", ["Isolate", "Unisolate"])
async def test_isolations_and_releases_are_not_cancelled_here(world: World, kind: str) -> None:
    world.portal("lap-001", kind)
    (action,) = world.actions(kind, ours=False)
    with pytest.raises(ActionError, match="not cancelled by a step") as raised:
        await write(world, "cancel_machine_action", action_id=action.record.key, comment="No")
    assert raised.value.code == "only-through-containment"
    assert action.status == "Pending"


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_alert_is_raised_once(world: World, fault: str | None) -> None:
    spec = AlertSpec(machine="wks-001", evidence=[{"entityType": "File", "fileName": "x.exe", "sha1": "a" * 40}])
    portal.raise_alert(world.tenant, spec, world.simulator.clock.now())
    event = next(telemetry.events(world.tenant))
    before = len(world.tenant.alerts)
    values = {
        "machine_id": event.machine_id,
        "report_id": str(event.report_id),
        "event_time": timestamps.write(event.ticks),
        "severity": "Low",
        "title": "Mine",
        "description": "Seen",
        "recommended_action": "Ask",
        "category": "Malware",
    }
    answer = await stubbornly(world, fault, "create_alert_by_reference", **values)
    assert isinstance(answer, dict)
    assert answer["description"] == f"Seen [Ringfence {KEY}]"
    assert len([each for each in world.tenant.alerts.values() if each.document["title"] == "Mine"]) == 1
    assert len(world.tenant.alerts) > before


@pytest.mark.parametrize("fault", FAULTS)
async def test_several_alerts_get_a_comment_once(world: World, fault: str | None) -> None:
    alerts = [an_alert(world) for _ in range(25)]
    await write(world, "update_alert", alert_id=alerts[7], comment="Together")
    if fault is not None:
        world.fault(fault, "batch_update_alerts")
        with pytest.raises(ActionError, match="reply was lost") as raised:
            await write(world, "batch_update_alerts", alert_ids=alerts, comment="Together")
        assert not raised.value.permanent
    for _ in range(2):
        await write(world, "batch_update_alerts", alert_ids=alerts, status="Resolved", comment="Together")
    assert {tuple(comments(world, alert)) for alert in alerts} == {(f"Together [Ringfence {KEY}]",)}


async def test_several_alerts_are_changed_without_a_comment_as_often_as_asked(world: World) -> None:
    alerts = [an_alert(world), an_alert(world)]
    for _ in range(2):
        await write(world, "batch_update_alerts", alert_ids=alerts, status="Resolved")
    assert {world.tenant.alerts[alert].document["status"] for alert in alerts} == {"Resolved"}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    ("operation", "name"),
    [
        ("graph_create_alert_comment", "alert_id"),
        ("graph_create_incident_comment", "incident_id"),
        ("update_incident_xdr", "incident_id"),
    ],
)
async def test_a_comment_is_written_once_in_the_other_apis_too(
    world: World, fault: str | None, operation: str, name: str
) -> None:
    alert = an_alert(world)
    key = alert if name == "alert_id" else str(world.tenant.alerts[alert].document["incidentId"])
    answer = await stubbornly(world, fault, operation, **{name: key, "comment": "Contained."})
    found = answer["comments"] if isinstance(answer, dict) else answer
    assert isinstance(found, list)
    assert [each["comment"] for each in found if isinstance(each, dict)] == [f"Contained. [Ringfence {KEY}]"]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_file_of_the_library_is_uploaded_once_and_not_replaced_unasked(world: World, fault: str | None) -> None:
    file = {"file_name": "a.ps1", "content": b"exit 0"}
    answer = await stubbornly(world, fault, "upload_library_file", **file)
    assert isinstance(answer, dict)
    assert answer["fileName"] == "a.ps1"
    with pytest.raises(ActionError):
        await write(world, "upload_library_file", file_name="a.ps1", content=b"exit 1")
    await write(world, "upload_library_file", file_name="a.ps1", content=b"exit 1", override_if_exists=True)


async def test_what_is_deleted_is_gone_and_what_is_not_there_is_no_error(world: World) -> None:
    await write(world, "upload_library_file", file_name="a.ps1", content=b"exit 0")
    deleted = [await write(world, "delete_library_file", file_name="a.ps1") for _ in range(2)]
    assert deleted == [{"deleted": True}, {"deleted": False}]


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_investigation_whose_reply_was_lost_is_found_by_its_machine_and_time(
    world: World, fault: str | None
) -> None:
    machine_id = world.machine("wks-001").id
    if fault is not None:
        world.fault(fault, "start_investigation")
    if fault == "drop_before_effect":
        with pytest.raises(ActionError, match="not known whether") as raised:
            await write(world, "start_investigation", machine_id=machine_id, comment="Ransomware")
        assert raised.value.permanent
        return
    answer = await write(world, "start_investigation", machine_id=machine_id, comment="Ransomware")
    assert isinstance(answer, dict)
    assert [item.document["id"] for item in world.tenant.shelves["investigation"]] == [answer["id"]]
