import pytest

from acting import Desk, Scene
from ringfence.actions import ActionError, Json, Result
from ringfence.actions.catalogue import discover

ACTIONS = discover().connectors["defender"].actions


@pytest.mark.parametrize(
    ("action", "inputs", "operation", "asked"),
    [
        ("get_file", {"file": "b" * 40}, "get_file", {"file_hash": "b" * 40}),
        ("get_file", {"file": "c" * 64}, "get_file", {"file_hash": "c" * 64}),
        (
            "get_file_stats",
            {"file": "b" * 40, "look_back": "7 d"},
            "get_file_stats",
            {"file_hash": "b" * 40, "look_back_hours": 168},
        ),
        ("get_file_alerts", {"file": "b" * 40}, "get_file_alerts", {"file_sha1": "b" * 40, "limit": 100}),
        ("get_file_machines", {"file": "b" * 40, "limit": 5}, "get_file_machines", {"file_sha1": "b" * 40, "limit": 5}),
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


async def test_where_a_file_was_seen_is_asked_by_its_sha_1_only() -> None:
    with pytest.raises(ActionError, match="do not fit"):
        await ACTIONS["defender.get_file_alerts"].call(Scene(), {"file": "c" * 64})
