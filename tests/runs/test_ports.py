"""What actions of a run reach: Defender through the run's account, hosts through containment, and every failure as one kind."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from containment_world import World, a_world
from ringfence import clock
from ringfence.actions import ActionError
from ringfence.containment import service
from ringfence.containment.model import Containment, State
from ringfence.defender import DefenderClient, DefenderError
from ringfence.errors import NotFound, Unavailable
from ringfence.runs.model import Run
from ringfence.runs.ports import Containments, Defender
from ringfence.simulator import portal
from ringfence.simulator.specs import AlertSpec
from ringfence.storage import Database
from ringfence.storage.tables import runs
from run_world import Stage


@pytest.fixture
async def world(embedded: Database) -> AsyncIterator[World]:
    async with a_world(embedded) as made:
        yield made


def run_of(world: World) -> Run:
    """Make a stored run of the world's organization."""
    stage = Stage.set(world.database, {"one": {"action": "contoso.pure"}})
    clock.replace(world.simulator.clock.now)
    made = stage.request()
    world.database.run_now(
        lambda tx: tx.execute(runs.update().where(runs.c.id == made).values(organization_id=world.organization_id))
    )
    return Run(
        id=made,
        organization_id=world.organization_id,
        organization_name="Contoso",
        playbook_id=stage.playbook_id,
        playbook_name="Example",
        playbook_version_id=stage.version_id,
        version="1.2",
        source="",
        account_id=world.account_id,
        alert_id=None,
        trigger={},
        alert=None,
        fence=1,
        nudges=0,
        segment=1,
        requested_at=clock.now(),
        resumed=False,
    )


def containments(world: World, run: Run) -> Containments:
    return Containments(run, world.database, deadline=4 * 3600.0)


async def contain(port: Containments, machine: str, key: str, reason: str = "Ransomware") -> str:
    asked = await port.request(
        machine=machine, isolation_type="Full", reason=reason, auto_release=None, alert_id="da637", key=key
    )
    return asked.id


async def test_documents_come_as_defender_sends_them(world: World) -> None:
    defender = Defender(run_of(world), world.clients)
    machine_id = world.machine("wks-001").id
    machine = await defender.get_machine(machine_id)
    assert isinstance(machine, dict)
    assert (machine["id"], machine["computerDnsName"]) == (machine_id, "wks-001")
    users = await defender.get_machine_logon_users(machine_id)
    assert isinstance(users, list)
    assert [user["accountName"] for user in users if isinstance(user, dict)] == ["asmith"]
    found = await defender.find_machines_by_ip("10.20.0.11", at=clock.now() - timedelta(minutes=1))
    assert isinstance(found, list)
    assert [each["id"] for each in found if isinstance(each, dict)] == [machine_id]
    assert await defender.list_machine_actions(machine_id) == []
    world.portal("wks-001", "Isolate")
    actions = await defender.list_machine_actions(machine_id)
    assert isinstance(actions, list)
    assert [each["type"] for each in actions if isinstance(each, dict)] == ["Isolate"]


async def test_a_run_without_an_account_reaches_nothing_and_says_what_to_do(world: World) -> None:
    run = replace(run_of(world), account_id=None)
    with pytest.raises(ActionError, match="no account") as raised:
        await Defender(run, world.clients).get_machine("x")
    assert (raised.value.permanent, raised.value.code, raised.value.advice) == (
        True,
        "no-account",
        "Name an account in the trigger.",
    )
    with pytest.raises(ActionError, match="no account"):
        await contain(containments(world, run), "wks-001", f"{run.id}:one:0")


async def test_a_failure_of_defender_is_an_action_error_and_is_reported_for_the_account(world: World) -> None:
    defender = Defender(run_of(world), world.clients)
    with pytest.raises(ActionError) as raised:
        await defender.get_alert("da-unknown")
    assert raised.value.permanent
    assert raised.value.advice
    world.fault("status", "get_machine", status=503, times=None)
    with pytest.raises(ActionError) as raised:
        await defender.get_machine(world.machine("wks-001").id)
    assert not raised.value.permanent
    reported = getattr(world.clients, "reported", [])
    assert len(reported) == 2


class Refuses:
    """Clients that cannot be had."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def get(self, account_id: str) -> DefenderClient:
        raise self.error

    async def report(self, account_id: str, error: DefenderError) -> bool:
        raise AssertionError("nothing was tried")


@pytest.mark.parametrize(("error", "permanent"), [(Unavailable("Not proven."), False), (NotFound("Gone."), True)])
async def test_an_account_that_may_not_be_used_is_an_action_error(
    world: World, error: Exception, permanent: bool
) -> None:
    with pytest.raises(ActionError, match=str(error)) as raised:
        await Defender(run_of(world), Refuses(error)).get_machine("x")
    assert raised.value.permanent is permanent


async def update(world: World, run: Run, alert: str, comment: str | None) -> object:
    return await Defender(run, world.clients).update_alert(
        alert,
        status="InProgress",
        assigned_to=None,
        classification=None,
        determination=None,
        comment=comment,
        key=f"{run.id}:one:0",
    )


def an_alert(world: World) -> str:
    return portal.raise_alert(world.tenant, AlertSpec(machine="wks-001"), world.simulator.clock.now())


def comments(world: World, alert: str) -> list[str]:
    document = world.tenant.alerts[alert].document
    found = document["comments"]
    assert isinstance(found, list)
    return [each["comment"] for each in found if isinstance(each, dict) and each.get("comment")]


@pytest.mark.parametrize("fault", [None, "drop_reply_after_effect", "drop_before_effect"])
async def test_a_comment_is_written_once_however_often_its_step_is_carried_out(world: World, fault: str | None) -> None:
    run, alert = run_of(world), an_alert(world)
    if fault is not None:
        world.fault(fault, "update_alert")
    if fault == "drop_before_effect":
        with pytest.raises(ActionError, match="the change is not there") as raised:
            await update(world, run, alert, "Contained.")
        assert not raised.value.permanent
    for _ in range(3):
        await update(world, run, alert, "Contained.")
    assert comments(world, alert) == [f"Contained. [Ringfence {run.id}:one:0]"]
    assert world.tenant.alerts[alert].document["status"] == "InProgress"


async def test_a_change_without_a_comment_whose_reply_was_lost_may_be_made_again(world: World) -> None:
    run, alert = run_of(world), an_alert(world)
    # The client itself makes such a change again, once.
    world.fault("drop_reply_after_effect", "update_alert", times=2)
    with pytest.raises(ActionError) as raised:
        await update(world, run, alert, None)
    assert not raised.value.permanent
    await update(world, run, alert, None)
    assert comments(world, alert) == []
    assert world.tenant.alerts[alert].document["status"] == "InProgress"


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
