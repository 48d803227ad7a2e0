from datetime import timedelta
from typing import Any

import pytest

from acting import NOON, Desk, Scene
from ringfence.actions import ActionError, Json, Result, Where
from ringfence.actions.catalogue import discover

ACTIONS = discover().connectors["defender"].actions


async def test_a_list_of_alerts_is_narrowed_by_what_is_given_and_by_nothing_else() -> None:
    desk = Desk({"list_alerts": [{"id": "da1"}, {"id": "da2"}]})
    given: dict[str, Json] = {"severity": ["High", "Medium"], "raised_within": "24 h", "incident": 7, "limit": 1}
    answer = await ACTIONS["defender.list_alerts"].call(Scene(defender=desk), given)
    assert answer == Result("success", {"items": [{"id": "da1"}], "more": True})
    ((_, asked),) = desk.asked
    assert asked == {
        "limit": 1,
        "conditions": [
            Where("severity", "eq", ("High", "Medium")),
            Where("incidentId", "eq", (7,)),
            Where("alertCreationTime", "ge", (NOON - timedelta(hours=24),)),
        ],
        "order_by": "alertCreationTime desc",
        "expand": (),
    }


@pytest.mark.parametrize(
    ("order", "by"),
    [("oldest first", "alertCreationTime asc"), ("last changed first", "lastUpdateTime desc")],
)
async def test_alerts_are_ordered_in_words(order: str, by: str) -> None:
    desk = Desk({"list_alerts": []})
    await ACTIONS["defender.list_alerts"].call(Scene(defender=desk), {"order": order, "with_evidence": True})
    assert desk.asked[0][1] | {"limit": 0} == {"limit": 0, "order_by": by, "expand": ("evidence",)}


@pytest.mark.parametrize(
    "operation",
    ["get_alert", "get_alert_machine", "get_alert_user", "list_alert_files", "list_alert_ips", "list_alert_domains"],
)
async def test_what_an_alert_names_is_read_by_its_id(operation: str) -> None:
    desk = Desk({operation: [{"id": "x"}]})
    answer = await ACTIONS[f"defender.{operation}"].call(Scene(defender=desk), {"alert": "da1"})
    assert answer == Result("success", [{"id": "x"}])
    assert desk.asked == [(operation, {"alert_id": "da1"})]


async def test_an_update_sends_only_what_changes_and_the_key_of_the_step() -> None:
    desk = Desk({"update_alert": {"id": "da1"}})
    update = ACTIONS["defender.update_alert"]
    await update.call(Scene(defender=desk), {"alert": "da1", "status": "InProgress", "comment": "Seen"})
    changes = {"alert_id": "da1", "status": "InProgress", "comment": "Seen", "key": "run1:one:0"}
    assert desk.asked == [("update_alert", changes)]


@pytest.mark.parametrize(
    ("action", "inputs"), [("update_alert", {"alert": "da1"}), ("update_alerts", {"alerts": ["da1"]})]
)
async def test_an_update_of_nothing_is_refused(action: str, inputs: dict[str, Any]) -> None:
    with pytest.raises(ActionError, match="nothing to change"):
        await ACTIONS[f"defender.{action}"].call(Scene(), {**inputs, "comment": ""})


async def test_several_alerts_are_changed_at_once_and_named_once_each() -> None:
    desk = Desk({"batch_update_alerts": None})
    inputs: dict[str, Json] = {"alerts": ["da1", "da2", "da1"], "status": "Resolved"}
    answer = await ACTIONS["defender.update_alerts"].call(Scene(defender=desk), inputs)
    assert answer == Result("success", {"alerts": ["da1", "da2"]})
    changes = {"alert_ids": ["da1", "da2", "da1"], "status": "Resolved", "key": "run1:one:0"}
    assert desk.asked == [("batch_update_alerts", changes)]


async def test_an_alert_is_raised_from_the_event_that_a_hunt_gave() -> None:
    desk = Desk({"create_alert_by_reference": {"id": "da9"}})
    inputs: dict[str, Json] = {
        "machine": "a" * 40,
        "report_id": 4711,
        "event_time": "2026-01-31T11:00:00.1234567Z",
        "title": "Tool",
        "description": "Seen",
        "recommended_action": "Ask",
    }
    await ACTIONS["defender.create_alert"].call(Scene(defender=desk), inputs)
    ((_, asked),) = desk.asked
    assert (asked["report_id"], asked["event_time"]) == ("4711", "2026-01-31T11:00:00.1234567Z")
    assert (asked["severity"], asked["category"], asked["key"]) == ("Medium", "SuspiciousActivity", "run1:one:0")


async def test_what_defender_refuses_is_passed_on() -> None:
    with pytest.raises(ActionError, match="no such thing"):
        await ACTIONS["defender.get_alert"].call(Scene(), {"alert": "da1"})
