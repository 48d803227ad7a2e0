import pytest

from acting import Desk, Scene
from ringfence.actions import ActionError, Json, ResponseState, Result, Wait, Where
from ringfence.actions.catalogue import discover

ACTIONS = discover().connectors["defender"].actions
MACHINE = "a" * 40


async def test_the_history_of_a_machine_is_its_own_the_latest_first() -> None:
    desk = Desk({"list_machine_actions": [{"id": "x"}]})
    answer = await ACTIONS["defender.list_machine_actions"].call(
        Scene(defender=desk), {"machine": "m1", "type": ["Isolate"], "status": ["Pending", "InProgress"]}
    )
    assert answer == Result("success", {"items": [{"id": "x"}], "more": False})
    assert desk.asked[0][1] == {
        "limit": 100,
        "conditions": [
            Where("machineId", "eq", ("m1",)),
            Where("type", "eq", ("Isolate",)),
            Where("status", "eq", ("Pending", "InProgress")),
        ],
        "order_by": "creationDateTimeUtc desc",
    }


async def test_an_action_is_read_and_cancelled_by_its_id() -> None:
    desk = Desk({"get_machine_action": {"id": "x"}, "cancel_machine_action": {"id": "x"}})
    scene = Scene(defender=desk)
    await ACTIONS["defender.get_machine_action"].call(scene, {"machine_action": "x"})
    await ACTIONS["defender.cancel_machine_action"].call(scene, {"machine_action": "x", "comment": "No"})
    assert desk.asked == [
        ("get_machine_action", {"action_id": "x"}),
        ("cancel_machine_action", {"action_id": "x", "comment": "No", "key": "run1:one:0"}),
    ]


@pytest.mark.parametrize(
    ("action", "kind", "more", "sent"),
    [
        (
            "stop_and_quarantine_file",
            "stop_and_quarantine_file",
            {"sha1": "b" * 40},
            {"parameters": {"sha1": "b" * 40}},
        ),
        ("offboard_machine", "offboard", {}, {}),
    ],
)
async def test_what_is_done_to_a_machine_goes_through_policy_and_is_followed_to_its_end(
    action: str, kind: str, more: dict[str, Json], sent: dict[str, Json]
) -> None:
    desk = Desk()
    scene = Scene(defender=desk)
    inputs: dict[str, Json] = {"machine": MACHINE, "comment": "Ransomware", **more}
    first = await ACTIONS[f"defender.{action}"].call(scene, inputs)
    assert isinstance(first, Wait)
    assert first.topics == ("response:r1",)
    asked = {"machine": MACHINE, "reason": "Ransomware", "key": "run1:one:0", **sent}
    assert desk.responses.asked == [(kind, asked)]
    assert desk.asked == []
    scene.resumed = first.state
    desk.responses.now = ResponseState("r1", "done", done=True, final=True, accepted=True, made={"id": "x"})
    answer = await ACTIONS[f"defender.{action}"].call(scene, inputs)
    assert isinstance(answer, Result)
    assert isinstance(answer.output, dict)
    assert (answer.outcome, answer.output["id"]) == ("success", "x")


@pytest.mark.parametrize("sha1", ["abc", "g" * 40])
async def test_a_file_is_quarantined_by_a_whole_hash_only(sha1: str) -> None:
    with pytest.raises(ActionError, match="do not fit"):
        await ACTIONS["defender.stop_and_quarantine_file"].call(
            Scene(), {"machine": MACHINE, "comment": "c", "sha1": sha1}
        )
