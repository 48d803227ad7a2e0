import pytest
import sqlalchemy as sa

from accounts_samples import a_stored_account
from containment_world import World
from ringfence import clock
from ringfence.accounts.model import AccountState
from ringfence.containment import isolations, sensor
from ringfence.containment.isolations import Isolation
from ringfence.containment.model import State
from ringfence.containment.observed import Drift, HostState, Origin
from ringfence.containment.reconcile import Reconciler
from ringfence.simulator import portal
from ringfence.simulator.specs import PortalAction
from ringfence.storage import changes
from ringfence.storage.tables import accounts

HOST = "wks-001"
HOUR = 3600.0


async def round_of(world: World, *, sign_of_life: float = 26 * HOUR) -> int:
    """Let one round be due and made."""
    world.advance(61)
    return await Reconciler(world.database, world.clients, sign_of_life=sign_of_life).reconcile_due()


def seen(world: World, name: str = HOST) -> Isolation:
    machine_id = world.machine(name).id
    found = world.database.read_now(lambda tx: isolations.of_machines(tx, world.organization_id, [machine_id]))
    return found[machine_id]


def told(world: World) -> list[str]:
    found = world.database.read_now(lambda tx: changes.after(tx, 0, limit=5000))
    return [each.kind for each in found if each.noun == "isolation"]


def act(world: World, kind: str, *, source: str = "Portal", by: str = "analyst@contoso.com", name: str = HOST) -> None:
    world.simulator.settle()
    document = {"machine": name, "type": kind, "source": source, "by": by, "comment": "Found mimikatz"}
    request = PortalAction.model_validate(document)
    portal.act(world.tenant, request, world.simulator.clock, world.simulator.clock.now())


async def test_a_host_that_somebody_else_isolated_is_shown_with_owner_reason_and_age_and_left_alone(
    world: World,
) -> None:
    act(world, "Isolate")
    await round_of(world)
    found = seen(world)
    assert (found.state, found.origin, found.owner) == (
        HostState.ISOLATED,
        Origin.PERSON,
        "analyst@contoso.com (Portal)",
    )
    assert found.comment == "Found mimikatz"
    assert found.name.startswith(HOST)
    assert found.foreign
    assert found.since is not None
    assert (clock.now() - found.since).total_seconds() < 120
    assert not found.drift
    await round_of(world)
    assert told(world) == ["isolated"]
    assert world.actions("Unisolate") == []
    act(world, "Unisolate")
    await round_of(world)
    assert seen(world).state == HostState.FREE
    assert told(world) == ["isolated", "free"]


@pytest.mark.parametrize(
    ("source", "meant"),
    [("Portal", Origin.PERSON), ("AttackDisruption", Origin.DEFENDER), ("AutomatedInvestigation", Origin.DEFENDER)],
)
async def test_defenders_own_isolations_are_told_from_those_of_people(world: World, source: str, meant: Origin) -> None:
    act(world, "Isolate", source=source, by="Defender")
    await round_of(world)
    assert seen(world).origin is meant


async def test_a_round_costs_one_list_of_actions_and_one_of_machines_however_many_are_isolated(world: World) -> None:
    for name in ("wks-001", "wks-002"):
        act(world, "Isolate", name=name)
    await round_of(world)
    assert len(world.sent("list_machine_actions")) == 1
    assert len(world.sent("list_machines")) == 1
    await round_of(world)
    assert len(world.sent("list_machine_actions")) == 2
    assert len(world.sent("list_machines")) == 1
    assert world.sent("get_machine_action") == []


async def test_an_action_in_progress_is_shown_until_it_is_over_however_long_that_takes(world: World) -> None:
    world.change(HOST, online=False)
    act(world, "Isolate")
    await round_of(world)
    assert (seen(world).state, seen(world).isolated) == (HostState.IN_PROGRESS, None)
    assert seen(world).open_by == "analyst@contoso.com (Portal)"
    world.advance(2 * 86_400)
    await round_of(world)
    assert seen(world).state == HostState.IN_PROGRESS
    world.change(HOST, online=True)
    world.advance(60)
    await round_of(world)
    assert (seen(world).state, seen(world).isolated) == (HostState.ISOLATED, True)
    assert told(world) == ["in_progress", "isolated"]


async def test_an_isolation_is_remembered_long_after_it_left_the_list_that_is_read(world: World) -> None:
    act(world, "Isolate")
    await round_of(world)
    world.advance(40 * 86_400)
    await round_of(world)
    assert seen(world).state == HostState.ISOLATED
    assert "2026" in world.sent("list_machine_actions")[-1].query


async def test_what_we_hold_is_ours_and_no_drift(world: World) -> None:
    held = await world.settle(world.request(HOST), State.CONTAINED)
    await round_of(world)
    found = seen(world)
    assert (found.state, found.origin, found.owner) == (HostState.ISOLATED, Origin.OURS, "Ringfence")
    assert found.containment_id == held.id
    assert not found.foreign
    assert not found.drift
    world.let_go(held)
    await world.settle(held, State.RELEASED)
    await round_of(world)
    assert (seen(world).state, seen(world).drift) == (HostState.FREE, Drift.NONE)
    assert "drift" not in told(world)


