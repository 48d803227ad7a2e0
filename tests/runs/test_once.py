"""How the effect of each operation is made at most once, whatever the network does."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from containment_world import World, a_world
from port_world import run_of
from ringfence.actions import ActionError, Json
from ringfence.runs.door import Defender
from ringfence.simulator import portal
from ringfence.simulator.specs import AlertSpec
from ringfence.storage import Database

KEY = "run1:one:0"
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
@pytest.mark.parametrize(
    ("operation", "kind", "more"),
    [
        ("restrict_code_execution", "RestrictCodeExecution", {}),
        ("run_av_scan", "RunAntiVirusScan", {"scan_type": "Quick"}),
        ("stop_and_quarantine_file", "StopAndQuarantineFile", {"file_sha1": "a" * 40}),
    ],
)
async def test_an_action_is_taken_on_a_machine_once(
    world: World, fault: str | None, operation: str, kind: str, more: dict[str, Any]
) -> None:
    machine_id = world.machine("wks-001").id
    answer = await stubbornly(world, fault, operation, machine_id=machine_id, comment="Ransomware", **more)
    (action,) = world.actions(kind)
    document = action.record.document
    assert document["requestorComment"] == f"Ransomware [ringfence:{KEY}]"
    assert isinstance(answer, dict)
    assert answer["id"] == document["id"]
