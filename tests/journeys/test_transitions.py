"""What happens to an alert in Defender, read by the real poller, starts the runs it deserves, and our own answer none."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from alert_samples import publish
from containment_world import World, a_world
from journey import journey, names
from port_world import run_of
from ringfence.alerts.transitions import Change
from ringfence.alerts.versions import Standing
from ringfence.ingestion.poller import Poller
from ringfence.playbooks import library
from ringfence.runs.door import Defender
from ringfence.services import records
from ringfence.settings import Settings
from ringfence.simulator import portal
from ringfence.simulator.specs import AlertChange, AlertSpec
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import alert_versions, run_alerts, runs

HAPPENINGS: list[tuple[Change, dict[str, Any]]] = [
    (Change.SEVERITY_RAISED, {"severity": "High"}),
    (Change.SEVERITY_LOWERED, {"severity": "Low"}),
    (Change.RESOLVED, {"status": "Resolved"}),
    (Change.REOPENED, {"status": "InProgress"}),
    (Change.REASSIGNED, {"assigned_to": "ada@contoso.com"}),
    (Change.CLASSIFIED, {"classification": "TruePositive", "determination": "Malware"}),
    (Change.REMEDIATED, {"investigation_state": "SuccessfullyRemediated"}),
    (Change.UPDATED, {"comment": "Looking into it."}),
]
ANSWERS = """ringfence: 1
name: Answers everything
trigger: {type: defender.alert, changes: []}
steps:
  answer:
    action: defender.update_alert
    with: {alert: "${trigger.alert.id}", status: InProgress, assigned_to: "ringfence@contoso.com", comment: Seen}
"""


@pytest.fixture
async def world(embedded: Database) -> AsyncIterator[World]:
    async with a_world(embedded) as made:
        yield made


class Watch:
    """A poller of the world's account."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.poller = Poller(world.database, world.clients, Settings(), lambda runs: None)
        if not self._services():
            world.database.run_now(lambda tx: records.follow(tx, world.organization_id, world.account_id, "contoso"))

    def _services(self) -> list[Any]:
        return self.world.database.read_now(lambda tx: records.of_account(tx, self.world.account_id))

    async def poll(self) -> list[str]:
        """Poll a minute later and return the changes that runs were asked for, in their order."""
        self.world.advance(60)
        report = await self.poller.poll(self._services()[0])
        query = sa.select(runs.c.trigger).where(runs.c.id.in_(report.runs)).order_by(runs.c.id)
        return [row["trigger"]["change"] for row in self.world.database.read_now(lambda tx: tx.all(query))]

    def standings(self) -> list[str]:
        query = sa.select(alert_versions.c.standing).order_by(alert_versions.c.version)
        return [row["standing"] for row in self.world.database.read_now(lambda tx: tx.all(query))]


def raise_alert(world: World, **values: Any) -> str:
    spec = AlertSpec.model_validate({"machine": "wks-001", "severity": "Medium", **values})
    return portal.raise_alert(world.tenant, spec, world.simulator.clock.now())


def edit(world: World, alert: str, **changes: Any) -> None:
    record = world.tenant.find_alert(alert)
    assert record is not None
    portal.edit_alert(world.tenant, record, AlertChange.model_validate(changes), world.simulator.clock.now())


async def test_each_transition_starts_one_run_of_the_playbook_that_asked_for_it(world: World) -> None:
    run_of(world)
    watch = Watch(world)
    for change in Change:
        publish(world.database, world.organization_id, change.value, f"{{type: defender.alert, changes: [{change}]}}")
    alert = raise_alert(world)
    assert await watch.poll() == ["created"]
    for change, values in HAPPENINGS:
        edit(world, alert, **values)
        found = await watch.poll()
        assert set(found) == {change.value, "updated"}
        assert len(found) == len(set(found))
        assert await watch.poll() == []


async def test_what_a_run_writes_is_read_back_and_starts_nothing(world: World) -> None:
    run = run_of(world)
    watch = Watch(world)
    publish(world.database, world.organization_id, "Everything", "{type: defender.alert, changes: []}")
    alert = raise_alert(world)
    await watch.poll()
    defender = Defender(run, world.clients, world.database)
    values = {"status": "Resolved", "classification": "TruePositive", "determination": "Malware", "comment": "Done."}
    await defender.write("update_alert", key="run:step:0", alert_id=alert, **values)
    assert await watch.poll() == []
    await defender.write("batch_update_alerts", key="run:other:0", alert_ids=[alert], assigned_to="ada@contoso.com")
    edit(world, alert, severity="High")
    assert await watch.poll() == ["severity_raised"]
    edit(world, alert, status="InProgress")
    assert await watch.poll() == ["reopened"]
    edit(world, alert, status="Resolved")
    assert await watch.poll() == ["resolved"]
    assert watch.standings() == [Standing.NEWS, Standing.OWN, Standing.MIXED, Standing.NEWS, Standing.NEWS]


async def test_a_storm_on_one_machine_is_one_run_with_all_its_reasons(world: World) -> None:
    run_of(world)
    watch = Watch(world)
    publish(world.database, world.organization_id, "Storm", "{type: defender.alert, run_per: machine}")
    for _ in range(20):
        raise_alert(world)
    raise_alert(world, machine="wks-002")
    assert await watch.poll() == ["created", "created"]
    raise_alert(world)
    assert await watch.poll() == []
    query = sa.select(run_alerts.c.run_id, sa.func.count().label("many")).group_by(run_alerts.c.run_id)
    assert sorted(row["many"] for row in world.database.read_now(lambda tx: tx.all(query))) == [1, 21]


async def test_a_playbook_that_answers_everything_does_not_answer_itself(tmp_path: Path) -> None:
    async with journey(tmp_path / "data") as trip:

        def prepare(tx: Transaction) -> None:
            library.pause(tx, trip.organization_id, "Contain ransomware")
            library.publish(tx, trip.organization_id, ANSWERS, "the test", catalogue=trip.app.catalogue)

        trip.app.database.run_now(prepare)
        trip.start_worker()
        alert = await trip.alert(names(trip, 1)[0], severity="Medium")

        def answered(times: int) -> Any:
            def done(tx: Transaction) -> bool:
                over = tx.scalar(sa.select(sa.func.count()).select_from(runs).where(runs.c.status == "succeeded"))
                shown = sa.select(sa.func.count()).select_from(alert_versions)
                return bool(over == times and tx.scalar(shown.where(alert_versions.c.standing == "own")) == times)

            return done

        await trip.until(answered(1))
        await trip.control.edit_alert(alert, severity="High")
        await trip.until(answered(2))
        rows = trip.app.database.read_now(
            lambda tx: tx.all(
                sa.select(alert_versions.c.standing, alert_versions.c.transitions).order_by(alert_versions.c.version)
            )
        )
        assert [(row["standing"], row["transitions"]) for row in rows] == [
            ("news", ["created"]),
            ("own", []),
            ("news", ["severity_raised", "updated"]),
            ("own", []),
        ]
        assert trip.app.database.read_now(lambda tx: tx.scalar(sa.select(sa.func.count()).select_from(runs))) == 2
