import asyncio
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts_samples import a_stored_account, an_organization
from alert_samples import NOON, Tenant, a_poller, an_alert, publish, written
from graph_samples import Tenants, a_graph_alert
from ringfence import clock
from ringfence.alerts import queue
from ringfence.defender import ServerError, Throttled
from ringfence.errors import Invalid
from ringfence.ingestion.pages import prepare, store
from ringfence.ingestion.poller import Poller, PollReport
from ringfence.services.model import Service
from ringfence.settings import Settings
from ringfence.storage import Database
from ringfence.storage.tables import alert_versions, alerts, runs
from ringfence.triggers.registry import Registry
from service_samples import put, the_service

EVERYTHING = "{type: defender.alert, changes: [created, updated]}"
MINUTE = timedelta(minutes=1)


class Desk:
    """A connected account with a playbook that every change starts, and its tenant."""

    def __init__(self, database: Database, documents: list[dict[str, Any]] | None = None, **settings: Any) -> None:
        self.database = database
        self.organization = an_organization(database, clock.new_id())
        self.account = a_stored_account(database, self.organization)
        self.tenant = Tenant(documents or [])
        self.started: list[str] = []
        self.settings = settings
        publish(database, self.organization, "Look", EVERYTHING)
        self.at(NOON + 10 * MINUTE)

    def at(self, moment: Any) -> None:
        clock.replace(moment.timestamp)

    async def poll(self) -> PollReport:
        # A new poller each time: nothing may depend on what the one before remembers.
        return await a_poller(self.database, self.tenant, self.started.extend, **self.settings).poll(self.row())

    def row(self) -> Service:
        return the_service(self.database, self.account.id)

    def causes(self) -> Counter[tuple[str, str]]:
        """Count the runs by alert and by what caused them."""
        query = (
            sa.select(alerts.c.alert_id, runs.c.cause_key)
            .join(alerts, alerts.c.id == runs.c.alert_id)
            .where(runs.c.organization_id == self.organization)
        )
        rows = self.database.read_now(lambda tx: tx.all(query))
        return Counter((row["alert_id"], row["cause_key"].split(":", 2)[2]) for row in rows)

    def present(self) -> dict[str, dict[str, Any]]:
        """Return each stored alert's document at its present version."""

        def read(tx: Any) -> dict[str, dict[str, Any]]:
            found = queue.page(tx, self.organization, limit=500).alerts
            return {each.alert_id: queue.raw(tx, self.organization, each) for each in found}

        return self.database.read_now(read)

    def versions(self) -> Counter[str]:
        query = (
            sa.select(alerts.c.alert_id)
            .join(alert_versions, alert_versions.c.alert_id == alerts.c.id)
            .where(alerts.c.organization_id == self.organization)
        )
        return Counter(row["alert_id"] for row in self.database.read_now(lambda tx: tx.all(query)))


def numbered(many: int, step: timedelta = timedelta(seconds=1)) -> list[dict[str, Any]]:
    return [an_alert(f"{number:03}", NOON + number * step) for number in range(many)]


async def test_a_first_poll_reads_the_history_and_the_next_from_before_the_watermark(database: Database) -> None:
    desk = Desk(database, numbered(3))
    report = await desk.poll()
    assert (report.seen, report.new, report.versions, report.rejected, report.pages) == (3, 3, 3, 0, 1)
    assert desk.started == report.runs
    assert len(report.runs) == 3
    desk.tenant.put(an_alert("003", NOON + 6 * MINUTE))
    again = await desk.poll()
    assert (again.seen, again.new) == (4, 1)
    assert desk.tenant.asked == [
        "lastUpdateTime ge 2026-05-31T12:10:00Z",
        "lastUpdateTime ge 2026-06-01T11:55:02Z",
    ]
    row = desk.row()
    assert row.watermark == again.watermark == NOON + 6 * MINUTE


