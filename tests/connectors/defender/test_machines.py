from datetime import UTC, datetime, timedelta

import pytest

from acting import NOON, Desk, Scene
from ringfence.actions import ActionError, Json, Result, Where
from ringfence.actions.catalogue import discover

ACTIONS = discover().connectors["defender"].actions
MACHINE = "a" * 40


async def test_a_list_of_machines_is_narrowed_by_what_is_given() -> None:
    desk = Desk({"list_machines": [{"id": MACHINE}]})
    given: dict[str, Json] = {"name": "fin", "health": ["Active"], "seen_within": "7 d", "filter": "version eq '1'"}
    answer = await ACTIONS["defender.list_machines"].call(Scene(defender=desk), given)
    assert answer == Result("success", {"items": [{"id": MACHINE}], "more": False})
    assert desk.asked[0][1] == {
        "limit": 100,
        "filter": "version eq '1'",
        "conditions": [
            Where("computerDnsName", "startswith", ("fin",)),
            Where("healthStatus", "eq", ("Active",)),
            Where("lastSeen", "ge", (NOON - timedelta(days=7),)),
        ],
    }


async def test_a_machine_is_read_by_its_id_or_name_and_its_users_by_its_id() -> None:
    desk = Desk({"get_machine": {"id": MACHINE}, "get_machine_logon_users": []})
    for action in ("get_machine", "get_machine_logon_users"):
        await ACTIONS[f"defender.{action}"].call(Scene(defender=desk), {"machine": "wks-001"})
    assert desk.asked == [
        ("get_machine", {"machine": "wks-001"}),
        ("get_machine_logon_users", {"machine_id": "wks-001"}),
    ]


async def test_an_address_is_looked_for_around_now_or_the_time_given() -> None:
    desk = Desk({"find_machines_by_ip": []})
    find = ACTIONS["defender.find_machines_by_ip"]
    await find.call(Scene(defender=desk), {"ip": "10.1.2.3"})
    await find.call(Scene(defender=desk), {"ip": "10.1.2.3", "at": "2026-01-30T10:00:00.1234567Z"})
    assert [given["timestamp"] for _, given in desk.asked] == [
        NOON,
        datetime(2026, 1, 30, 10, 0, 0, 123456, tzinfo=UTC),
    ]


async def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ActionError, match="no time zone"):
        await ACTIONS["defender.find_machines_by_ip"].call(Scene(), {"ip": "10.1.2.3", "at": "2026-01-30T10:00:00"})


async def test_the_alerts_of_a_machine_are_listed_and_counted() -> None:
    desk = Desk({"get_machine_alerts": [{"id": "da1"}], "count_machine_alerts": 3, "find_machines_by_tag": []})
    scene = Scene(defender=desk)
    listed = await ACTIONS["defender.get_machine_alerts"].call(scene, {"machine": MACHINE})
    counted = await ACTIONS["defender.count_machine_alerts"].call(scene, {"machine": MACHINE})
    tagged = await ACTIONS["defender.find_machines_by_tag"].call(scene, {"tag": "pilot"})
    assert (listed, counted) == (
        Result("success", {"items": [{"id": "da1"}], "more": False}),
        Result("success", {"count": 3}),
    )
    assert tagged == Result("success", {"items": [], "more": False})


@pytest.mark.parametrize(("action", "verb"), [("add_machine_tag", "Add"), ("remove_machine_tag", "Remove")])
async def test_a_tag_is_put_on_one_machine_and_taken_off(action: str, verb: str) -> None:
    desk = Desk({"add_or_remove_machine_tag": {"id": MACHINE}})
    await ACTIONS[f"defender.{action}"].call(Scene(defender=desk), {"machine": MACHINE, "tag": "pilot"})
    asked = {"machine_id": MACHINE, "tag": "pilot", "action": verb, "key": "run1:one:0"}
    assert desk.asked == [("add_or_remove_machine_tag", asked)]


@pytest.mark.parametrize(("action", "verb"), [("add_tag_to_machines", "Add"), ("remove_tag_from_machines", "Remove")])
async def test_a_tag_is_put_on_many_machines_and_taken_off(action: str, verb: str) -> None:
    desk = Desk({"add_or_remove_tag_multiple_machines": []})
    await ACTIONS[f"defender.{action}"].call(Scene(defender=desk), {"machines": [MACHINE], "tag": "pilot"})
    asked = {"machine_ids": [MACHINE], "tag": "pilot", "action": verb, "key": "run1:one:0"}
    assert desk.asked == [("add_or_remove_tag_multiple_machines", asked)]


async def test_tags_are_added_to_those_that_the_machine_carries() -> None:
    desk = Desk({"get_machine": {"machineTags": ["a", "b"]}, "update_machine": {"id": MACHINE}})
    update = ACTIONS["defender.update_machine"]
    await update.call(Scene(defender=desk), {"machine": MACHINE, "add_tags": ["b", "c"], "value": "High"})
    assert desk.asked[-1][1] == {
        "machine_id": MACHINE,
        "machine_tags": ["a", "b", "c"],
        "device_value": "High",
        "key": "run1:one:0",
    }


async def test_a_value_alone_reads_nothing_and_no_change_at_all_is_refused() -> None:
    desk = Desk({"update_machine": {}, "set_device_value": {}})
    await ACTIONS["defender.update_machine"].call(Scene(defender=desk), {"machine": MACHINE, "value": "Low"})
    await ACTIONS["defender.set_device_value"].call(Scene(defender=desk), {"machine": MACHINE, "value": "Low"})
    assert [name for name, _ in desk.asked] == ["update_machine", "set_device_value"]
    with pytest.raises(ActionError, match="nothing to change"):
        await ACTIONS["defender.update_machine"].call(Scene(defender=desk), {"machine": MACHINE, "add_tags": []})


@pytest.mark.parametrize("target", ["wks-001", "a" * 39, ""])
async def test_an_effect_needs_the_id_of_a_machine(target: str) -> None:
    with pytest.raises(ActionError, match="do not fit"):
        await ACTIONS["defender.add_machine_tag"].call(Scene(), {"machine": target, "tag": "pilot"})
