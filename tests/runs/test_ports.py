"""How actions of a run reach hosts: through containment, as holders of their own run."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from containment_world import World, a_world
from port_world import run_of
from ringfence.actions import ActionError
from ringfence.containment import service
from ringfence.containment.model import Containment, State
from ringfence.containment.reconcile import Reconciler
from ringfence.runs.model import Run
from ringfence.runs.ports import Containments
from ringfence.storage import Database


@pytest.fixture
async def world(embedded: Database) -> AsyncIterator[World]:
    async with a_world(embedded) as made:
        yield made


def containments(world: World, run: Run) -> Containments:
    return Containments(run, world.database, deadline=4 * 3600.0)


async def contain(port: Containments, machine: str, key: str, reason: str = "Ransomware") -> str:
    asked = await port.request(
        machine=machine, isolation_type="Full", reason=reason, auto_release=None, alert_id="da637", key=key
    )
    return asked.id


async def test_hosts_that_nobody_comes_back_to_are_seen_by_runs_of_their_organization_only(world: World) -> None:
    run = run_of(world)
    world.portal("wks-001", "Isolate")
    world.advance(60)
    await Reconciler(world.database, world.clients).reconcile_due()
    world.advance(2 * 3600)
    (found,) = await containments(world, run).orphans(older_than=3600)
    assert isinstance(found, dict)
    assert (found["machine_name"], found["hours"], found["incidents"]) == ("wks-001", 2, [])
    assert await containments(world, run).orphans(older_than=86_400) == []
    assert await containments(world, replace(run, organization_id="another")).orphans(older_than=3600) == []


async def test_a_run_without_an_account_reaches_nothing_and_says_what_to_do(world: World) -> None:
    run = replace(run_of(world), account_id=None)
    with pytest.raises(ActionError, match="no account"):
        await contain(containments(world, run), "wks-001", f"{run.id}:one:0")


async def test_a_host_is_contained_once_for_a_key_and_names_run_and_alert(world: World) -> None:
    run = run_of(world)
    port, key = containments(world, run), f"{run.id}:one:0"
    first = await contain(port, "wks-001", key)
    assert await contain(port, "wks-001", key) == first
    await world.drive()
    world.advance(120)
    await world.drive()
    state = await port.state(first)
    assert (state.state, state.contained, state.final) == ("contained", True, False)
    assert (state.machine_id, state.machine_name) == (world.machine("wks-001").id, "wks-001")
    assert len(world.actions("Isolate")) == 1
    found = look(world, first)
    assert (found.run_id, found.requested_by) == (run.id, "playbook Example 1.2")
    assert found.reason == "Ransomware (alert da637)"


def look(world: World, containment_id: str) -> Containment:
    return world.database.read_now(lambda tx: service.get(tx, containment_id))


@pytest.mark.parametrize("target", ["", "wks*", "two words"])
async def test_a_target_that_is_no_host_is_refused_for_good(world: World, target: str) -> None:
    run = run_of(world)
    with pytest.raises(ActionError) as raised:
        await contain(containments(world, run), target, f"{run.id}:one:0")
    assert raised.value.permanent


async def test_the_containments_of_other_organizations_do_not_exist(world: World) -> None:
    run = run_of(world)
    asked = await contain(containments(world, run), "wks-001", f"{run.id}:one:0")
    async with a_world(world.database, world.simulator, name="Fabrikam") as other:
        foreign = containments(other, run_of(other))
        with pytest.raises(ActionError, match="There is no containment") as raised:
            await foreign.state(asked)
        assert raised.value.permanent
        assert (await foreign.release(target=asked, reason="Clean", key="x:two:0")).state == "not_owned"


@pytest.mark.parametrize("by", ["id", "machine", "name"])
async def test_a_release_asked_for_again_after_a_crash_gives_the_same_answer(world: World, by: str) -> None:
    run = run_of(world)
    port = containments(world, run)
    asked = await contain(port, "wks-001", f"{run.id}:one:0")
    await world.settle(look(world, asked), State.CONTAINED)
    target = {"id": asked, "machine": world.machine("wks-001").id.upper(), "name": "WKS-001"}[by]
    key = f"{run.id}:two:0"
    first = await port.release(target=target, reason="Clean\x00", key=key)
    again = await port.release(target=target, reason="Clean\x00", key=key)
    assert (first.id, first.final) == (again.id, again.final) == (asked, False)
    await world.settle(look(world, asked), State.RELEASED)
    over = await port.release(target=target, reason="Clean", key=key)
    assert (over.id, over.state, over.final) == (asked, "released", True)
    assert len(world.actions("Unisolate")) == 1


async def test_a_run_releases_only_what_it_holds(world: World) -> None:
    holder, other = run_of(world), run_of(world)
    asked = await contain(containments(world, holder), "wks-001", f"{holder.id}:one:0")
    await world.settle(look(world, asked), State.CONTAINED)
    for target in (asked, "wks-001", "wks-002", "a\x00b"):
        answer = await containments(world, other).release(target=target, reason="Clean", key=f"{other.id}:two:0")
        assert (answer.state, answer.final) == ("not_owned", True)
    assert (await containments(world, holder).state(asked)).state == "contained"


async def test_a_host_that_another_run_holds_too_stays_cut_off(world: World) -> None:
    holder, other = run_of(world), run_of(world)
    machine_id = world.machine("wks-001").id
    asked = await contain(containments(world, holder), machine_id, f"{holder.id}:one:0")
    await world.settle(look(world, asked), State.CONTAINED)
    assert await contain(containments(world, other), machine_id, f"{other.id}:one:0") == asked
    for _ in range(2):
        answer = await containments(world, other).release(target=machine_id, reason="Clean", key=f"{other.id}:two:0")
        assert (answer.state, answer.final, answer.contained) == ("still_held", True, True)


async def test_a_run_that_goes_on_from_another_lets_go_of_what_that_one_holds(world: World) -> None:
    first = run_of(world)
    held = await contain(containments(world, first), "wks-001", f"{first.id}:one:0")
    await world.settle(look(world, held), State.CONTAINED)
    stranger = replace(first, id="stranger")
    asked = {"target": "wks-001", "reason": "Clean", "key": "k"}
    assert (await containments(world, stranger).release(**asked)).state == "not_owned"
    heir = replace(first, id="heir", continues=("between", first.id))
    assert (await containments(world, heir).release(**asked)).id == held
    assert look(world, held).release_requested_at is not None
