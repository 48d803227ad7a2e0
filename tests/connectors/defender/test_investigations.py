from datetime import timedelta

import pytest

from acting import NOON, Desk, Scene
from ringfence.actions import Json, Result, Where
from ringfence.actions.catalogue import discover

ACTIONS = discover().connectors["defender"].actions


@pytest.mark.parametrize(
    ("action", "inputs", "operation", "asked"),
    [
        ("get_investigation", {"investigation": 63001}, "get_investigation", {"investigation_id": "63001"}),
        ("list_investigations", {}, "list_investigations", {"limit": 100}),
    ],
)
async def test_a_question_is_asked_as_microsoft_asks_it(
    action: str, inputs: dict[str, Json], operation: str, asked: dict[str, Json]
) -> None:
    found: Json = [{"id": "x"}] if "limit" in asked else {"id": "x"}
    desk = Desk({operation: found})
    answer = await ACTIONS[f"defender.{action}"].call(Scene(defender=desk), inputs)
    assert answer == Result("success", {"items": found, "more": False} if "limit" in asked else found)
    assert desk.asked == [(operation, asked)]


async def test_investigations_are_narrowed_by_what_is_given() -> None:
    desk = Desk({"list_investigations": []})
    given: dict[str, Json] = {"machine": "m1", "state": ["Running"], "within": "1 h"}
    await ACTIONS["defender.list_investigations"].call(Scene(defender=desk), given)
    assert desk.asked[0][1]["conditions"] == [
        Where("machineId", "eq", ("m1",)),
        Where("state", "eq", ("Running",)),
        Where("startTime", "ge", (NOON - timedelta(hours=1),)),
    ]
