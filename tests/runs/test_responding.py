"""The response port: what a run, and a person, may ask for and take back."""

from collections.abc import AsyncIterator

import pytest

from containment_world import World, a_world
from port_world import run_of
from response_world import ALLOWED, BEACON
from ringfence.actions import ActionError, Json, ResponseState
from ringfence.responses.driver import Driver
from ringfence.runs.responding import Responses
from ringfence.storage import Database


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with a_world(database) as made:
        made.set_policy(**ALLOWED)
        yield made


def of_a_run(world: World) -> Responses:
    run_id = run_of(world).id
    return Responses(world.database, world.organization_id, world.account_id, "playbook test 1", 600.0, run_id)


def of_a_person(world: World) -> Responses:
    return Responses(world.database, world.organization_id, world.account_id, "asmith", 600.0)


async def settled(world: World, port: Responses, asked: ResponseState) -> ResponseState:
    """Let simulated time pass until it is done, or over."""
    for _ in range(60):
        await Driver(world.database, world.clients, owner="test").drive_due()
        found = await port.state(asked.id)
        if found.state in ("done", "undone") or found.final:
            return found
        world.advance(5)
    raise AssertionError(found.state)


async def test_one_key_asks_once_and_a_run_takes_back_only_what_is_its_own(world: World) -> None:
    mine, other = of_a_run(world), of_a_run(world)
    machine = world.machine("wks-001").id
    asked = await mine.request("restrict_app_execution", machine=machine, reason="Odd", key="k1")
    again = await mine.request("restrict_app_execution", machine=machine, reason="Odd", key="k1")
    assert again.id == asked.id
    done = await settled(world, mine, asked)
    assert (done.state, done.done, done.final, done.accepted) == ("done", True, False, True)
    for target in (machine, "wks-001", done.id):
        refused = await other.undo("restrict_app_execution", target=target, reason="Clean")
        assert (refused.state, refused.final) == ("not_owned", True)
    assert world.machine("wks-001").restricted
    undone = await settled(world, mine, await mine.undo("restrict_app_execution", target="WKS-001", reason="Clean"))
    assert undone.state == "undone"
    assert not world.machine("wks-001").restricted


async def test_a_person_takes_back_whatever_ringfence_did(world: World) -> None:
    asked = await of_a_run(world).request("restrict_app_execution", machine="wks-001", reason="Odd", key="k1")
    person = of_a_person(world)
    await settled(world, person, asked)
    taken = await person.undo("restrict_app_execution", target="wks-001", reason="Clean")
    assert (await settled(world, person, taken)).state == "undone"


async def test_indicators_are_deleted_by_their_ids_and_only_all_that_were_made_together(world: World) -> None:
    port = of_a_run(world)
    both: list[Json] = [BEACON, {**BEACON, "indicator_value": "203.0.113.8"}]
    asked = await port.request("indicators", reason="Beacon", key="k1", parameters={"indicators": both})
    done = await settled(world, port, asked)
    assert isinstance(done.made, list)
    ids = [str(each["id"]) for each in done.made if isinstance(each, dict)]
    with pytest.raises(ActionError, match="made together"):
        await port.undo_indicators(ids[:1], reason="Clean")
    begun = await port.undo_indicators([*ids, "999"], reason="Clean")
    assert [state.state for state in begun][1:] == ["not_owned"]
    assert (await settled(world, port, begun[0])).state == "undone"
    assert len(world.tenant.shelves["indicator"]) == 0


async def test_failures_are_those_of_actions(world: World) -> None:
    port = of_a_run(world)
    with pytest.raises(ActionError, match="is not a machine id"):
        await port.request("antivirus_scan", machine="two words", reason="Odd", key="k1")
    with pytest.raises(ActionError, match="There is no response"):
        await port.state("nothing")
    nobody = Responses(world.database, world.organization_id, None, "asmith", 600.0)
    with pytest.raises(ActionError) as raised:
        await nobody.request("antivirus_scan", machine="wks-001", reason="Odd", key="k1")
    assert raised.value.code == "no-account"