async def test_a_mark_like_ours_that_is_not_ours_is_somebody_elses(world: World) -> None:
    document = {"machine": HOST, "type": "Isolate", "comment": f"x [ringfence:{clock.new_id()}:isolate]"}
    world.simulator.settle()
    portal.act(world.tenant, PortalAction.model_validate(document), world.simulator.clock, world.simulator.clock.now())
    await round_of(world)
    assert seen(world).foreign


async def test_a_release_outside_is_reported_once_and_the_containment_says_so_at_once(world: World) -> None:
    held = await world.settle(world.request(HOST), State.CONTAINED)
    world.advance(2 * HOUR)
    await world.drive()
    await round_of(world)
    act(world, "Unisolate")
    await round_of(world)
    assert seen(world).drift is Drift.RELEASED_OUTSIDE
    await world.drive()
    assert world.look(held).state == State.SUPERSEDED
    await round_of(world)
    assert seen(world).drift is Drift.NONE
    assert told(world).count("drift") == 1
    assert world.actions("Isolate", HOST) == world.actions("Isolate", HOST)[:1]


async def test_an_isolation_on_top_of_ours_is_reported_and_not_fought(world: World) -> None:
    await world.settle(world.request(HOST), State.CONTAINED)
    world.advance(60)
    act(world, "Isolate")
    await round_of(world)
    assert seen(world).drift is Drift.ISOLATED_ON_TOP
    assert "not be ours to release" in seen(world).problem


async def test_a_host_that_we_released_and_somebody_isolated_again_is_reported(world: World) -> None:
    held = await world.settle(world.request(HOST), State.CONTAINED)
    world.let_go(held)
    await world.settle(held, State.RELEASED)
    world.advance(60)
    act(world, "Isolate")
    await round_of(world)
    assert seen(world).drift is Drift.ISOLATED_AGAIN
    world.advance(60)
    assert len(world.actions("Unisolate")) == 1


async def test_our_own_isolation_that_no_containment_holds_is_reported(world: World) -> None:
    held = await world.settle(world.request(HOST), State.CONTAINED)
    await round_of(world)
    world.advance(5)
    world.set_containment(held, state="superseded", live_key=None, next_at=None, finished_at=clock.now())
    await round_of(world)
    assert seen(world).drift is Drift.LEFT_BEHIND


async def test_an_isolated_device_that_defender_no_longer_hears_of_is_lost_until_it_is_heard(world: World) -> None:
    await world.settle(world.request(HOST), State.CONTAINED)
    await round_of(world)
    assert seen(world).lost_since is None
    world.change(HOST, online=False)
    world.advance(25 * HOUR)
    await round_of(world)
    assert seen(world).lost_since is None
    world.advance(26 * HOUR)
    await round_of(world)
    found = seen(world)
    assert found.lost_since is not None
    assert "lost to Defender" in found.problem
    assert found.state == HostState.ISOLATED
    world.change(HOST, online=True)
    world.advance(26 * HOUR)
    await round_of(world)
    assert seen(world).lost_since is None
    assert [kind for kind in told(world) if kind in ("lost", "heard")] == ["lost", "heard"]


async def test_signs_of_life_that_cannot_be_had_keep_nothing_else_back(world: World) -> None:
    act(world, "Isolate")
    world.fault("status", "list_machines", status=429, times=10)
    await round_of(world)
    assert seen(world).state == HostState.ISOLATED
    assert seen(world).heard_at is None


async def test_a_tenant_that_refuses_keeps_what_was_known_and_says_what_is_wrong(world: World) -> None:
    act(world, "Isolate")
    await round_of(world)
    at = seen(world).seen_at
    world.fault("status", "list_machine_actions", status=500, times=10)
    await round_of(world)
    (reading,) = world.database.read_now(lambda tx: isolations.readings(tx, world.organization_id))
    assert reading.error
    assert (reading.read_at, seen(world).seen_at) == (at, at)
    assert seen(world).state == HostState.ISOLATED


async def test_each_round_is_one_workers_and_a_tenant_with_two_accounts_is_read_once(world: World) -> None:
    tenant_id = world.database.read_now(lambda tx: tx.scalar(sa.select(accounts.c.tenant_id)))
    a_stored_account(
        world.database, world.organization_id, name="second", tenant_id=tenant_id.upper(), state=AccountState.HEALTHY
    )
    a_stored_account(
        world.database, world.organization_id, name="failed", tenant_id="fabrikam.example", state=AccountState.FAILED
    )
    world.set_account(state="healthy")
    assert await round_of(world) == 1
    assert await Reconciler(world.database, world.clients).reconcile_due() == 0
    act(world, "Isolate")
    await round_of(world)
    first = seen(world)
    world.database.run_now(lambda tx: sensor.choose(tx, world.organization_id, "second", replace=True, by="asmith"))
    await round_of(world)
    assert seen(world).account_name == "second"
    assert (seen(world).since, seen(world).state) == (first.since, HostState.ISOLATED)


async def test_what_has_been_free_for_long_is_forgotten(world: World) -> None:
    act(world, "Isolate")
    world.advance(60)
    act(world, "Unisolate")
    await round_of(world)
    world.advance(91 * 86_400)
    await round_of(world)
    rows = world.database.read_now(lambda tx: isolations.listing(tx, world.organization_id))
    assert rows.rows == ()
