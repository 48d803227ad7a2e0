"""One action that a program asks for: as far as it goes at once, and only by those who may."""

from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

import pytest

from containment_world import World, a_world
from ringfence.actions import ActionError
from ringfence.actions.catalogue import discover
from ringfence.audit import log
from ringfence.containment import service as containment
from ringfence.containment.model import State
from ringfence.errors import Conflict, ContentTooLarge, Forbidden, Invalid, MissingPermission, NotFound
from ringfence.organizations import members
from ringfence.organizations import service as organizations
from ringfence.organizations.model import State as Standing
from ringfence.playbooks import rules
from ringfence.runs import one_action
from ringfence.runs.one_action import ActionFailed, Carried, Wanted, carry
from ringfence.security.rbac import Role
from ringfence.storage import Database

MEGAN = "megan.bowen"


@pytest.fixture
async def world(embedded: Database) -> AsyncIterator[World]:
    async with a_world(embedded) as made:
        embedded.run_now(lambda tx: members.ensure(tx, made.organization_id, MEGAN, Role.ORGANIZATION_ADMINISTRATOR))
        embedded.run_now(lambda tx: members.ensure(tx, made.organization_id, "alex", Role.ANALYST))
        yield made


async def act(world: World, action: str, *, by: str = MEGAN, **inputs: Any) -> Carried:
    organization = world.database.read_now(lambda tx: organizations.get(tx, world.organization_id))
    wanted = Wanted(action, inputs, world.account_id, "contoso")
    return await carry(world.database, world.clients, discover(), None, organization, wanted, by=by, deadline=3_600.0)


def written(world: World) -> list[tuple[str, str, Any]]:
    found = world.database.read_now(lambda tx: log.listing(tx, world.organization_id, event="action:carried_out"))
    return [(each.actor, each.subject_id, each.facts["with"]) for each in found.entries]


async def test_what_only_reads_is_answered_at_once_and_leaves_no_entry(world: World) -> None:
    found = await act(world, "defender.get_machine", by="alex", machine=world.machine("wks-001").id)
    assert (found.outcome, found.account, found.going_on) == ("success", "contoso", None)
    assert isinstance(found.output, dict)
    assert found.output["computerDnsName"] == "wks-001"
    assert written(world) == []


async def test_a_host_is_cut_off_as_policy_decides_and_followed_by_its_id(world: World) -> None:
    found = await act(world, "containment.contain", machine="wks-001", reason="Ransomware")
    assert (found.outcome, found.output) == (None, None)
    assert found.going_on is not None
    assert found.going_on.kind == "containment"
    assert written(world) == [(MEGAN, "containment.contain", {"machine": "wks-001", "reason": "Ransomware"})]
    going_on = found.going_on.id
    asked = world.database.read_now(lambda tx: containment.get(tx, going_on, organization_id=world.organization_id))
    assert asked.requested_by == MEGAN
    await world.settle(asked, State.CONTAINED)


async def test_who_may_not_publish_it_may_not_do_it_and_a_frozen_organization_begins_nothing(world: World) -> None:
    wanted = {"machine": "wks-001", "reason": "Ransomware"}
    with pytest.raises(MissingPermission):
        await act(world, "containment.contain", by="alex", **wanted)
    own = world.organization_id
    only = rules.Rules(contain=("alex",), publish=(MEGAN,))
    world.database.run_now(lambda tx: rules.put(tx, own, only, MEGAN))
    with pytest.raises(Forbidden, match="rules of publishing") as refused:
        await act(world, "containment.contain", **wanted)
    assert not isinstance(refused.value, MissingPermission)
    world.database.run_now(lambda tx: organizations.stand(tx, own, Standing.FROZEN, "Audit"))
    with pytest.raises(Conflict, match="frozen"):
        await act(world, "containment.contain", **wanted)
    assert written(world) == []


async def test_what_does_not_fit_is_named_before_anything_is_done(world: World) -> None:
    with pytest.raises(NotFound):
        await act(world, "defender.fly")
    with pytest.raises(Invalid) as refused:
        await act(world, "containment.contain", machin="wks-001")
    assert len(refused.value.problems) == 3
    with pytest.raises(ContentTooLarge):
        await act(world, "logic.set", values={"x": "y" * one_action.LARGEST_INPUT})
    with pytest.raises(ActionFailed, match=r"defender\.get_machine: "):
        await act(world, "defender.get_machine", machine="f" * 40)


async def test_files_come_with_the_answer_up_to_a_size(world: World) -> None:
    files = one_action._Files()

    async def pieces() -> AsyncIterable[bytes]:
        yield b"PK"
        yield b"\x05\x06"

    kept = await files.keep("../a.zip", pieces())
    assert (kept["name"], kept["size"], files.kept[0].content) == ("a.zip", 4, "UEsFBg==")
    with pytest.raises(ActionError, match="larger than"):
        await files.keep("b", bytes(one_action.LARGEST_FILES))
