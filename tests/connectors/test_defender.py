from datetime import UTC, datetime

import pytest

from acting import NOON, Desk, Scene
from ringfence.actions import ActionError, Json, Result, Where
from ringfence.connectors.defender import connector


@pytest.mark.parametrize(
    ("operation", "inputs", "arguments"),
    [
        ("get_machine", {"machine": "m1"}, {"machine": "m1"}),
        ("get_alert", {"alert": "da1"}, {"alert_id": "da1"}),
        ("get_machine_logon_users", {"machine": "m1"}, {"machine_id": "m1"}),
    ],
)
async def test_reads_ask_defender_and_give_its_answer(
    operation: str, inputs: dict[str, Json], arguments: dict[str, Json]
) -> None:
    desk = Desk({operation: {"id": "x"}})
    answer = await connector.actions[f"defender.{operation}"].call(Scene(defender=desk), inputs)
    assert answer == Result("success", {"id": "x"})
    assert desk.asked == [(operation, arguments)]


async def test_the_history_of_a_machine_is_its_own_the_latest_first() -> None:
    desk = Desk({"list_machine_actions": [{"id": "x"}]})
    answer = await connector.actions["defender.list_machine_actions"].call(Scene(defender=desk), {"machine": "m1"})
    assert answer == Result("success", [{"id": "x"}])
    ((_, given),) = desk.asked
    assert given == {
        "limit": 100,
        "conditions": [Where("machineId", "eq", ("m1",))],
        "order_by": "creationDateTimeUtc desc",
    }


async def test_an_address_is_looked_for_around_now_or_the_time_given() -> None:
    desk = Desk({"find_machines_by_ip": []})
    find = connector.actions["defender.find_machines_by_ip"]
    await find.call(Scene(defender=desk), {"ip": "10.1.2.3"})
    await find.call(Scene(defender=desk), {"ip": "10.1.2.3", "at": "2026-01-30T10:00:00.1234567Z"})
    assert [given["timestamp"] for _, given in desk.asked] == [
        NOON,
        datetime(2026, 1, 30, 10, 0, 0, 123456, tzinfo=UTC),
    ]


async def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ActionError, match="no time zone"):
        await connector.actions["defender.find_machines_by_ip"].call(
            Scene(), {"ip": "10.1.2.3", "at": "2026-01-30T10:00:00"}
        )


async def test_an_update_sends_only_what_changes_and_the_key_of_the_step() -> None:
    desk = Desk({"update_alert": {"id": "da1"}})
    update = connector.actions["defender.update_alert"]
    await update.call(Scene(defender=desk), {"alert": "da1", "status": "InProgress", "comment": "Seen"})
    changes = {"alert_id": "da1", "status": "InProgress", "comment": "Seen", "key": "run1:one:0"}
    assert desk.asked == [("update_alert", changes)]


async def test_an_update_of_nothing_is_refused() -> None:
    with pytest.raises(ActionError, match="nothing to change"):
        await connector.actions["defender.update_alert"].call(Scene(), {"alert": "da1", "comment": ""})


async def test_what_defender_refuses_is_passed_on() -> None:
    with pytest.raises(ActionError, match="no such thing"):
        await connector.actions["defender.get_machine"].call(Scene(), {"machine": "m1"})
