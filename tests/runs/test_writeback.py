"""What a run writes to alerts is known again, unless Microsoft refused it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from containment_world import World, a_world
from port_world import run_of
from ringfence.actions import ActionError
from ringfence.runs.door import Defender
from ringfence.simulator import portal
from ringfence.simulator.specs import AlertSpec
from ringfence.storage import Database
from ringfence.storage.tables import alert_writes


@pytest.fixture
async def world(embedded: Database) -> AsyncIterator[World]:
    async with a_world(embedded) as made:
        yield made


def an_alert(world: World) -> str:
    return portal.raise_alert(world.tenant, AlertSpec(machine="wks-001"), world.simulator.clock.now())


def kept(world: World) -> list[tuple[str, str, Any]]:
    query = sa.select(alert_writes).order_by(alert_writes.c.alert_id, alert_writes.c.field)
    rows = world.database.read_now(lambda tx: tx.all(query))
    return [(row["alert_id"], row["field"], row["value"]) for row in rows]


async def test_what_is_written_to_an_alert_is_kept_field_by_field(world: World) -> None:
    defender, alert = Defender(run_of(world), world.clients, world.database), an_alert(world)
    values = {"status": "Resolved", "classification": "TruePositive", "determination": "Malware"}
    for _ in range(2):
        await defender.write("update_alert", key="run:step:0", alert_id=alert, comment="Done.", **values)
    assert kept(world) == [
        (alert, "classification", "TruePositive"),
        (alert, "determination", "Malware"),
        (alert, "status", "Resolved"),
    ]


async def test_many_alerts_written_at_once_are_kept_each(world: World) -> None:
    defender, alerts = Defender(run_of(world), world.clients, world.database), [an_alert(world), an_alert(world)]
    await defender.write("batch_update_alerts", key="run:step:0", alert_ids=alerts, assigned_to="ada@contoso.com")
    assert kept(world) == [(alert, "assignedTo", "ada@contoso.com") for alert in sorted(alerts)]


async def test_what_was_refused_is_not_looked_for(world: World) -> None:
    defender = Defender(run_of(world), world.clients, world.database)
    with pytest.raises(ActionError):
        await defender.write("update_alert", key="run:step:0", alert_id="da1_1", status="Resolved")
    assert kept(world) == []


async def test_comments_and_whatever_is_no_alert_need_not_be_kept(world: World) -> None:
    run, alert = run_of(world), an_alert(world)
    await Defender(run, world.clients, world.database).write("update_alert", key="k:s:0", alert_id=alert, comment="Hi")
    await Defender(run, world.clients).write("update_alert", key="k:t:0", alert_id=alert, status="Resolved")
    nobody = Defender(replace(run, account_id=None), world.clients, world.database)
    with pytest.raises(ActionError):
        await nobody.write("update_alert", key="k", alert_id=alert, status="New")
    assert kept(world) == []