async def test_a_poll_that_finds_nothing_is_a_poll_too(embedded: Database) -> None:
    desk = Desk(embedded)
    report = await desk.poll()
    assert (report.seen, report.pages) == (0, 0)
    assert desk.row().watermark is None


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
async def test_no_page_size_loses_or_doubles_an_alert(embedded: Database, size: int) -> None:
    same = [an_alert(f"same-{number}", NOON + 2 * MINUTE) for number in range(5)]
    desk = Desk(embedded, [*numbered(7), *same, an_alert("last", NOON + 3 * MINUTE)], poll_page_size=size)
    report = await desk.poll()
    assert report.new == report.versions == len(report.runs) == 13
    assert set(desk.causes().values()) == {1}


async def test_an_alert_that_moves_to_the_end_while_pages_are_read_pushes_no_other_over_the_border(
    embedded: Database,
) -> None:
    # An hour between alerts: the overlap of the next poll would come far too late.
    desk = Desk(embedded, numbered(9, timedelta(hours=1)), poll_page_size=3)
    desk.at(NOON + timedelta(hours=10))

    def touch(page: int) -> None:
        if page == 2:
            desk.tenant.put(an_alert("000", NOON + timedelta(hours=9), status="InProgress"))

    desk.tenant.between = touch
    await desk.poll()
    desk.tenant.between = lambda page: None
    await desk.poll()
    assert desk.present() == {each["id"]: each for each in desk.tenant.documents}


@pytest.mark.parametrize("broken", range(1, 7))
async def test_a_poll_that_breaks_off_keeps_whole_pages_and_is_repeated(database: Database, broken: int) -> None:
    desk = Desk(database, numbered(10), poll_page_size=2)

    def fail(page: int) -> None:
        if page == broken:
            raise ServerError("It is raining.", status=503)

    desk.tenant.between = fail
    with pytest.raises(ServerError):
        await desk.poll()
    kept = len(desk.present())
    assert kept == len(desk.causes()) == len(desk.started)
    assert kept >= broken - 1
    assert [type(each) for each in desk.tenant.reported] == [ServerError]
    desk.tenant.between = lambda page: None
    await desk.poll()
    assert len(desk.present()) == 10
    assert set(desk.causes().values()) == {1}
    assert len(desk.started) == len(set(desk.started)) == 10


@pytest.mark.parametrize("commit", [1, 2, 3])
async def test_a_crash_before_a_commit_leaves_nothing_of_that_page(database: Database, commit: int) -> None:
    desk = Desk(database, numbered(6), poll_page_size=2)
    seen = []

    def crash(connection: sa.Connection) -> None:
        if not connection.get_execution_options().get("ringfence_read"):
            seen.append(connection)
            if len(seen) == commit:
                raise ConnectionAbortedError

    sa.event.listen(database.engine, "commit", crash)
    with pytest.raises(ConnectionAbortedError):
        await desk.poll()
    sa.event.remove(database.engine, "commit", crash)
    assert len(desk.present()) == len(desk.causes()) == len(desk.started) < 6
    await desk.poll()
    assert len(desk.present()) == len(desk.started) == 6
    assert set(desk.causes().values()) == {1}


async def test_a_time_that_has_not_come_yet_carries_the_watermark_no_further_than_now(database: Database) -> None:
    desk = Desk(database, [*numbered(2), an_alert("hostile", NOON + timedelta(days=300))])
    await desk.poll()
    assert desk.row().watermark == clock.now()
    desk.tenant.put(an_alert("late", NOON + 9 * MINUTE))
    assert (await desk.poll()).new == 1


async def test_a_service_that_does_not_keep_the_order_moves_the_watermark_only_at_the_end(embedded: Database) -> None:
    backwards = list(reversed(numbered(6)))
    desk = Desk(embedded, backwards, poll_page_size=2)
    desk.tenant.ordered = False

    def fail(page: int) -> None:
        if page == 3:
            raise Throttled("Slow down.", status=429)

    desk.tenant.between = fail
    with pytest.raises(Throttled):
        await desk.poll()
    assert desk.row().watermark is None
    desk.tenant.between = lambda page: None
    await desk.poll()
    assert len(desk.present()) == 6
    assert desk.row().watermark == NOON + timedelta(seconds=5)


