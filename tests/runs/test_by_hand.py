"""What a person's action reaches: hosts through containment, in the person's name, and nothing without an account."""

from collections.abc import AsyncIterable, AsyncIterator

import pytest

from containment_world import World, a_world
from ringfence.actions import ActionError, Json
from ringfence.containment.model import State
from ringfence.organizations import service as organizations
from ringfence.runs import by_hand
from ringfence.runs.by_hand import ByHand
from ringfence.storage import Database


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with a_world(database) as made:
        yield made


async def keep(name: str, content: bytes | AsyncIterable[bytes]) -> dict[str, Json]:
    assert content == b"PK"
    return {"name": name}


def hand(world: World, told: list[str] | None = None, *, account: bool = True) -> ByHand:
    organization = world.database.read_now(lambda tx: organizations.get(tx, world.organization_id))
    return by_hand.context(
        world.database,
        world.clients,
        organization,
        world.account_id if account else None,
        by="megan.bowen",
        deadline=3_600.0,
        keep=keep,
        tell=lambda level, message: (told if told is not None else []).append(f"{level}: {message}"),
    )


async def request(scene: ByHand, machine: str) -> str:
    asked = await scene.containment.request(
        machine=machine,
        isolation_type="Full",
        reason="Ransomware",
        auto_release=None,
        alert_id="da1",
        key=scene.step_key,
    )
    return asked.id


async def test_a_person_sees_what_a_step_sees(world: World) -> None:
    told: list[str] = []
    scene = hand(world, told)
    machine = await scene.defender.read("get_machine", machine=world.machine("wks-001").id)
    assert isinstance(machine, dict)
    assert machine["computerDnsName"] == "wks-001"
    scene.log("info", "Seen.", id="x")
    assert told == ["info: Seen."]
    assert await scene.attach("a", b"PK") == {"name": "a"}
    assert scene.step_key == f"{scene.run_id}:by_hand:0" != hand(world).step_key
    document = scene.document()
    assert isinstance(document["organization"], dict)
    assert str(document["organization"]["name"]).startswith("Contoso")
    assert scene.trigger == {}


async def test_a_containment_is_asked_for_once_and_recorded_in_the_persons_name(world: World) -> None:
    scene = hand(world)
    first, second = await request(scene, "wks-001"), await request(scene, "wks-001")
    assert first == second
    containment = world.look(world.request("wks-001", key=f"person:{scene.step_key}"))
    assert (containment.id, containment.requested_by) == (first, "megan.bowen")
    assert containment.reason == "Ransomware (alert da1)"
    await world.settle(containment, State.CONTAINED)
    assert (await scene.containment.state(first)).contained
    with pytest.raises(ActionError):
        await scene.containment.state("none")


@pytest.mark.parametrize("target", ["id", "machine", "WKS-001"])
async def test_a_host_is_let_go_whoever_holds_it(world: World, target: str) -> None:
    containment = await world.settle(world.request("wks-001"), State.CONTAINED)
    named = {"id": containment.id, "machine": world.machine("wks-001").id}.get(target, target)
    state = await hand(world).containment.release(target=named, reason="Clean", key="k")
    assert state.id == containment.id
    await world.settle(containment, State.RELEASED)


async def test_a_host_that_nobody_holds_is_not_let_go(world: World) -> None:
    state = await hand(world).containment.release(target="wks-001", reason="Clean", key="k")
    assert (state.state, state.final) == ("not_owned", True)


async def test_nothing_is_reached_without_an_account(world: World) -> None:
    scene = hand(world, account=False)
    with pytest.raises(ActionError, match="no account"):
        await request(scene, "wks-001")
    with pytest.raises(ActionError, match="no account"):
        await scene.defender.read("get_machine", machine="x")
