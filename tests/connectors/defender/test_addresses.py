import pytest

from acting import Desk, Scene
from ringfence.actions import Json, Result
from ringfence.actions.catalogue import discover

ACTIONS = discover().connectors["defender"].actions


@pytest.mark.parametrize(
    ("action", "inputs", "operation", "asked"),
    [
        (
            "get_ip_stats",
            {"ip": "203.0.113.7", "look_back": "24 h"},
            "get_ip_stats",
            {"ip": "203.0.113.7", "look_back_hours": 24},
        ),
        ("get_ip_alerts", {"ip": "203.0.113.7"}, "get_ip_alerts", {"ip": "203.0.113.7", "limit": 100}),
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