@pytest.mark.parametrize("size", [1, 2, 100])
async def test_graph_which_takes_no_order_is_read_to_its_end(database: Database, size: int) -> None:
    desk = Desk(database, poll_page_size=size, poll_overlap=0.0)
    put(database, desk.row().id, source="graph")
    graph = [a_graph_alert(f"{number}", NOON + number * MINUTE) for number in (4, 0, 3, 1, 2)]
    tenants = Tenants([], graph)

    async def poll() -> PollReport:
        settings: dict[str, Any] = {"poll_page_size": size, "poll_overlap": 0.0, "poll_history": "1 day ago"}
        poller = Poller(database, tenants, Settings(**settings), desk.started.extend)
        return await poller.poll(desk.row())

    assert (await poll()).new == len(desk.started) == 5
    assert desk.row().watermark == NOON + 4 * MINUTE
    tenants.graph.append(a_graph_alert("5", NOON + 5 * MINUTE))
    assert (await poll()).new == 1
    assert set(desk.causes().values()) == {1}


async def test_what_changes_in_graph_while_it_is_read_is_read_by_the_next_poll(embedded: Database) -> None:
    desk = Desk(embedded)
    put(embedded, desk.row().id, source="graph")
    first = [a_graph_alert("old", NOON), a_graph_alert("new", NOON + 12 * MINUTE)]

    class Slow(Tenants):
        async def graph_alert_pages(self, **asked: Any) -> Any:
            yield [first[0]]
            # Five minutes pass, and what was read has changed before what is read now.
            desk.at(NOON + 15 * MINUTE)
            self.graph = [a_graph_alert("old", NOON + 11 * MINUTE, status="resolved"), first[1]]
            yield [first[1]]

    slow = Slow([], first)
    poller = Poller(embedded, slow, Settings(poll_overlap=0.0, poll_history="1 day ago"), desk.started.extend)
    await poller.poll(desk.row())
    assert desk.row().watermark == NOON + 10 * MINUTE
    later = Poller(embedded, Tenants([], slow.graph), Settings(poll_overlap=0.0), desk.started.extend)
    assert (await later.poll(desk.row())).versions == 1


async def test_alerts_without_a_time_are_read_like_any_other(embedded: Database) -> None:
    odd = [an_alert("a", lastUpdateTime=None), an_alert("b", lastUpdateTime="soon"), an_alert("c")]
    desk = Desk(embedded, odd, poll_page_size=1)
    assert (await desk.poll()).new == 3
    assert (await desk.poll()).versions == 0


async def test_a_malformed_alert_does_not_stop_the_poll(database: Database) -> None:
    desk = Desk(database, [*numbered(2), {"id": "", "lastUpdateTime": written(NOON)}, an_alert("b", title=7)])
    report = await desk.poll()
    assert (report.seen, report.new, report.rejected) == (4, 3, 1)
    assert (await desk.poll()).rejected == 0


async def test_a_history_that_cannot_be_read_is_said_by_the_poll(embedded: Database) -> None:
    desk = Desk(embedded, numbered(1), poll_history="some time ago")
    with pytest.raises(Invalid, match="'some time ago' is not a time"):
        await desk.poll()
    assert desk.tenant.asked == []


# --- exactly once, whatever the order -----------------------------------------------------------------------------------

DELIVERIES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=30)
CUTS = st.lists(st.integers(0, 30), max_size=5)


