from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization
from alert_samples import NOON, Tenant, a_poller, an_alert
from ringfence import clock
from ringfence.actions.catalogue import discover
from ringfence.alerts import ledger
from ringfence.ingestion import awaiting, requests
from ringfence.ingestion.poller import PollReport
from ringfence.playbooks import library
from ringfence.storage import Database
from ringfence.storage.tables import alerts, awaited_alerts, runs
from service_samples import the_service

SECOND = timedelta(seconds=1)
LOOK = "{look: {action: jmespath.query, with: {expression: title}}}"
AIM = "{look: {action: jmespath.query, with: {expression: machineId}}}"


class Desk:
    """A tenant whose new alert lacks its machine, and a poller that goes back to what is waited for."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.organization = an_organization(database)
        self.account = a_stored_account(database, self.organization)
        self.tenant = Tenant()
        self.poller = a_poller(database, self.tenant, poll_overlap=0.0)
        self.at(0)

    def at(self, seconds: float) -> None:
        clock.replace((NOON + seconds * SECOND).timestamp)

    def publish(self, name: str, steps: str, trigger: str = "{type: defender.alert}") -> str:
        source = f"ringfence: 1\nname: {name}\ntrigger: {trigger}\nsteps: {steps}\n"
        return self.database.run_now(
            lambda tx: library.publish(tx, self.organization, source, "ada", catalogue=discover())
        ).playbook.id

    async def poll(self, seconds: float) -> PollReport:
        self.at(seconds)
        waited = self.database.read_now(awaiting.since)
        return await self.poller.poll(the_service(self.database, self.account.id), back_to=waited.get(self.account.id))

    def runs(self) -> list[tuple[str, int, str]]:
        query = sa.select(runs.c.playbook_id, runs.c.alert_version, runs.c.cause_key).order_by(runs.c.id)
        rows = self.database.read_now(lambda tx: tx.all(query))
        return [(row["playbook_id"], row["alert_version"], row["cause_key"].split(":")[2]) for row in rows]

    def waits(self) -> int:
        return len(self.database.read_now(lambda tx: tx.all(sa.select(awaited_alerts))))

    def letters(self) -> list[str]:
        def work(tx: Any) -> list[str]:
            alert_id = tx.scalar(sa.select(alerts.c.id))
            return [kept.letters for _, kept in sorted(ledger.read(tx, alert_id).items())]

        return self.database.read_now(work)


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


async def test_a_playbook_waits_for_the_machine_it_needs_and_the_others_begin_meanwhile(desk: Desk) -> None:
    plain, aims = desk.publish("Look", LOOK), desk.publish("Aim", AIM)
    desk.tenant.put(an_alert("a", NOON, machineId=None))
    first = await desk.poll(0)
    assert (first.awaited, desk.runs(), desk.waits()) == (True, [(plain, 1, "created")], 1)
    assert desk.letters() == ["+h"]
    # The alert lies before the watermark by now: only because it is waited for it is read again.
    desk.tenant.put(an_alert("b", NOON + 20 * SECOND))
    await desk.poll(30)
    assert desk.waits() == 1
    desk.tenant.documents[0]["machineId"] = "1" * 40
    again = await desk.poll(40)
    assert len(again.runs) == 1
    assert (desk.runs()[-1], desk.waits()) == ((aims, 2, "created"), 0)
    assert desk.letters()[0] == "++"
    await desk.poll(50)
    assert len(desk.runs()) == 4


async def test_when_the_time_is_over_it_begins_without(desk: Desk) -> None:
    desk.publish("Aim", AIM)
    desk.tenant.put(an_alert("a", NOON, machineId=None))
    await desk.poll(0)
    patience = requests.PATIENCE.total_seconds()
    await desk.poll(patience - 1)
    assert desk.runs() == []
    await desk.poll(patience)
    assert [version for _, version, _ in desk.runs()] == [1]
    assert desk.waits() == 0


async def test_a_condition_on_what_is_missing_is_asked_again(desk: Desk) -> None:
    where = "{type: defender.alert, where: \"alert.computerDnsName == 'dc-1'\"}"
    desk.publish("Aim", LOOK, where)
    desk.tenant.put(an_alert("a", NOON, machineId=None, computerDnsName=None))
    desk.tenant.put(an_alert("b", NOON, machineId=None, computerDnsName=None))
    await desk.poll(0)
    assert (desk.runs(), desk.waits()) == ([], 2)
    desk.tenant.put(an_alert("a", NOON + SECOND, computerDnsName="dc-1"))
    desk.tenant.put(an_alert("b", NOON + SECOND, computerDnsName="pc-1"))
    await desk.poll(10)
    assert len(desk.runs()) == 1
    assert desk.waits() == 0
    assert sorted(desk.letters())[-1] in ("w", "+", "c")


async def test_a_playbook_that_is_paused_or_replaced_meanwhile_is_no_longer_waited_for(desk: Desk) -> None:
    playbook = desk.publish("Aim", AIM)
    desk.tenant.put(an_alert("a", NOON, machineId=None))
    await desk.poll(0)
    desk.database.run_now(lambda tx: library.pause(tx, desk.organization, playbook))
    desk.tenant.put(an_alert("a", NOON + SECOND))
    await desk.poll(10)
    assert (desk.runs(), desk.waits()) == ([], 0)


async def test_changes_of_known_alerts_wait_for_nothing(desk: Desk) -> None:
    desk.publish("Aim", AIM, "{type: defender.alert, changes: [updated]}")
    desk.tenant.put(an_alert("a", NOON, machineId=None))
    await desk.poll(0)
    desk.tenant.put(an_alert("a", NOON + SECOND, machineId=None, status="InProgress"))
    report = await desk.poll(10)
    assert (report.awaited, len(report.runs)) == (False, 1)
