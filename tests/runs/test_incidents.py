from dataclasses import replace

import pytest
import sqlalchemy as sa

from incidents_world import IncidentDesk
from ringfence import clock
from ringfence.actions import ActionError
from ringfence.incidents import queue
from ringfence.runs.incidents import Incidents
from ringfence.runs.model import Run
from ringfence.storage import Database
from ringfence.storage.tables import run_alerts
from run_world import Stage

PROMOTE = {"incident": None, "title": "", "severity": "", "owner": "", "join": True}


class Playbook(IncidentDesk):
    """A run of a playbook about the first of two alerts, which the second joined."""

    def __init__(self, database: Database) -> None:
        stage = Stage.set(database, {"one": {"action": "contoso.pure"}})
        super().__init__(database)
        self.alerts("1", "2")
        run_id = stage.request()
        rows = [
            {"run_id": run_id, "alert_id": self.alert(name).id, "alert_version": 1, "joined_at": clock.now()}
            for name in ("1", "2")
        ]
        database.run_now(lambda tx: tx.execute(sa.insert(run_alerts), rows))
        self.run = Run(
            id=run_id,
            organization_id=self.organization,
            organization_name="Contoso",
            playbook_id=stage.playbook_id,
            playbook_name="Example",
            playbook_version_id=stage.version_id,
            version="1.2",
            source="",
            account_id=self.account.id,
            alert_id=self.alert("1").id,
            trigger={},
            alert=None,
            fence=1,
            nudges=0,
            segment=1,
            requested_at=clock.now(),
            resumed=False,
        )

    @property
    def port(self) -> Incidents:
        return Incidents.of_run(self.run, self.database)


@pytest.fixture
def playbook(database: Database) -> Playbook:
    return Playbook(database)


async def test_a_playbook_promotes_the_alerts_of_its_run_once(playbook: Playbook) -> None:
    made = await playbook.port.promote(alerts=[], key="run:promote:0", **PROMOTE)  # type: ignore[arg-type]
    assert (made["number"], made["created"], made["added"]) == (1, True, 2)
    assert playbook.incident(1).created_by == "playbook Example 1.2"
    again = await playbook.port.promote(alerts=[], key="run:promote:0", **PROMOTE)  # type: ignore[arg-type]
    assert (again["number"], again["created"], again["added"]) == (1, False, 0)


async def test_a_playbook_works_on_the_incident_of_its_alert(playbook: Playbook) -> None:
    port = playbook.port
    await port.promote(alerts=[], key="run:promote:0", **PROMOTE)  # type: ignore[arg-type]
    for _ in range(2):
        await port.note(incident=None, text="Seen", key="run:note:0")
        task = await port.task(incident=None, title="Call", assignee="", due_in=3_600.0, key="run:task:0")
        assert task["task"] == 1
    found = await port.update(incident=None, title=None, severity="Low", owner="tier-2", status=None, key="run:take:0")
    assert (found["owner"], found["severity"]) == ("tier-2", "Low")
    closed = await port.close(incident=None, resolution="benign", reason="A test", hosts=None, key="run:close:0")
    assert closed["status"] == "resolved"
    assert (await port.get(None))["resolution"] == "benign"
    incident = playbook.incident(1)
    assert len(playbook.database.read_now(lambda tx: queue.notes_of(tx, incident.id))) == 1


async def test_a_run_that_an_incident_started_is_about_that_one(playbook: Playbook) -> None:
    playbook.promote("1")
    playbook.promote("2")
    playbook.run = replace(playbook.run, trigger={"incident": {"number": 2}})
    assert (await playbook.port.get(None))["number"] == 2
    assert (await playbook.port.get(1))["number"] == 1


async def test_what_cannot_be_done_is_an_error_that_says_what_to_do(playbook: Playbook) -> None:
    port = playbook.port
    with pytest.raises(ActionError, match="about no incident") as none:
        await port.get(None)
    assert none.value.permanent
    with pytest.raises(ActionError, match="no incident #9"):
        await port.note(incident=9, text="x", key="k")
    person = Incidents(playbook.database, playbook.organization, "megan.bowen")
    with pytest.raises(ActionError, match="about no alert"):
        await person.promote(alerts=[], key="k", **PROMOTE)  # type: ignore[arg-type]
    made = await person.promote(alerts=["da1_1"], key="k", **PROMOTE)  # type: ignore[arg-type]
    assert made["number"] == 1


async def test_an_incident_without_an_alert_is_made_once_and_what_follows_is_about_it(playbook: Playbook) -> None:
    playbook.run = replace(playbook.run, alert_id=None)
    playbook.database.run_now(lambda tx: tx.execute(sa.delete(run_alerts)))
    with pytest.raises(ActionError, match="about no incident"):
        await playbook.port.get(None)
    given = {"title": "Reported by mail", "severity": "", "owner": "tier-2", "text": "It looks like phishing."}
    made = await playbook.port.create(key="run:make:0", **given)
    again = await playbook.port.create(key="run:make:0", **given)
    assert made == again
    assert (made["title"], made["severity"], made["owner"], made["alerts"]) == (
        "Reported by mail",
        "Medium",
        "tier-2",
        [],
    )
    noted = await playbook.port.note(incident=None, text="Somebody clicked.", key="run:note:0")
    assert noted["number"] == made["number"]
    found = playbook.database.read_now(lambda tx: queue.get(tx, playbook.organization, int(str(made["number"]))))
    notes = playbook.database.read_now(lambda tx: queue.notes_of(tx, found.id))
    assert sorted(each.text for each in notes) == ["It looks like phishing.", "Somebody clicked."]
    with pytest.raises(ActionError, match="The title"):
        await playbook.port.create(key="run:other:0", title=" ", severity="", owner="", text="")
