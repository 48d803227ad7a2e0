from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from drill_stage import Stage, a_stage, marks
from ringfence.drills import promotion
from ringfence.drills.model import State
from ringfence.incidents import service
from ringfence.incidents.model import Author, Resolution
from ringfence.storage import Database
from ringfence.storage.tables import alerts, incidents


@pytest.fixture
async def stage(embedded: Database) -> AsyncIterator[Stage]:
    async with a_stage(embedded) as made:
        made.publish()
        yield made


async def test_an_incident_that_somebody_else_made_is_used_and_left_open(stage: Stage) -> None:
    drill = stage.begin()
    world = stage.world
    await stage.until(drill, State.CONTAINING)
    found = world.database.read_now(lambda tx: promotion.of(tx, stage.look(drill)))
    assert found is not None
    assert found.created_by == f"drill {drill.id}"
    other = stage.begin(stage.allow("wks-002"))
    alert = world.database.read_now(lambda tx: tx.all(sa.select(alerts.c.id)))[0]["id"]
    again = world.database.run_now(lambda tx: promotion.promote(tx, other, alert))
    assert (again.created, again.incident.id) == (False, found.id)
    world.database.run_now(lambda tx: promotion.close(tx, other))
    assert world.database.read_now(lambda tx: tx.all(sa.select(incidents.c.status)))[0]["status"] == "open"


async def test_a_drill_without_an_alert_has_no_incident_and_closing_it_is_harmless(stage: Stage) -> None:
    drill = stage.begin()
    assert stage.world.database.read_now(lambda tx: promotion.of(tx, drill)) is None
    stage.world.database.run_now(lambda tx: promotion.close(tx, drill))


async def test_an_incident_that_a_person_closed_early_stays_as_they_left_it(stage: Stage) -> None:
    drill = stage.begin()
    world = stage.world
    await stage.until(drill, State.CONTAINING)
    found = world.database.read_now(lambda tx: promotion.of(tx, stage.look(drill)))
    assert found is not None
    resolution, author = Resolution.UNDETERMINED, Author("mara")
    world.database.run_now(
        lambda tx: service.close(
            tx, world.organization_id, found.number, author, resolution=resolution, reason="A drill."
        )
    )
    done = await stage.play(drill)
    assert marks(done)["released"] == "done"
    row = world.database.read_now(lambda tx: tx.all(sa.select(incidents)))[0]
    assert row["resolution"] == "undetermined"
