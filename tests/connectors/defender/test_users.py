import pytest

from acting import Desk, Scene
from ringfence.actions import ActionError, Json, Result
from ringfence.actions.catalogue import discover

ACTIONS = discover().connectors["defender"].actions


@pytest.mark.parametrize(
    ("action", "inputs", "operation", "asked"),
    [
        ("get_user_alerts", {"user": "asmith"}, "get_user_alerts", {"account_name": "asmith", "limit": 100}),
        ("get_user_machines", {"user": "asmith"}, "get_user_machines", {"account_name": "asmith", "limit": 100}),
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


@pytest.mark.parametrize("name", ["asmith@contoso.com", "CONTOSO\\asmith", "a/b"])
async def test_a_name_that_microsoft_would_not_find_is_refused(name: str) -> None:
    with pytest.raises(ActionError, match="do not fit"):
        await ACTIONS["defender.get_user_alerts"].call(Scene(), {"user": name})
