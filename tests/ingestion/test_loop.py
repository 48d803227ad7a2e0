import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization
from alert_samples import NOON
from ringfence import clock
from ringfence.accounts import records as accounts
from ringfence.accounts.model import Account, AccountFailed, AccountState
from ringfence.accounts.proof import Check, Report
from ringfence.defender import BudgetSpent, ServerError, Throttled, Unreachable
from ringfence.ingestion import awaiting
from ringfence.ingestion.loop import LONGEST_PAUSE, Follower, Means, PollLoop
from ringfence.ingestion.poller import PollReport
from ringfence.services import pace, service
from ringfence.services.heartbeats import Heartbeats
from ringfence.services.model import Service, ServiceState
from ringfence.settings import Settings
from ringfence.storage import Database
from ringfence.storage.tables import changes
from service_samples import put, the_service

PROVEN = Report((Check("sign-in", True, "Yes."),))
REFUSED = Report((Check("sign-in", False, "No.", "Do this."),))


class Scripted:
    """Polls and proofs that end as told, and a note of each."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.done: list[str] = []
        self.polls: list[Exception | PollReport | None] = []
        self.proofs: list[Report] = []
        self.happened = asyncio.Event()

    async def poll(self, service: Service, *, back_to: datetime | None = None) -> PollReport:
        self._note("poll")
        found = self.polls.pop(0) if self.polls else None
        if isinstance(found, Exception):
            raise found
        return found or PollReport(service.id)

    async def prove(self, account_id: str) -> Report:
        self._note("prove")
        report = self.proofs.pop(0) if self.proofs else PROVEN
        if report.ok:
            await self.database.run(lambda tx: accounts.mark_proven(tx, account_id, None))
        return report

    def _note(self, what: str) -> None:
        self.done.append(what)
        self.happened.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(90):
            while not condition():
                self.happened.clear()
                await self.happened.wait()


class Desk:
    def __init__(self, database: Database, **account: object) -> None:
        self.database = database
        self.at(0)
        self.account: Account = a_stored_account(database, an_organization(database), **account)
        self.scripted = Scripted(database)
        self.settings = Settings(poll_interval=60.0)
        self.beats = Heartbeats(database)

    def at(self, seconds: float) -> None:
        clock.replace((NOON + timedelta(seconds=seconds)).timestamp)

    def follower(self, **values: object) -> Follower:
        row = put(self.database, self.row().id, **values) if values else self.row()
        means = Means(self.database, self.scripted, self.scripted, self.settings, self.beats, chance=lambda: 0.5)
        return Follower(row, means)

    def row(self) -> Service:
        return the_service(self.database, self.account.id)

    def states(self) -> list[str]:
        query = sa.select(changes.c.kind).where(changes.c.noun == "service").order_by(changes.c.id)
        return [row["kind"] for row in self.database.read_now(lambda tx: tx.all(query))]


POLLED = NOON - timedelta(seconds=60)


async def test_the_first_poll_comes_when_the_first_interval_has_passed(database: Database) -> None:
    desk = Desk(database)
    follower = desk.follower()
    assert await follower.step() == 60.0
    assert desk.scripted.done == []
    assert desk.row().state is ServiceState.STARTING
    desk.at(60)
    assert await follower.step() == 60.0
    assert desk.scripted.done == ["poll"]
    row = desk.row()
    assert (row.state, row.polls) == (ServiceState.RUNNING, 1)
    assert row.polled_at == NOON + timedelta(seconds=60)
    assert row.next_poll_at == NOON + timedelta(seconds=120)


async def test_a_service_may_start_at_once(embedded: Database) -> None:
    desk = Desk(embedded)
    assert await desk.follower(start_at_once=True).step() == 60.0
    assert desk.scripted.done == ["poll"]


async def test_an_interval_of_its_own_counts_instead_of_the_installations(embedded: Database) -> None:
    desk = Desk(embedded)
    assert await desk.follower(interval="5 min", start_at_once=True).step() == 300.0


async def test_quiet_polls_are_written_together_and_news_at_once(database: Database) -> None:
    desk = Desk(database)
    follower = desk.follower(start_at_once=True)
    for number in range(4):
        desk.at(number * 60)
        await follower.step()
    assert desk.scripted.done == ["poll"] * 4
    assert desk.row().polls == 1
    assert await desk.beats.write() == 1
    row = desk.row()
    assert (row.polls, row.polled_at) == (4, NOON + timedelta(seconds=180))
    desk.at(240)
    desk.scripted.polls = [PollReport(row.id, versions=3, new=2, hits=1, misses=2, lag=7.5)]
    await follower.step()
    row = desk.row()
    assert (row.polls, row.hits, row.misses, row.lag) == (5, 1, 2, 7.5)
    assert await desk.beats.write() == 0


async def test_of_two_workers_only_one_polls_what_is_due(database: Database) -> None:
    if database.sqlite:
        pytest.skip("SQLite has one worker only.")
    desk = Desk(database)
    first = desk.follower(polled_at=POLLED, activated_at=POLLED)
    second = desk.follower()
    assert await first.step() == 60.0
    assert await second.step() == 60.0
    assert desk.scripted.done == ["poll"]
    # The first one is gone: the other takes over when the next poll is due.
    desk.at(60)
    await second.step()
    assert desk.scripted.done == ["poll", "poll"]


@pytest.mark.parametrize(("seconds_ago", "expected", "polls"), [(20, 40.0, 0), (60, 60.0, 1), (-500, 60.0, 1)])
async def test_what_was_polled_before_a_restart_is_left_until_it_is_due(
    embedded: Database, seconds_ago: int, expected: float, polls: int
) -> None:
    desk = Desk(embedded)
    polled_at = NOON - timedelta(seconds=seconds_ago)
    assert await desk.follower(polled_at=polled_at, activated_at=POLLED).step() == expected
    assert len(desk.scripted.done) == polls


async def test_failures_are_met_with_growing_pauses_and_forgotten_after_a_success(database: Database) -> None:
    desk = Desk(database)
    desk.scripted.polls = [Unreachable() for _ in range(8)]
    follower = desk.follower(start_at_once=True)
    waits, seconds = [], 0.0
    for _ in range(8):
        desk.at(seconds)
        waits.append(await follower.step())
        seconds += waits[-1]
    assert waits == [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, LONGEST_PAUSE, LONGEST_PAUSE]
    row = desk.row()
    assert (row.state, row.errors, row.failures) == (ServiceState.FAILED, 8, 8)
    assert row.state_reason == row.poll_error
    assert "Reading alerts failed" in row.poll_error
    desk.at(seconds)
    assert await follower.step() == 60.0
    assert (desk.row().state, desk.row().poll_error) == (ServiceState.RUNNING, "")
    desk.scripted.polls = [Unreachable()]
    desk.at(seconds + 60)
    assert await follower.step() == 5.0
    # Each change of state is one entry in the feed, however many polls fail.
    assert desk.states() == ["created", "degraded", "failed", "running", "degraded"]


@pytest.mark.parametrize(
    "error",
    [Throttled("later", retry_after=77.0), ServerError("later", retry_after=77.0), BudgetSpent("x", retry_after=77.0)],
    ids=["429", "503", "budget"],
)
async def test_a_tenant_that_names_a_pause_gets_it(embedded: Database, error: Exception) -> None:
    desk = Desk(embedded)
    desk.scripted.polls = [error, Throttled("soon", retry_after=1.0)]
    follower = desk.follower(start_at_once=True)
    assert await follower.step() == 77.0
    desk.at(77)
    assert await follower.step() == 10.0


async def test_waiting_for_the_budget_uses_up_no_restarts(embedded: Database) -> None:
    desk = Desk(embedded)
    desk.scripted.polls = [Throttled("later") for _ in range(6)]
    follower = desk.follower(start_at_once=True)
    seconds = 0.0
    for _ in range(6):
        desk.at(seconds)
        seconds += await follower.step()
    assert desk.row().state is ServiceState.DEGRADED
    assert desk.row().errors == 6


@pytest.mark.parametrize("state", [AccountState.FAILED, AccountState.PENDING])
async def test_an_account_that_is_not_proven_is_proven_before_it_is_read(
    embedded: Database, state: AccountState
) -> None:
    desk = Desk(embedded, state=state, state_reason="The secret has expired.")
    desk.scripted.proofs = [REFUSED, REFUSED, PROVEN]
    follower = desk.follower()
    assert [await follower.step() for _ in range(2)] == [5.0, 10.0]
    assert desk.row().poll_error == "No. Do this."
    assert await follower.step() == 60.0
    assert desk.scripted.done == ["prove", "prove", "prove", "poll"]
    assert desk.database.read_now(lambda tx: accounts.by_id(tx, desk.account.id)).state is AccountState.HEALTHY


async def test_an_error_of_our_own_is_kept_as_a_sentence(embedded: Database) -> None:
    desk = Desk(embedded)
    desk.scripted.polls = [AccountFailed(desk.account, "It has failed.", advice="Test it.")]
    assert await desk.follower(start_at_once=True).step() == 5.0
    assert desk.row().poll_error == "It has failed. Test it."


async def test_while_a_playbook_waits_for_an_alert_to_be_complete_it_is_polled_more_often(embedded: Database) -> None:
    desk = Desk(embedded)
    follower = desk.follower(start_at_once=True)
    desk.scripted.polls = [PollReport("", new=1, versions=1, awaited=True)]
    assert await follower.step() == awaiting.PAUSE
    follower.back_to = NOON
    desk.at(10)
    assert await follower.step() == awaiting.PAUSE
    follower.back_to = None
    desk.at(20)
    assert await follower.step() == 60.0


async def test_an_adaptive_service_polls_quickly_while_alerts_come_and_slower_when_none_do(embedded: Database) -> None:
    desk = Desk(embedded)
    follower = desk.follower(interval="adaptive", start_at_once=True)
    desk.scripted.polls = [PollReport("", new=1, versions=1, pages=1)]
    assert await follower.step() == pace.QUICK
    desk.at(3_000)
    assert await follower.step() == pace.REST


async def test_a_fault_that_nobody_foresaw_ends_nothing_and_is_shown(embedded: Database) -> None:
    desk = Desk(embedded)
    desk.settings = Settings(poll_interval=0.001)
    desk.scripted.polls = [ZeroDivisionError(), ZeroDivisionError()]
    clock.replace(None)
    task = asyncio.create_task(desk.follower().run())
    await desk.scripted.until(lambda: len(desk.scripted.done) >= 2)
    await desk.scripted.until(lambda: len(desk.scripted.done) >= 4)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert desk.row().errors == 2
    assert "degraded" in desk.states()


async def test_an_account_that_somebody_mended_is_looked_at_at_once(embedded: Database) -> None:
    desk = Desk(embedded, state=AccountState.FAILED)
    desk.scripted.proofs = [REFUSED]
    follower = desk.follower()
    # Nothing but being told can end this pause within the test.
    follower.failures = 20
    task = asyncio.create_task(follower.run())
    await desk.scripted.until(lambda: desk.scripted.done == ["prove"])
    desk.at(1)
    follower.notice(desk.row())
    desk.database.run_now(lambda tx: accounts.mark_proven(tx, desk.account.id, None))
    follower.notice(desk.row())
    await desk.scripted.until(lambda: desk.scripted.done == ["prove", "poll"])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_failure_does_not_cut_its_own_pause_short(embedded: Database) -> None:
    desk = Desk(embedded)
    desk.scripted.polls = [Unreachable()]
    follower = desk.follower(start_at_once=True)
    assert await follower.step() == 5.0
    desk.at(1)
    desk.database.run_now(lambda tx: accounts.mark_failed(tx, desk.account.id, "The secret has expired."))
    follower.notice(desk.row())
    assert not follower.is_woken


async def test_a_new_interval_counts_at_once(embedded: Database) -> None:
    desk = Desk(embedded)
    follower = desk.follower(interval="1 h", polled_at=POLLED, activated_at=POLLED)
    assert await follower.step() == 3540.0
    wanted = service.Wanted(interval="90 s")
    desk.database.run_now(lambda tx: service.edit(tx, desk.row(), wanted))
    desk.at(10)
    desk.database.run_now(lambda tx: service.edit(tx, desk.row(), wanted))
    follower.notice(desk.row())
    assert follower.is_woken
    assert await follower.step() == 20.0


async def test_all_services_are_followed_and_one_that_hangs_holds_up_no_other(embedded: Database) -> None:
    desk = Desk(embedded)
    clock.replace(None)
    desk.settings = Settings(poll_interval=0.001)
    fabrikam = a_stored_account(embedded, an_organization(embedded, "Fabrikam"), name="fabrikam")
    polled: list[str] = []
    enough, hanging = asyncio.Event(), asyncio.Event()

    class Slow:
        async def poll(self, service: Service, *, back_to: datetime | None = None) -> PollReport:
            polled.append(service.account_id)
            if service.account_id == desk.account.id:
                hanging.set()
                await asyncio.Event().wait()
            if polled.count(fabrikam.id) >= 3:
                enough.set()
            return PollReport(service.id)

    stop = asyncio.Event()
    loop = PollLoop(embedded, Slow(), desk.scripted, desk.settings)
    task = asyncio.create_task(loop.run_forever(stop))
    async with asyncio.timeout(90):
        await asyncio.gather(enough.wait(), hanging.wait())
        stop.set()
        await task
    assert polled.count(desk.account.id) == 1
    # What was quiet and not written yet is written at the end.
    assert the_service(embedded, fabrikam.id).polls >= 2


async def test_what_is_switched_on_later_is_found_and_what_is_switched_off_is_left(embedded: Database) -> None:
    desk = Desk(embedded, state=AccountState.DISABLED)
    clock.replace(None)
    desk.settings = Settings(poll_interval=0.001)
    stop = asyncio.Event()
    task = asyncio.create_task(PollLoop(embedded, desk.scripted, desk.scripted, desk.settings).run_forever(stop))
    await embedded.run(lambda tx: accounts.enable(tx, desk.account.id))
    await desk.scripted.until(lambda: "poll" in desk.scripted.done)
    assert desk.scripted.done[0] == "prove"
    row = desk.row()
    await embedded.run(lambda tx: service.pause(tx, row))
    assert desk.row().state is ServiceState.OFF
    stop.set()
    await task


async def test_services_that_cannot_be_listed_are_listed_again(embedded: Database) -> None:
    desk = Desk(embedded)
    clock.replace(None)
    desk.settings = Settings(poll_interval=0.001)
    embedded.run_now(lambda tx: tx.execute(sa.text("ALTER TABLE trigger_services RENAME TO elsewhere")))
    stop = asyncio.Event()
    task = asyncio.create_task(PollLoop(embedded, desk.scripted, desk.scripted, desk.settings).run_forever(stop))
    embedded.run_now(lambda tx: tx.execute(sa.text("ALTER TABLE elsewhere RENAME TO trigger_services")))
    await desk.scripted.until(lambda: "poll" in desk.scripted.done)
    stop.set()
    await task
