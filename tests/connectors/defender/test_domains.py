import pytest

from acting import Desk, Scene
from ringfence.actions import Json, Result
from ringfence.actions.catalogue import discover

ACTIONS = discover().connectors["defender"].actions


@pytest.mark.parametrize(
    ("action", "inputs", "operation", "asked"),
    [
        (
            "get_domain_stats",
            {"domain": "fabrikam.com"},
            "get_domain_stats",
            {"domain": "fabrikam.com", "look_back_hours": None},
        ),
        (
            "get_domain_alerts",
            {"domain": "fabrikam.com"},
            "get_domain_alerts",
            {"domain": "fabrikam.com", "limit": 100},
        ),
        (
            "get_domain_machines",
            {"domain": "fabrikam.com"},
            "get_domain_machines",
            {"domain": "fabrikam.com", "limit": 100},
        ),
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
