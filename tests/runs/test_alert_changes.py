import json
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from containment_world import World, a_world
from graph_samples import a_graph_alert
from listening_world import a_version
from port_world import run_of
from ringfence.alerts.source import Source
from ringfence.errors import Conflict, Invalid, NotFound, Unavailable
from ringfence.organizations.model import Organization
from ringfence.runs.alert_changes import AlertChange, change
from ringfence.simulator import portal
from ringfence.simulator.specs import AlertSpec
from ringfence.storage import Database
from ringfence.storage.tables import alert_versions, alert_writes, audit_entries


@pytest.fixture
async def world(embedded: Database) -> AsyncIterator[World]:
    async with a_world(embedded) as made:
        yield made


def made(world: World) -> str:
    """Raise an alert in the tenant, store it as the poller would, and return our id of it."""
    name = portal.raise_alert(world.tenant, AlertSpec(machine="wks-001"), world.simulator.clock.now())
    return a_version(world.database, world.organization_id, world.account_id, name)


async def changed(world: World, alert: str, **values: str) -> None:
    run = run_of(world)
    organization = Organization(world.organization_id, run.organization_name, run.requested_at)
    await change(world.database, world.clients, organization, alert, AlertChange(**values), by="ada")


def in_defender(world: World) -> dict[str, object]:
    (record,) = world.tenant.alerts.values()
    return dict(record.document)


async def test_a_change_reaches_defender_and_is_kept_and_written_down_first(world: World) -> None:
    alert = made(world)
    await changed(world, alert, status="Resolved", classification="FalsePositive", comment="Backup software.")
    there = in_defender(world)
    assert (there["status"], there["classification"]) == ("Resolved", "FalsePositive")
    assert "Backup software. [Ringfence " in str(there["comments"])
    kept = world.database.read_now(lambda tx: tx.all(sa.select(alert_writes)))
    assert {row["field"]: row["value"] for row in kept} == {"status": "Resolved", "classification": "FalsePositive"}
    (entry,) = world.database.read_now(
        lambda tx: tx.all(sa.select(audit_entries).where(audit_entries.c.event == "alert:written"))
    )
    assert (entry["actor"], entry["subject_id"]) == ("ada", alert)


async def test_what_defender_refuses_is_a_conflict_and_nothing_is_looked_for(world: World) -> None:
    alert = made(world)
    with pytest.raises(Conflict):
        await changed(world, alert, status="Resolved", determination="Nonsense", classification="TruePositive")
    assert world.database.read_now(lambda tx: tx.all(sa.select(alert_writes))) == []


async def test_what_may_work_later_says_so(world: World) -> None:
    alert = made(world)
    world.fault("status", "update_alert", status=503, times=None)
    with pytest.raises(Unavailable):
        await changed(world, alert, status="Resolved")


async def test_what_cannot_be_changed_here_is_refused_before_anything_is_sent(world: World) -> None:
    alert = made(world)
    with pytest.raises(Invalid, match="Nothing was said"):
        await changed(world, alert, comment=" ")
    with pytest.raises(NotFound):
        await changed(world, "none", status="New")
    raw = json.dumps(a_graph_alert("mail", serviceSource="microsoftDefenderForOffice365"))
    world.database.run_now(lambda tx: tx.execute(sa.update(alert_versions).values(raw=raw, source=Source.GRAPH)))
    with pytest.raises(Conflict, match="another product"):
        await changed(world, alert, status="New")
    assert in_defender(world)["status"] == "New"
