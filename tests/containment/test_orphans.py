from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from alert_samples import an_alert
from containment_world import World
from port_world import run_of
from ringfence import clock
from ringfence.alerts import queue as alerts
from ringfence.containment.model import Containment, State
from ringfence.containment.orphans import Orphan, orphans
from ringfence.containment.reconcile import Reconciler
from ringfence.incidents import service as incidents
from ringfence.incidents.model import Author
from ringfence.ingestion.pages import prepare, store
from ringfence.storage.tables import incidents as incident_rows
from ringfence.storage.tables import runs
from ringfence.triggers.registry import Registry

HOST, OTHER = "wks-001", "wks-002"
DAY = 86_400.0


async def look(world: World, hours: float = 24) -> list[Orphan]:
    """Let a round be made and ask for orphans."""
    world.advance(61)
    await Reconciler(world.database, world.clients).reconcile_due()
    older = timedelta(hours=hours)
    return world.database.read_now(lambda tx: orphans(tx, world.organization_id, older_than=older))


async def contained(world: World, host: str = HOST, **options: Any) -> Containment:
    return await world.settle(world.request(world.machine(host).id, **options), State.CONTAINED)


def promote(world: World, host: str, *, owner: str | None) -> int:
    """Make an incident of an alert on a host."""
    machine = world.machine(host)
    document = an_alert("1", clock.now(), machineId=machine.id, computerDnsName=machine.name)
    world.database.run_now(lambda tx: store(tx, world.account_id, prepare([document]), Registry()))
    alert = world.database.read_now(lambda tx: alerts.get(tx, world.organization_id, "da1_1"))
    made = world.database.run_now(
        lambda tx: incidents.promote(tx, world.organization_id, [alert.id], Author("megan.bowen"))
    )
    number = made.incident.number
    world.database.run_now(
        lambda tx: tx.execute(sa.update(incident_rows).where(incident_rows.c.number == number).values(owner=owner))
    )
    return number


async def test_a_host_isolated_for_long_by_anybody_is_an_orphan_until_it_is_free(world: World) -> None:
    held = await contained(world, requested_by="asmith")
    world.portal(OTHER, "Isolate")
    assert await look(world) == []
    world.advance(DAY)
    ours, theirs = await look(world)
    assert (ours.isolation.machine_name or "").startswith(HOST)
    assert ours.ask == "asmith"
    assert ours.why == "no running playbook and no timer holds it; no open incident is about it"
    assert theirs.ask == "analyst@contoso.com (Portal)"
    assert theirs.why == "isolated by analyst@contoso.com (Portal); no open incident is about it"
    assert await look(world, hours=48) == []
    world.let_go(held)
    await world.settle(held, State.RELEASED)
    assert [each.isolation.foreign for each in await look(world)] == [True]


async def test_a_timer_will_let_a_host_go_so_it_is_no_orphan(world: World) -> None:
    await contained(world, auto_release_after=30 * DAY)
    world.advance(2 * DAY)
    assert await look(world) == []


async def test_a_host_that_a_run_holds_is_an_orphan_when_the_run_is_over(world: World) -> None:
    run = run_of(world)
    await contained(world, key=f"{run.id}:isolate:0")
    world.advance(2 * DAY)
    assert await look(world) == []
    world.database.run_now(
        lambda tx: tx.execute(sa.update(runs).where(runs.c.id == run.id).values(finished_at=clock.now()))
    )
    assert len(await look(world)) == 1


@pytest.mark.parametrize("owner", ["megan.bowen", None])
async def test_an_open_incident_with_an_owner_keeps_a_host_from_being_an_orphan(
    world: World, owner: str | None
) -> None:
    world.portal(HOST, "Isolate")
    number = promote(world, HOST, owner=owner)
    world.advance(2 * DAY)
    found = await look(world)
    if owner is not None:
        assert found == []
        return
    (orphan,) = found
    assert orphan.incidents == (number,)
    assert f"nobody owns incident #{number}" in orphan.why


async def test_an_incident_that_holds_a_host_by_hand_counts_like_one_that_has_its_alert(world: World) -> None:
    number = promote(world, OTHER, owner="megan.bowen")
    incident_id = world.database.read_now(lambda tx: tx.scalar(sa.select(incident_rows.c.id)))
    await contained(world, key=f"incident:{incident_id}:{clock.new_id()}")
    world.advance(2 * DAY)
    assert await look(world) == []
    world.database.run_now(
        lambda tx: tx.execute(
            sa.update(incident_rows).where(incident_rows.c.number == number).values(status="resolved")
        )
    )
    assert len(await look(world)) == 1


async def test_an_isolation_of_ours_that_nothing_holds_any_more_is_an_orphan(world: World) -> None:
    held = await contained(world)
    world.advance(DAY)
    world.set_containment(held, state="superseded", live_key=None, next_at=None, finished_at=clock.now())
    (orphan,) = await look(world, hours=1)
    assert "no containment holds it any more" in orphan.why
    assert orphan.ask == "Ringfence"
