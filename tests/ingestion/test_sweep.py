import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization
from alert_samples import NOON, an_alert, publish
from graph_samples import Tenants, a_graph_alert
from ringfence import clock
from ringfence.accounts import records
from ringfence.defender import Priority, ServerError
from ringfence.defender.budget import current_priority
from ringfence.defender.catalogue import OPERATIONS
from ringfence.ingestion import sweep_ledger
from ringfence.ingestion.pages import prepare, store
from ringfence.ingestion.sweep import Sweeper
from ringfence.ingestion.sweep_ledger import Sweep
from ringfence.services.model import COMPLETENESS, Service, ServiceState
from ringfence.settings import Settings
from ringfence.storage import Database
from ringfence.storage.changes import after
from ringfence.storage.tables import alert_versions, runs
from ringfence.triggers.registry import Registry
from service_samples import put, the_service

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
EVERYTHING = "{type: defender.alert}"


class Desk:
    """A service that has polled until a minute ago, and what sweeps it."""

    def __init__(self, database: Database, **settings: Any) -> None:
        self.database = database
        self.at(NOON)
        self.organization = an_organization(database, clock.new_id())
        self.account = a_stored_account(database, self.organization)
        self.tenants = Tenants([], [])
        self.started: list[str] = []
        usual: dict[str, Any] = {"completeness_hours": 48.0, "poll_history": "3 days ago"}
        self.settings = Settings(**usual | settings)
        self.stands(activated_at=NOON - 40 * HOUR, polled_at=NOON - MINUTE, watermark=NOON - MINUTE)
        publish(database, self.organization, "Look", EVERYTHING)

    def at(self, moment: datetime) -> None:
        clock.replace(moment.timestamp)

    def stands(self, **values: Any) -> Service:
        return put(self.database, self.service.id, **values)

    @property
    def service(self) -> Service:
        return the_service(self.database, self.account.id)

    def sweeper(self) -> Sweeper:
        return Sweeper(self.database, self.tenants, self.settings, self.started.extend)

    async def sweep(self) -> Sweep:
        assert await self.sweeper().sweep(self.service) is not None
        return self.ledger()[0]

    def ledger(self) -> list[Sweep]:
        return self.database.read_now(lambda tx: sweep_ledger.recent(tx, self.service.id))

    def poll_has_taken(self, *documents: dict[str, Any], source: str = "defender") -> None:
        page = prepare(documents, source)
        self.database.run_now(lambda tx: store(tx, self.account.id, page, Registry()))

    def count(self, table: sa.Table) -> int:
        return int(self.database.read_now(lambda tx: tx.scalar(sa.select(sa.func.count()).select_from(table))))


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


async def test_what_the_polls_have_missed_is_taken_in_once_and_starts_what_it_should(desk: Desk) -> None:
    known, late = an_alert("known", NOON - 3 * HOUR), an_alert("late", NOON - 2 * HOUR)
    desk.poll_has_taken(known)
    desk.tenants.defender = [known, late]
    found = await desk.sweep()
    assert (found.seen, found.pages, found.missed_alerts, found.missed_versions) == (2, 1, 1, 1)
    assert found.finished_at == NOON
    assert (found.error, found.problem) == ("", "")
    (named,) = found.missed
    assert (named["alert_id"], named["version"], named["late"]) == ("dalate_1", 1, 7200.0)
    assert named["updated_at"] == "2026-06-01T10:00:00.000Z"
    assert len(desk.started) == 1
    assert desk.count(runs) == 2
    query = sa.select(alert_versions.c.found_by).order_by(alert_versions.c.found_by)
    rows = desk.database.read_now(lambda tx: tx.all(query))
    assert [row["found_by"] for row in rows] == ["poll", "sweep"]
    desk.at(NOON + MINUTE)
    again = await desk.sweep()
    assert (again.seen, again.missed_alerts, again.missed) == (2, 0, ())
    assert desk.count(runs) == 2


