from datetime import timedelta

import pytest

from acting import NOON, Desk, Scene
from ringfence.actions import Json, Result, Where
from ringfence.actions.catalogue import discover

ACTIONS = discover().connectors["defender"].actions


@pytest.mark.parametrize(
    ("action", "inputs", "operation", "asked"),
    [
        ("get_installed_software", {"machine": "m1"}, "get_installed_software", {"machine_id": "m1", "limit": 500}),
        (
            "get_discovered_vulnerabilities",
            {"machine": "m1"},
            "get_discovered_vulnerabilities",
            {"machine_id": "m1", "limit": 100},
        ),
        (
            "get_security_recommendations",
            {"machine": "m1"},
            "get_security_recommendations",
            {"machine_id": "m1", "limit": 100},
        ),
        ("get_missing_updates", {"machine": "m1"}, "get_missing_kbs_machine", {"machine_id": "m1", "limit": 100}),
        (
            "get_machines_by_vulnerability",
            {"cve": "CVE-1"},
            "get_machines_by_vulnerability",
            {"cve_id": "CVE-1", "limit": 100},
        ),
        ("get_exposure_score", {}, "get_exposure_score", {}),
        ("get_device_secure_score", {}, "get_device_secure_score", {}),
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


async def test_vulnerabilities_are_narrowed_by_what_is_given() -> None:
    desk = Desk({"list_vulnerabilities": []})
    given: dict[str, Json] = {"severity": ["Critical"], "least_score": 7.5, "published_within": "30 d"}
    await ACTIONS["defender.list_vulnerabilities"].call(Scene(defender=desk), given)
    assert desk.asked[0][1]["conditions"] == [
        Where("severity", "eq", ("Critical",)),
        Where("cvssV3", "ge", (7.5,)),
        Where("publishedOn", "ge", (NOON - timedelta(days=30),)),
    ]