def _delivered_in_any_order(database: Database, deliveries: list[tuple[int, int]], cuts: list[int]) -> None:
    """Put versions of alerts into pages as they come, and compare with what a list of what was seen says."""
    desk, registry = Desk(database), Registry()
    documents = [an_alert(f"{name}", NOON + number * MINUTE, status=f"v{number}") for name, number in deliveries]
    borders = sorted({0, len(documents), *(cut for cut in cuts if cut < len(documents))})
    for start, end in pairwise(borders):
        page = prepare(documents[start:end])
        database.run_now(lambda tx, page=page: store(tx, desk.account.id, page, registry))  # type: ignore[misc]

    seen: dict[str, set[int]] = {}
    newest: dict[str, int] = {}
    expected: Counter[tuple[str, str]] = Counter()
    for name, number in deliveries:
        alert = f"da{name}_1"
        if number in seen.setdefault(alert, set()):
            continue
        seen[alert].add(number)
        if alert not in newest:
            expected[alert, "created"] += 1
        elif number > newest[alert]:
            expected[alert, f"updated:{len(seen[alert])}"] += 1
        newest[alert] = max(number, newest.get(alert, 0))
    assert desk.versions() == Counter({alert: len(numbers) for alert, numbers in seen.items()})
    assert desk.causes() == expected
    assert {alert: raw["status"] for alert, raw in desk.present().items()} == {
        alert: f"v{number}" for alert, number in newest.items()
    }


@given(DELIVERIES, CUTS)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_shuffled_doubled_and_late_deliveries_are_each_taken_once(
    embedded: Database, deliveries: list[tuple[int, int]], cuts: list[int]
) -> None:
    _delivered_in_any_order(embedded, deliveries, cuts)


@given(DELIVERIES, CUTS)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_they_are_on_every_database(database: Database, deliveries: list[tuple[int, int]], cuts: list[int]) -> None:
    _delivered_in_any_order(database, deliveries, cuts)


# An event in the tenant: which alert is changed, after how many seconds, and between which pages of the poll (0: before).
EVENTS = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 200), st.integers(0, 6)), max_size=8)
POLLS = st.lists(st.tuples(EVENTS, st.integers(0, 8)), min_size=1, max_size=4)


def _polled_while_it_changes(
    database: Database, polls: list[tuple[list[tuple[int, int, int]], int]], size: int
) -> None:
    """Poll a tenant that changes before and during the polls, some of which break off; then once in peace."""
    desk = Desk(database, poll_page_size=size, poll_overlap=0.0)
    now = [NOON]
    desk.at(NOON)
    revisions: Counter[int] = Counter()

    def change(alert: int, seconds: int) -> None:
        now[0] += timedelta(seconds=seconds)
        clock.replace(lambda: now[0].timestamp())
        revisions[alert] += 1
        desk.tenant.put(an_alert(f"{alert}", now[0], status=f"v{revisions[alert]}"))

    for events, broken in polls:
        for alert, seconds, page in events:
            if page == 0:
                change(alert, seconds)
        first = desk.tenant.pages

        def between(page: int, events: Any = events, broken: int = broken, first: int = first) -> None:
            for alert, seconds, at in events:
                if at == page - first:
                    change(alert, seconds)
            if broken and page - first == broken:
                raise ServerError("Broken off.", status=500)

        desk.tenant.between = between
        try:
            asyncio.run(desk.poll())
        except ServerError:
            assert broken
    desk.tenant.between = lambda page: None
    asyncio.run(desk.poll())

    assert desk.present() == {each["id"]: each for each in desk.tenant.documents}
    expected: Counter[tuple[str, str]] = Counter()
    for name, many in desk.versions().items():
        expected[name, "created"] = 1
        expected.update((name, f"updated:{number}") for number in range(2, many + 1))
    assert desk.causes() == expected
    assert sorted(desk.started) == sorted(set(desk.started))
    assert len(desk.started) == expected.total()


@given(POLLS, st.integers(1, 4))
@example([([(1, 0, 0), (0, 0, 0), (1, 1, 3)], 0)], 1)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_tenant_that_changes_while_it_is_read_loses_nothing(
    embedded: Database, polls: list[tuple[list[tuple[int, int, int]], int]], size: int
) -> None:
    _polled_while_it_changes(embedded, polls, size)