async def test_a_change_that_was_missed_is_a_version(desk: Desk) -> None:
    desk.poll_has_taken(an_alert("a", NOON - 3 * HOUR))
    desk.tenants.defender = [an_alert("a", NOON - 2 * HOUR, status="Resolved")]
    found = await desk.sweep()
    assert (found.missed_alerts, found.missed_versions) == (0, 1)
    assert found.missed[0]["version"] == 2


async def test_what_is_young_is_left_to_the_polls(desk: Desk) -> None:
    desk.tenants.defender = [an_alert("young", NOON - 2 * MINUTE), an_alert("younger", NOON - timedelta(seconds=1))]
    found = await desk.sweep()
    assert (found.seen, found.missed_alerts) == (2, 0)
    assert found.newest == NOON - timedelta(seconds=1)
    assert desk.count(alert_versions) == 0


async def test_what_a_poll_will_not_look_at_again_is_old_enough(embedded: Database) -> None:
    desk = Desk(embedded, poll_overlap=60.0)
    desk.tenants.defender = [an_alert("passed", NOON - 3 * MINUTE)]
    assert (await desk.sweep()).missed_alerts == 1


async def test_a_service_of_graph_is_swept_in_graph(embedded: Database) -> None:
    desk = Desk(embedded)
    desk.stands(source="graph")
    desk.poll_has_taken(an_alert("seen", NOON - 3 * HOUR))
    desk.tenants.graph = [a_graph_alert("seen", NOON - 3 * HOUR), a_graph_alert("late", NOON - 2 * HOUR)]
    found = await desk.sweep()
    assert (found.seen, found.missed_alerts, found.missed_versions) == (2, 1, 1)


async def test_it_goes_back_no_further_than_the_history_of_the_service(embedded: Database) -> None:
    desk = Desk(embedded)
    desk.stands(history="1 hour ago")
    found = await desk.sweep()
    assert found.since == NOON - 41 * HOUR
    desk.at(NOON + MINUTE)
    desk.stands(activated_at=NOON - 80 * HOUR)
    assert (await desk.sweep()).since == NOON + MINUTE - 48 * HOUR


async def test_words_about_history_that_mean_nothing_do_not_stop_it(embedded: Database) -> None:
    desk = Desk(embedded)
    desk.stands(history="some time ago")
    assert (await desk.sweep()).since == NOON - 40 * HOUR


async def test_delays_are_of_alerts_since_the_service_was_switched_on(desk: Desk) -> None:
    at = NOON - timedelta(seconds=90)
    for name, created in (("a", at), ("b", NOON - timedelta(seconds=30)), ("old", NOON - 60 * HOUR)):
        desk.poll_has_taken(an_alert(name, at, alertCreationTime=created.isoformat()))
    found = await desk.sweep()
    assert found.delays is not None
    assert (found.delays.count, found.delays.p50, found.delays.longest) == (2, 30.0, 90.0)


async def test_it_is_the_least_important_call(embedded: Database) -> None:
    desk = Desk(embedded)
    purposes: list[Priority] = []

    class Watched(Tenants):
        async def alert_pages(self, **asked: Any) -> Any:
            purposes.append(current_priority(OPERATIONS["list_alerts"]))
            yield []

    desk.tenants = Watched([], [])
    await desk.sweep()
    assert purposes == [Priority.ENRICH]
    assert current_priority(OPERATIONS["list_alerts"]) is Priority.INGEST


async def test_a_failure_ends_it_and_says_why(embedded: Database) -> None:
    desk = Desk(embedded)
    desk.tenants.fails["defender"] = ServerError("It is raining.", status=503)
    found = await desk.sweep()
    assert found.error.startswith("Reading alerts failed: It is raining.")
    assert len(desk.tenants.reported) == 1
    assert desk.service.problems == {}


async def test_an_account_that_was_switched_off_meanwhile_is_left_alone(embedded: Database) -> None:
    desk = Desk(embedded)
    desk.tenants.defender = [an_alert("a", NOON - HOUR)]
    embedded.run_now(lambda tx: records.disable(tx, desk.account.id))
    assert "switched off" in (await desk.sweep()).error


