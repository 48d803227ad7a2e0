import asyncio
from datetime import timedelta

from accounts_samples import a_stored_account, an_organization
from ringfence import clock
from ringfence.accounts import records
from ringfence.accounts.checking import Checker
from ringfence.accounts.model import AccountState
from ringfence.accounts.proof import Report
from ringfence.errors import NotFound
from ringfence.storage import Database


class Proofs:
    """Proofs that end as told, and a note of each."""

    def __init__(self, *ends: Exception | None) -> None:
        self.ends = list(ends)
        self.asked: list[str] = []

    async def prove(self, account_id: str) -> Report:
        self.asked.append(account_id)
        end = self.ends.pop(0) if self.ends else None
        if end is not None:
            raise end
        return Report(())


async def test_what_is_due_is_checked_by_one_worker_only_and_not_again_before_its_time(database: Database) -> None:
    account = a_stored_account(database, an_organization(database))
    later = a_stored_account(
        database, account.organization_id, name="later", check_due_at=clock.now() + timedelta(hours=1)
    )
    off = a_stored_account(database, account.organization_id, name="off", state=AccountState.DISABLED)
    proofs = Proofs()
    workers = [Checker(database, proofs) for _ in range(3)]
    assert sum(await asyncio.gather(*(each.look() for each in workers))) == 1
    assert proofs.asked == [account.id]
    assert await workers[0].look() == 0
    database.run_now(lambda tx: records.hurry(tx, later.id))
    assert await workers[0].look() == 1
    assert off.id not in proofs.asked


async def test_a_check_that_fails_by_itself_ends_nothing(embedded: Database) -> None:
    account = a_stored_account(embedded, an_organization(embedded))
    gone = NotFound("The master key is gone.", advice="Restore it.")
    proofs = Proofs(RuntimeError("a bug"), gone)
    checker = Checker(embedded, proofs)
    assert await checker.look() == 1
    assert embedded.read_now(lambda tx: records.by_id(tx, account.id)).state is AccountState.HEALTHY
    embedded.run_now(lambda tx: records.hurry(tx, account.id))
    assert await checker.look() == 1
    failed = embedded.read_now(lambda tx: records.by_id(tx, account.id))
    assert (failed.state, failed.state_reason) == (AccountState.FAILED, "The master key is gone. Restore it.")


async def test_it_runs_until_it_is_stopped(embedded: Database) -> None:
    stop = asyncio.Event()

    class Stopping(Proofs):
        async def prove(self, account_id: str) -> Report:
            stop.set()
            return await super().prove(account_id)

    a_stored_account(embedded, an_organization(embedded))
    proofs = Stopping()
    async with asyncio.timeout(60):
        await Checker(embedded, proofs).run_forever(stop)
    assert len(proofs.asked) == 1
