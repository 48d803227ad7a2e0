"""Scans and packages against the simulator, with what goes wrong in the middle."""

import io
import zipfile
from collections.abc import AsyncIterator

import pytest

from containment_world import World, a_world
from hands import Hands
from ringfence.actions import ActionError, Json, Result, Wait
from ringfence.storage import Database

SCAN, COLLECT = "defender.run_av_scan", "defender.collect_investigation_package"


@pytest.fixture
async def world(embedded: Database) -> AsyncIterator[World]:
    async with a_world(embedded) as made:
        yield made


def inputs(world: World, **more: Json) -> dict[str, Json]:
    return {"machine": world.machine("wks-001").id, "comment": "Ransomware", **more}


async def test_a_scan_is_asked_for_once_and_followed_at_growing_distances_until_it_has_ended(world: World) -> None:
    hands = Hands(world)
    result = await hands.carry(SCAN, inputs(world, scan="Full"))
    assert result.outcome == "success"
    assert hands.output(result)["status"] == "Succeeded"
    assert len(world.sent("run_av_scan")) == 1
    (action,) = world.actions("RunAntiVirusScan")
    assert "[ringfence:" in str(action.record.document["requestorComment"])


async def test_a_machine_that_is_away_is_waited_for_with_few_calls(world: World) -> None:
    world.change("wks-001", online=False)
    hands = Hands(world)
    result = await hands.carry(SCAN, inputs(world, timeout="3 h"))
    assert result.outcome == "timed_out"
    assert hands.output(result)["status"] == "Pending"
    assert len(world.sent("get_machine_action")) < 250
    assert hands.scene.said[-1][1] == "It did not end in time; it goes on."


async def test_a_machine_that_never_answers_is_timed_out_in_defenders_words(world: World) -> None:
    world.change("wks-001", next_outcome="TimeOut")
    hands = Hands(world)
    result = await hands.carry(SCAN, inputs(world))
    assert (result.outcome, hands.output(result)["status"]) == ("timed_out", "TimeOut")


async def test_without_waiting_it_is_accepted_and_no_more(world: World) -> None:
    world.change("wks-001", online=False)
    hands = Hands(world)
    for position, action in enumerate((SCAN, COLLECT)):
        hands.scene.step_key = f"run1:one:{position}"
        result = await hands.carry(action, inputs(world, wait=False))
        assert (result.outcome, hands.output(result)["status"]) == ("success", "Pending")
        assert hands.scene.kept == {}


@pytest.mark.parametrize("outcome", ["Failed", "Cancelled"])
async def test_what_fails_or_is_cancelled_is_an_error_in_the_words_of_whoever_did_it(
    world: World, outcome: str
) -> None:
    hands = Hands(world)
    world.change("wks-001", **({"next_outcome": "Failed"} if outcome == "Failed" else {"online": False}))
    begun = await hands.carry(SCAN, inputs(world, wait=False))
    if outcome == "Cancelled":
        client = await world.clients.get(world.account_id)
        await client.cancel_machine_action(str(hands.output(begun)["id"]), comment="Maintenance")
    with pytest.raises(ActionError) as raised:
        await hands.carry(SCAN, inputs(world))
    assert raised.value.permanent
    said = "Defender reports that it failed" if outcome == "Failed" else f"Cancelled by {world.app.name}: Maintenance"
    assert said in raised.value.message


async def test_a_crash_between_asking_and_parking_asks_nothing_twice(world: World) -> None:
    hands = Hands(world)
    first = await hands.call(SCAN, inputs(world))
    again = await hands.call(SCAN, inputs(world))
    assert isinstance(first, Wait)
    assert isinstance(again, Wait)
    assert first.topics == again.topics
    await hands.carry(SCAN, inputs(world))
    assert len(world.actions("RunAntiVirusScan")) == 1


async def test_a_lost_reply_asks_nothing_twice(world: World) -> None:
    world.fault("drop_reply_after_effect", "run_av_scan", times=1)
    hands = Hands(world)
    assert (await hands.carry(SCAN, inputs(world))).outcome == "success"
    assert len(world.actions("RunAntiVirusScan")) == 1


async def test_a_scan_of_somebody_else_is_waited_for_and_not_taken_for_ours(world: World) -> None:
    world.portal("wks-001", "RunAntiVirusScan")
    hands = Hands(world)
    assert (await hands.carry(SCAN, inputs(world))).outcome == "success"
    (theirs,) = world.actions("RunAntiVirusScan", ours=False)
    (ours,) = world.actions("RunAntiVirusScan")
    assert (theirs.status, ours.status) == ("Succeeded", "Succeeded")


async def test_a_look_that_fails_for_a_while_is_no_reason_to_give_up(world: World) -> None:
    world.fault("status", "get_machine_action", status=503, times=4)
    assert (await Hands(world).carry(SCAN, inputs(world))).outcome == "success"


async def test_a_package_is_collected_and_kept_as_a_file(world: World) -> None:
    hands = Hands(world)
    result = await hands.carry(COLLECT, inputs(world))
    reference = hands.output(result)["file"]
    assert isinstance(reference, dict)
    media_type, content = hands.scene.kept["package-wks-001.zip"]
    assert (media_type, reference["size"]) == ("application/zip", len(content))
    assert "Processes/Processes.csv" in zipfile.ZipFile(io.BytesIO(content)).namelist()


async def test_a_package_that_cannot_be_fetched_for_a_while_is_fetched_later(world: World) -> None:
    world.fault("status", "download_package", status=503, times=4)
    hands = Hands(world)
    result = await hands.carry(COLLECT, inputs(world, timeout="2 h"))
    assert "file" in hands.output(result)
    assert len(world.actions("CollectInvestigationPackage")) == 1


async def test_a_package_that_can_never_be_fetched_is_an_error_in_the_end(world: World) -> None:
    world.fault("status", "download_package", status=503, times=None)
    with pytest.raises(ActionError) as raised:
        await Hands(world).carry(COLLECT, inputs(world))
    assert not raised.value.permanent


async def test_the_package_of_an_earlier_action_is_fetched_by_its_id(world: World) -> None:
    hands = Hands(world)
    begun = await hands.carry(COLLECT, inputs(world, wait=False))
    action = hands.output(begun)["id"]
    with pytest.raises(ActionError):
        await hands.call("defender.get_investigation_package", {"action": action})
    world.advance(3_600)
    fetched = await hands.call("defender.get_investigation_package", {"action": action})
    assert isinstance(fetched, Result)
    assert f"package-{action}.zip" in hands.scene.kept