@given(POLLS, st.integers(1, 4))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_loses_nothing_on_any_database(
    database: Database, polls: list[tuple[list[tuple[int, int, int]], int]], size: int
) -> None:
    _polled_while_it_changes(database, polls, size)


# --- services -----------------------------------------------------------------------------------------------------------


async def test_a_page_that_holds_nothing_new_is_not_written_again(database: Database) -> None:
    desk = Desk(database, numbered(3))
    poller = a_poller(database, desk.tenant)
    await poller.poll(desk.row())
    written: list[sa.Connection] = []

    def count(connection: sa.Connection) -> None:
        if not connection.get_execution_options().get("ringfence_read"):
            written.append(connection)

    sa.event.listen(database.engine, "commit", count)
    quiet = await poller.poll(desk.row())
    assert (quiet.seen, quiet.met_news, len(written)) == (3, False, 0)
    desk.tenant.put(an_alert("001", NOON + MINUTE, status="InProgress"))
    assert (await poller.poll(desk.row())).versions == 1
    assert written
    sa.event.remove(database.engine, "commit", count)


async def test_a_later_poll_goes_back_no_further_than_the_service_says_and_the_gap_is_shown(database: Database) -> None:
    desk = Desk(database, numbered(2))
    put(database, desk.row().id, history="2 hours ago")
    await desk.poll()
    assert desk.tenant.asked == ["lastUpdateTime ge 2026-06-01T10:10:00Z"]
    desk.at(NOON + timedelta(hours=1))
    await desk.poll()
    assert desk.tenant.asked[-1] == "lastUpdateTime ge 2026-06-01T11:55:01Z"
    assert desk.row().problems == {}
    desk.at(NOON + timedelta(hours=9))
    await desk.poll()
    assert desk.tenant.asked[-1] == "lastUpdateTime ge 2026-06-01T19:00:00Z"
    row = desk.row()
    assert row.state == "degraded"
    assert row.state_reason == (
        "Alerts from 2026-06-01 12:00 to 2026-06-01 19:00 UTC were not read: its history begins later."
    )


async def test_without_words_of_its_own_a_service_reads_on_wherever_it_stood(embedded: Database) -> None:
    desk = Desk(embedded, numbered(1))
    await desk.poll()
    desk.at(NOON + timedelta(days=9))
    await desk.poll()
    assert desk.tenant.asked[-1] == "lastUpdateTime ge 2026-06-01T11:55:00Z"


async def test_how_many_changes_playbooks_were_told_of_and_how_late_they_came_is_counted(database: Database) -> None:
    desk = Desk(database, numbered(2))
    first = await desk.poll()
    assert (first.hits, first.misses, first.lag) == (2, 0, None)
    created = written(NOON + 9 * MINUTE)
    desk.tenant.put(an_alert("new", NOON + 9 * MINUTE, alertCreationTime=created))
    publish(database, desk.organization, "Look", "{type: defender.alert, severity: [Low]}")
    second = await desk.poll()
    assert (second.hits, second.misses, second.lag) == (0, 1, 60.0)


async def test_a_trigger_hears_its_service_and_updates_only_where_they_are_passed_on(database: Database) -> None:
    desk = Desk(database)
    put(database, desk.row().id, name="night")
    publish(database, desk.organization, "Look", "{type: defender.alert, service: night, changes: [created, updated]}")
    put(database, desk.row().id, name="day")
    desk.tenant.put(an_alert("a", NOON))
    assert (await desk.poll()).runs == []
    put(database, desk.row().id, name="night")
    desk.tenant.put(an_alert("b", NOON))
    desk.tenant.put(an_alert("a", NOON + MINUTE, status="InProgress"))
    assert len((await desk.poll()).runs) == 2
    put(database, desk.row().id, updates=False)
    desk.tenant.put(an_alert("b", NOON + MINUTE, status="InProgress"))
    desk.tenant.put(an_alert("c", NOON + MINUTE))
    again = await desk.poll()
    assert (again.versions, len(again.runs)) == (2, 1)