async def test_a_standing_cursor_degrades_the_service_until_it_moves(desk: Desk) -> None:
    desk.stands(polled_at=NOON - HOUR, watermark=NOON - 3 * HOUR)
    desk.tenants.defender = [an_alert("a", NOON - 2 * HOUR)]
    found = await desk.sweep()
    assert found.problem.startswith("The cursor stands")
    assert desk.service.problems == {COMPLETENESS: found.problem}
    assert (desk.service.state, desk.service.state_reason) == (ServiceState.DEGRADED, found.problem)
    told = desk.database.read_now(lambda tx: [each for each in after(tx, 0) if each.noun == "service"])
    assert [each.kind for each in told][-2:] == ["degraded", "swept"]
    desk.at(NOON + HOUR)
    desk.stands(polled_at=NOON + HOUR, watermark=NOON - 2 * HOUR)
    assert (await desk.sweep()).problem == ""
    assert desk.service.state is ServiceState.RUNNING


async def test_a_cursor_that_jumped_over_alerts_is_known_by_those_between(embedded: Database) -> None:
    desk = Desk(embedded)
    await desk.sweep()
    desk.at(NOON + 2 * HOUR)
    desk.stands(polled_at=NOON + 2 * HOUR, watermark=NOON + 2 * HOUR - MINUTE)
    desk.tenants.defender = [an_alert(f"{number}", NOON + number * MINUTE) for number in range(5)]
    desk.tenants.defender.append(an_alert("reached", NOON + 2 * HOUR - MINUTE))
    desk.poll_has_taken(desk.tenants.defender[-1])
    found = await desk.sweep()
    assert (found.missed_alerts, found.problem[:18]) == (5, "The cursor jumped ")
    assert "took in 1 and passed over 5" in found.problem


async def test_each_sweep_is_done_by_one_worker(desk: Desk) -> None:
    first, second = desk.sweeper(), desk.sweeper()
    done = await asyncio.gather(first.sweep_due(), second.sweep_due())
    assert sorted(map(len, done)) == [0, 1]
    assert await first.sweep_due() == []
    desk.at(NOON + HOUR)
    assert len(await second.sweep_due()) == 1
    assert len(desk.ledger()) == 2


@pytest.mark.parametrize(
    "stands",
    [
        {"polled_at": None},
        {"enabled": False},
        {"activated_at": NOON},
    ],
    ids=["not polled yet", "off", "switched on just now"],
)
async def test_nothing_is_due_for_a_service_that_does_not_poll(embedded: Database, stands: dict[str, Any]) -> None:
    desk = Desk(embedded)
    desk.stands(**stands)
    assert await desk.sweeper().sweep_due() == []


async def test_sweeps_can_be_switched_off(embedded: Database) -> None:
    desk = Desk(embedded, completeness_interval=0.0)
    assert desk.sweeper().due_at(desk.service) is None
    assert await desk.sweeper().sweep_due() == []


async def test_services_are_not_all_swept_at_once(embedded: Database) -> None:
    desk = Desk(embedded)
    sweeper = desk.sweeper()
    moments = {sweeper.due_at(desk.service)}
    for _ in range(5):
        service = the_service(embedded, a_stored_account(embedded, desk.organization, name=clock.new_id()).id)
        moments.add(sweeper.due_at(service))
    assert len(moments) > 1
    assert all(each is not None and NOON - HOUR < each <= NOON for each in moments)


async def test_the_ledger_forgets_what_is_older_than_a_month(embedded: Database) -> None:
    desk = Desk(embedded)
    await desk.sweep()
    desk.at(NOON + timedelta(days=31))
    await desk.sweep()
    assert len(desk.ledger()) == 1


async def test_it_goes_on_for_as_long_as_it_is_wanted_whatever_happens(embedded: Database) -> None:
    desk = Desk(embedded, completeness_interval=0.01)
    stop, looked = asyncio.Event(), 0

    class Tired(Sweeper):
        async def sweep_due(self, stop: asyncio.Event | None = None) -> list[str]:
            nonlocal looked
            looked += 1
            if looked == 3:
                assert stop is not None
                stop.set()
            raise ConnectionError("The database is away.")

    await asyncio.wait_for(Tired(embedded, desk.tenants, desk.settings).run_forever(stop), 90)
    assert looked == 3
