import pytest

from acting import Desk, Scene
from ringfence.actions import Json, Result, Wait
from ringfence.actions.catalogue import discover

ACTIONS = discover().connectors["defender"].actions
INPUTS: dict[str, Json] = {"machine": "a" * 40, "comment": "Ransomware"}


def action(kind: str, status: str = "Succeeded", *, comment: str = "", external_id: str | None = None) -> Json:
    return {"id": "x", "type": kind, "status": status, "requestorComment": comment, "externalId": external_id}


OURS = action("RestrictCodeExecution", comment="Ransomware [ringfence:run0:one:0]")
THEIRS = action("RestrictCodeExecution", comment="By hand")
LIFTED = action("UnrestrictCodeExecution", comment="Clean")
FAILED = action("RestrictCodeExecution", "Failed")


@pytest.mark.parametrize("history", [[], [LIFTED, THEIRS], [FAILED]])
async def test_a_machine_is_restricted_where_it_is_not(history: list[Json]) -> None:
    desk = Desk({"list_machine_actions": history, "restrict_code_execution": {"id": "y", "status": "Pending"}})
    assert isinstance(await ACTIONS["defender.restrict_code_execution"].call(Scene(defender=desk), INPUTS), Wait)
    assert desk.asked[-1][1] == {"machine_id": "a" * 40, "comment": "Ransomware", "key": "run1:one:0"}


@pytest.mark.parametrize("history", [[THEIRS], [FAILED, OURS, LIFTED]])
async def test_a_machine_that_is_restricted_is_left_alone(history: list[Json]) -> None:
    desk = Desk({"list_machine_actions": history})
    answer = await ACTIONS["defender.restrict_code_execution"].call(Scene(defender=desk), INPUTS)
    assert answer == Result("not_needed", history[-2] if len(history) > 1 else history[0])


async def test_after_a_crash_the_restriction_of_this_step_is_found_again() -> None:
    mine = action("RestrictCodeExecution", "InProgress", external_id="ringfence:run1:one:0")
    desk = Desk({"list_machine_actions": [mine], "restrict_code_execution": mine})
    assert isinstance(await ACTIONS["defender.restrict_code_execution"].call(Scene(defender=desk), INPUTS), Wait)


async def test_only_our_own_restriction_is_lifted_unless_the_step_says_otherwise() -> None:
    lift = ACTIONS["defender.unrestrict_code_execution"]
    done: Json = {"id": "y", "status": "Succeeded"}
    desk = Desk({"list_machine_actions": [THEIRS], "unrestrict_code_execution": done})
    assert await lift.call(Scene(defender=desk), INPUTS) == Result("not_owned", THEIRS)
    assert await lift.call(Scene(defender=desk), {**INPUTS, "of_others": True}) == Result("success", done)
    desk.answers["list_machine_actions"] = [OURS]
    assert await lift.call(Scene(defender=desk), INPUTS) == Result("success", done)


@pytest.mark.parametrize("history", [[], [LIFTED, OURS]])
async def test_a_machine_that_is_not_restricted_needs_no_lifting(history: list[Json]) -> None:
    desk = Desk({"list_machine_actions": history})
    answer = await ACTIONS["defender.unrestrict_code_execution"].call(Scene(defender=desk), INPUTS)
    assert answer == Result("not_needed", history[0] if history else None)


async def test_a_step_that_waits_asks_only_for_its_own_action() -> None:
    desk = Desk({"get_machine_action": {"id": "y", "status": "Succeeded"}})
    state: Json = {"id": "y", "since": "2026-01-31T12:00:00+00:00", "looks": 1, "fetches": 0}
    for name in ("restrict_code_execution", "unrestrict_code_execution"):
        answer = await ACTIONS[f"defender.{name}"].call(Scene(defender=desk, resumed=state), INPUTS)
        assert answer == Result("success", {"id": "y", "status": "Succeeded"})
    assert [name for name, _ in desk.asked] == ["get_machine_action", "get_machine_action"]
