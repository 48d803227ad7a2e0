import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization
from alert_samples import NOON
from ringfence import clock
from ringfence.accounts import records
from ringfence.accounts.model import Account, AccountFailed, AccountState
from ringfence.accounts.proof import Check, Report
from ringfence.defender import ServerError, Throttled, Unreachable
from ringfence.ingestion.loop import LONGEST_PAUSE, Follower, PollLoop, pause
from ringfence.ingestion.poller import PollReport
from ringfence.settings import Settings
from ringfence.storage import Database
from ringfence.storage.tables import accounts

PROVEN = Report((Check("sign-in", True, "Yes."),))
REFUSED = Report((Check("sign-in", False, "No.", "Do this."),))


class Scripted:
    """Polls and proofs that end as told, and a note of each."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.done: list[str] = []
        self.polls: list[Exception | None] = []
        self.proofs: list[Report] = []
        self.happened = asyncio.Event()

    async def poll(self, account_id: str) -> PollReport:
        self._note(f"poll {account_id}")
        error = self.polls.pop(0) if self.polls else None
        if error is not None:
            raise error
        return PollReport(account_id)

    async def prove(self, account_id: str) -> Report:
        self._note(f"prove {account_id}")
        report = self.proofs.pop(0) if self.proofs else PROVEN
        if report.ok:
            await self.database.run(lambda tx: records.mark_proven(tx, account_id, None))
        return report

    def _note(self, what: str) -> None:
        self.done.append(what.split()[0])
        self.happened.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self.happened.clear()
                await self.happened.wait()


class Desk:
    def __init__(self, database: Database, **account: object) -> None:
        self.database = database
        clock.replace(NOON.timestamp)
        self.account: Account = a_stored_account(database, an_organization(database), **account)
        self.scripted = Scripted(database)
        self.settings = Settings(poll_interval=60.0)

    def follower(self, *, at_once: bool = True) -> Follower:
        return Follower(
            self.account.id,
            self.database,
            self.scripted,
            self.scripted,
            self.settings,
            at_once=at_once,
            chance=lambda: 0.5,
        )

    def row(self) -> Account:
        return self.database.read_now(lambda tx: records.by_id(tx, self.account.id))


async def test_a_healthy_account_is_polled_at_each_interval(embedded: Database) -> None:
    desk = Desk(embedded)
    follower = desk.follower()
    assert await follower.step() == 60.0
    assert await follower.step() == 60.0
    assert desk.scripted.done == ["poll", "poll"]


@pytest.mark.parametrize(
    ("seconds_ago", "expected", "polls"), [(20, 40.0, 0), (60, 60.0, 1), (57, 60.0, 1), (-500, 60.0, 1)]
)
async def test_an_account_that_another_worker_polled_is_left_until_it_is_due(
    embedded: Database, seconds_ago: int, expected: float, polls: int
) -> None:
    desk = Desk(embedded, polled_at=NOON - timedelta(seconds=seconds_ago))
    assert await desk.follower(at_once=False).step() == expected
    assert len(desk.scripted.done) == polls


async def test_an_account_may_be_polled_at_once_after_a_start(embedded: Database) -> None:
    desk = Desk(embedded, polled_at=NOON)
    follower = desk.follower(at_once=True)
    assert await follower.step() == 60.0
    assert await follower.step() == 60.0
    assert desk.scripted.done == ["poll"]


async def test_failures_are_met_with_growing_pauses_and_forgotten_after_a_success(embedded: Database) -> None:
    desk = Desk(embedded)
    desk.scripted.polls = [Unreachable() for _ in range(8)]
    follower = desk.follower()
    waits = [await follower.step() for _ in range(8)]
    assert waits == [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, LONGEST_PAUSE, LONGEST_PAUSE]
    assert await follower.step() == 60.0
    desk.scripted.polls = [Unreachable()]
    assert await follower.step() == 5.0


@pytest.mark.parametrize(
    "error", [Throttled("later", retry_after=77.0), ServerError("later", retry_after=77.0)], ids=["429", "503"]
)
async def test_a_service_that_names_a_pause_gets_it(embedded: Database, error: Exception) -> None:
    desk = Desk(embedded)
    desk.scripted.polls = [error, Throttled("soon", retry_after=1.0)]
    follower = desk.follower()
    assert await follower.step() == 77.0
    assert await follower.step() == 10.0


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
    assert desk.row().state is AccountState.HEALTHY


async def test_an_error_of_our_own_is_kept_as_a_sentence(embedded: Database) -> None:
    desk = Desk(embedded)
    desk.scripted.polls = [AccountFailed(desk.account, "It has failed.", advice="Test it.")]
    assert await desk.follower().step() == 5.0
    assert desk.row().poll_error == "It has failed. Test it."


async def test_an_account_that_is_switched_off_or_gone_is_no_longer_followed(embedded: Database) -> None:
    desk = Desk(embedded, state=AccountState.DISABLED)
    assert await desk.follower().step() is None
    embedded.run_now(lambda tx: tx.execute(sa.delete(accounts)))
    assert await desk.follower().step() is None
    assert desk.scripted.done == []


async def test_a_fault_that_nobody_foresaw_ends_nothing(embedded: Database) -> None:
    desk = Desk(embedded)
    desk.settings = Settings(poll_interval=0.001)
    desk.scripted.polls = [ZeroDivisionError(), None, ZeroDivisionError()]
    task = asyncio.create_task(desk.follower().run())
    await desk.scripted.until(lambda: len(desk.scripted.done) >= 4)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


async def test_an_account_that_somebody_mended_is_looked_at_at_once(embedded: Database) -> None:
    desk = Desk(embedded, state=AccountState.FAILED)
    desk.scripted.proofs = [REFUSED]
    follower = desk.follower()
    # Nothing but being told can end this pause within the test.
    follower.failures = 20
    task = asyncio.create_task(follower.run())
    await desk.scripted.until(lambda: desk.scripted.done == ["prove"])
    clock.replace((NOON + timedelta(seconds=1)).timestamp)
    follower.notice(desk.row())
    desk.database.run_now(lambda tx: records.mark_proven(tx, desk.account.id, None))
    follower.notice(desk.row())
    await desk.scripted.until(lambda: desk.scripted.done == ["prove", "poll"])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_failure_does_not_cut_its_own_pause_short(embedded: Database) -> None:
    desk = Desk(embedded)
    desk.scripted.polls = [Unreachable()]
    follower = desk.follower()
    task = asyncio.create_task(follower.run())
    await desk.scripted.until(lambda: desk.scripted.done == ["poll"])
    clock.replace((NOON + timedelta(seconds=1)).timestamp)
    desk.database.run_now(lambda tx: records.mark_failed(tx, desk.account.id, "The secret has expired."))
    follower.notice(desk.row())
    assert not follower.is_woken
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_all_accounts_are_followed_and_one_that_hangs_holds_up_no_other(embedded: Database) -> None:
    desk = Desk(embedded)
    desk.settings = Settings(poll_interval=0.001)
    fabrikam = a_stored_account(embedded, an_organization(embedded, "Fabrikam"), name="fabrikam")
    polled: list[str] = []
    enough, hanging = asyncio.Event(), asyncio.Event()

    class Slow:
        async def poll(self, account_id: str) -> PollReport:
            polled.append(account_id)
            if account_id == desk.account.id:
                hanging.set()
                await asyncio.Event().wait()
            if polled.count(fabrikam.id) >= 3:
                enough.set()
            return PollReport(account_id)

    stop = asyncio.Event()
    loop = PollLoop(embedded, Slow(), desk.scripted, desk.settings)
    task = asyncio.create_task(loop.run_forever(stop))
    async with asyncio.timeout(20):
        await asyncio.gather(enough.wait(), hanging.wait())
        stop.set()
        await task
    assert polled.count(desk.account.id) == 1


async def test_an_account_that_is_switched_on_later_is_found(embedded: Database) -> None:
    desk = Desk(embedded, state=AccountState.DISABLED)
    desk.settings = Settings(poll_interval=0.001)
    stop = asyncio.Event()
    task = asyncio.create_task(PollLoop(embedded, desk.scripted, desk.scripted, desk.settings).run_forever(stop))
    await embedded.run(lambda tx: records.enable(tx, desk.account.id))
    await desk.scripted.until(lambda: "poll" in desk.scripted.done)
    assert desk.scripted.done[0] == "prove"
    stop.set()
    await task


async def test_a_pause_ends_with_its_reason_or_its_time() -> None:
    event = asyncio.Event()
    event.set()
    await pause(event.wait(), 1_000)
    await pause(asyncio.Event().wait(), 0.0)
