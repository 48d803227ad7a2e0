"""A workflow from its start on an incident to its end: it asks people by a task, waits for nothing but that, and goes on."""

from typing import cast

import pytest
import sqlalchemy as sa

from incidents_world import MEGAN, IncidentDesk
from ringfence.actions import ContainmentPort, DefenderPort
from ringfence.actions.catalogue import discover
from ringfence.incidents import asking, queue
from ringfence.incidents.model import Task
from ringfence.listeners.people import Starter, Wish
from ringfence.playbooks import library
from ringfence.runs import cancelling, rows, wakes
from ringfence.runs.model import Run, StepRun
from ringfence.runs.runner import Runner
from ringfence.storage import Database
from ringfence.storage.tables import runs

SOURCE = """\
ringfence: 1
kind: workflow
name: Ask the user
trigger: {type: manual, on: incident}
steps:
  call:
    action: task.ask
    with:
      title: "Call about #${trigger.incident.number}"
      due: 4 h
      form:
        reached: {type: boolean, required: true}
        hosts: {type: number}
  reached:
    after: call.done
    action: logic.condition
    with: {test: steps.call.form.reached}
  note:
    after: reached.yes
    action: incident.note
    with: {text: "${steps.call.by} counted ${steps.call.form.hosts} hosts."}
  later:
    after: [call.expired, call.cancelled]
    join: any
    action: logic.set
    with: {values: {why: "${steps.call.task}"}}
"""


def _no_ports(_run: Run) -> tuple[DefenderPort, ContainmentPort]:
    return cast("DefenderPort", None), cast("ContainmentPort", None)


class Begun:
    """A run of the workflow that waits for its task."""

    def __init__(self, database: Database) -> None:
        self.desk = IncidentDesk(database)
        self.database = database
        self.desk.alerts("1")
        self.desk.promote("1")
        organization = self.desk.organization
        catalogue = discover()
        database.run_now(lambda tx: library.publish(tx, organization, SOURCE, "ada", catalogue=catalogue))
        wish = Wish("Ask the user", "megan.bowen", incident="1")
        self.run_id = database.run_now(lambda tx: Starter().begin(tx, organization, wish)).run_id
        self.runner = Runner(database, catalogue, _no_ports, owner="first", lease=30.0, patience=0.02)

    async def advance(self) -> str:
        """Carry the run as far as it goes, and return its status."""
        await self.runner.advance(self.run_id)
        query = sa.select(runs.c.status).where(runs.c.id == self.run_id)
        return str(self.database.read_now(lambda tx: tx.scalar(query)))

    def steps(self) -> dict[str, StepRun]:
        """Read the step rows."""
        return self.database.read_now(lambda tx: rows.steps_of(tx, self.run_id))

    def task(self) -> Task:
        """Read the task."""
        incident = self.desk.incident(1)
        (task,) = self.database.read_now(lambda tx: queue.tasks_of(tx, incident.id))
        return task


@pytest.fixture
def begun(embedded: Database) -> Begun:
    return Begun(embedded)


async def test_the_run_waits_for_the_form_and_goes_on_with_it(database: Database) -> None:
    begun = Begun(database)
    assert await begun.advance() == "waiting"
    task = begun.task()
    assert (task.title, task.state, task.run_id) == ("Call about #1", "open", begun.run_id)
    given = {"reached": "yes", "hosts": "3"}
    database.run_now(lambda tx: asking.fill(tx, begun.desk.organization, 1, 1, given, MEGAN))
    topic = f"incident:{begun.desk.incident(1).id}"
    woken = database.run_now(lambda tx: wakes.wake(tx, [topic]))
    assert [each[0] for each in woken] == [begun.run_id]
    assert await begun.advance() == "succeeded"
    call = begun.steps()["call"]
    assert call.outcome == "done"
    assert call.output["form"] == {"reached": True, "hosts": 3}
    (note,) = database.read_now(lambda tx: queue.notes_of(tx, begun.desk.incident(1).id))
    assert note.text == "megan.bowen counted 3 hosts."


async def test_another_change_of_the_incident_ends_no_wait(begun: Begun) -> None:
    await begun.advance()
    begun.database.run_now(lambda tx: wakes.wake(tx, [f"incident:{begun.desk.incident(1).id}"]))
    assert await begun.advance() == "waiting"
    assert begun.task().state == "open"


async def test_time_ends_the_wait_and_the_task(begun: Begun) -> None:
    await begun.advance()
    begun.desk.wait(hours=5)
    assert await begun.advance() == "succeeded"
    assert (begun.steps()["call"].outcome, begun.steps()["later"].status) == ("expired", "succeeded")
    assert begun.task().state == "expired"


async def test_a_task_that_will_not_be_done_and_an_incident_that_is_resolved_end_it(begun: Begun) -> None:
    await begun.advance()
    begun.desk.close(1)
    begun.database.run_now(lambda tx: wakes.wake(tx, [f"incident:{begun.desk.incident(1).id}"]))
    assert await begun.advance() == "succeeded"
    assert begun.steps()["call"].outcome == "cancelled"
    assert begun.task().state == "cancelled"


async def test_a_run_that_is_cancelled_takes_its_task_back(begun: Begun) -> None:
    await begun.advance()
    organization = begun.desk.organization
    begun.database.run_now(lambda tx: cancelling.request(tx, organization, begun.run_id, by="megan.bowen"))
    assert await begun.advance() == "cancelled"
    assert (begun.task().state, begun.task().done_by) == ("cancelled", "megan.bowen")
