"""Restricting and lifting by steps of a playbook, against the simulator, as policy, people and others let it."""

from collections.abc import AsyncIterator

import pytest

from containment_world import World, a_world
from hands import Hands
from response_world import ALLOWED
from ringfence.actions import Json, Result, Wait
from ringfence.storage import Database

RESTRICT, LIFT = "defender.restrict_code_execution", "defender.unrestrict_code_execution"


@pytest.fixture
async def world(embedded: Database) -> AsyncIterator[World]:
    async with a_world(embedded) as made:
        made.set_policy(**ALLOWED)
        yield made


def inputs(world: World, **more: Json) -> dict[str, Json]:
    return {"machine": world.machine("wks-001").id, "comment": "Ransomware", **more}


async def test_a_machine_is_restricted_and_let_go_by_the_run_that_did_it(world: World) -> None:
    hands = Hands(world)
    done = await hands.carry(RESTRICT, inputs(world))
    assert (done.outcome, hands.output(done)["status"]) == ("success", "Succeeded")
    assert world.machine("wks-001").restricted
    lifted = await hands.carry(LIFT, inputs(world))
    assert lifted.outcome == "success"
    assert not world.machine("wks-001").restricted


async def test_a_protected_machine_is_left_alone(world: World) -> None:
    world.change("wks-001", tags=["Domain Controller"])
    hands = Hands(world)
    denied = await hands.carry(RESTRICT, inputs(world))
    assert denied.outcome == "denied"
    assert "protected" in str(hands.output(denied)["response"])
    assert world.actions("RestrictCodeExecution") == []


async def test_without_a_yes_in_time_nothing_is_done(world: World) -> None:
    world.set_policy()
    rejected = await Hands(world).carry(RESTRICT, inputs(world))
    assert rejected.outcome == "rejected"
    assert world.actions("RestrictCodeExecution") == []


async def test_a_restriction_of_somebody_else_is_neither_made_again_nor_lifted(world: World) -> None:
    world.portal("wks-001", "RestrictCodeExecution")
    world.advance(3_600)
    hands = Hands(world)
    assert (await hands.carry(RESTRICT, inputs(world))).outcome == "not_needed"
    assert (await hands.carry(LIFT, inputs(world))).outcome == "not_owned"
    assert world.machine("wks-001").restricted
    assert world.actions("UnrestrictCodeExecution") == []


async def test_a_run_does_not_lift_what_another_run_still_wants(world: World) -> None:
    first, second = Hands(world), Hands(world)
    second.scene.step_key = "run2:one:0"
    await first.carry(RESTRICT, inputs(world))
    joined = await second.carry(RESTRICT, inputs(world))
    assert joined.outcome == "success"
    assert len(world.actions("RestrictCodeExecution")) == 1
    assert (await first.carry(LIFT, inputs(world))).outcome == "still_held"
    assert world.machine("wks-001").restricted
    assert (await second.carry(LIFT, inputs(world))).outcome == "success"
    assert not world.machine("wks-001").restricted


async def test_a_crash_between_asking_and_parking_asks_nothing_twice(world: World) -> None:
    hands = Hands(world)
    for _ in range(2):
        assert isinstance(await hands.call(RESTRICT, inputs(world)), Wait)
    assert isinstance(await hands.carry(RESTRICT, inputs(world)), Result)
    assert len(world.actions("RestrictCodeExecution")) == 1
