"""Budgets in the database: nobody spends what another has spent, whatever breaks in between."""

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import pytest
import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization
from ringfence import clock
from ringfence.accounts import budgets
from ringfence.accounts.budgets import StoredBudgets
from ringfence.defender import OPERATIONS, BudgetSpent, CallBudget, Ledger, Limits, Priority, ledger_key, priority
from ringfence.defender.catalogue import Api
from ringfence.errors import Unavailable
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import call_budgets

T = TypeVar("T")
NOW = 1_800_000_000.0
READ = OPERATIONS["get_machine"]
FREE = OPERATIONS["unisolate_machine"]
KEY = ledger_key(Api.MDE, "contoso.com", "app-1")

# What a process of its own does: it spends until nothing is left, and prints how much it got.
SPENDER: Final = """
import asyncio, sys
from ringfence import clock
from ringfence.accounts.budgets import StoredBudgets
from ringfence.defender import OPERATIONS, BudgetSpent, CallBudget
from ringfence.storage import Database
import sqlalchemy as sa

async def spend(database):
    budget = CallBudget(StoredBudgets(database), "contoso.com", "app-1")
    for count in range(1000):
        try:
            await budget.spend(OPERATIONS["unisolate_machine"], patience=0.0)
        except BudgetSpent:
            return count

clock.replace(lambda: 1_800_000_000.0)
database = Database(sa.make_url(sys.argv[1]), threads=2)
print(asyncio.run(spend(database)))
database.close()
"""


@pytest.fixture(autouse=True)
def _noon() -> None:
    clock.replace(lambda: NOW)


def budget_of(database: Database) -> CallBudget:
    return CallBudget(StoredBudgets(database), "contoso.com", "app-1", chance=lambda: 0.0)


async def until_refused(budget: CallBudget) -> int:
    for count in range(2000):
        try:
            await budget.spend(READ, patience=0.0)
        except BudgetSpent:
            return count
    raise AssertionError("the budget has no end")


async def spent(database: Database) -> int:
    return (await budget_of(database).left())[0].spent


async def test_a_restart_renews_nothing(database: Database) -> None:
    assert await until_refused(budget_of(database)) == 70
    again = Database(database.url, threads=2)
    assert await until_refused(budget_of(again)) == 0
    await budget_of(again).spend(FREE, patience=0.0)
    again.close()
    assert await spent(database) == 71


def test_threads_that_hammer_at_once_get_no_more_than_the_window_grants_together(database: Database) -> None:
    """Several event loops, each with connections of its own, as several workers have them."""
    got: list[int] = []

    def hammer() -> None:
        mine = Database(database.url, threads=2)

        async def run() -> int:
            budgets = [budget_of(mine) for _ in range(3)]
            return sum(await asyncio.gather(*(until_refused(each) for each in budgets)))

        got.append(asyncio.run(run()))
        mine.close()

    threads = [threading.Thread(target=hammer) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 4
    assert sum(got) == 70
    assert asyncio.run(spent(database)) == 70


def test_processes_share_what_is_granted(database: Database) -> None:
    address = database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", SPENDER, address]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONWARNINGS": "error"})
        for _ in range(2)
    ]
    counts = [int(process.communicate()[0]) for process in running]
    assert sum(counts) == 100


async def test_a_transaction_that_is_lost_spends_nothing_and_gives_nobody_credit(database: Database) -> None:
    class Cut(Database):
        """Loses every other transaction at the moment of its commit."""

        count = 0

        def run_now(self, work: Callable[[Transaction], T]) -> T:
            def cut(tx: Transaction) -> T:
                result = work(tx)
                self.count += 1
                if self.count % 2:
                    raise sa.exc.OperationalError("COMMIT", {}, OSError("the connection is gone"))
                return result

            return super().run_now(cut)

    cut = Cut(database.url, threads=2)
    granted = refused = 0
    for _ in range(60):
        try:
            await budget_of(cut).spend(READ, patience=0.0)
            granted += 1
        except Unavailable:
            refused += 1
    cut.close()
    assert (granted, refused) == (30, 30)
    assert await spent(database) == 30


async def test_without_a_database_nothing_is_granted_and_the_error_says_so(embedded: Database) -> None:
    embedded.run_now(lambda tx: tx.execute(sa.text("DROP TABLE call_budgets")))
    with pytest.raises(Unavailable, match="nothing is sent"):
        await budget_of(embedded).spend(FREE, patience=0.0)
    with pytest.raises(Unavailable, match="cannot be read"):
        await budget_of(embedded).left()


async def test_a_call_that_is_given_up_meanwhile_is_counted_rather_than_forgotten(database: Database) -> None:
    asked = asyncio.create_task(budget_of(database).spend(READ, patience=0.0))
    await asyncio.sleep(0)
    asked.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asked
    # The thread that has the transaction ends it, whoever waits for it; the next one queues behind it.
    await budget_of(database).spend(READ, patience=0.0)
    assert 1 <= await spent(database) <= 2


async def test_a_refused_call_writes_nothing(database: Database) -> None:
    await until_refused(budget_of(database))
    query = sa.select(call_budgets.c.changed_at).where(call_budgets.c.key == KEY)
    clock.replace(lambda: NOW + 0.5)
    with pytest.raises(BudgetSpent):
        await budget_of(database).spend(READ, patience=0.0)
    assert database.read_now(lambda tx: tx.scalar(query)).timestamp() == NOW


async def test_a_ledger_that_cannot_be_read_counts_from_nothing(database: Database) -> None:
    row = {"key": KEY, "ledger": "{}", "changed_at": clock.now()}
    database.run_now(lambda tx: tx.execute(sa.insert(call_budgets), row))
    await budget_of(database).spend(READ, patience=0.0)
    assert await spent(database) == 1


async def test_ledgers_in_which_nothing_can_count_any_more_are_swept_when_a_new_one_begins(database: Database) -> None:
    old = [
        {"key": f"mde:{name}", "ledger": Ledger().dump(), "changed_at": clock.now() - timedelta(hours=hours)}
        for name, hours in (("gone", 3), ("kept", 1))
    ]
    database.run_now(lambda tx: tx.execute(sa.insert(call_budgets), old))
    await budget_of(database).spend(READ, patience=0.0)
    keys = database.read_now(lambda tx: tx.execute(sa.select(call_budgets.c.key)).scalars().all())
    assert sorted(keys) == ["mde:contoso.com:app-1", "mde:kept"]


async def test_what_is_left_is_told_by_account_whoever_spent_it(database: Database) -> None:
    organization = an_organization(database)
    account = a_stored_account(database, organization, tenant_id="CONTOSO.com", client_id="app-1")
    other = a_stored_account(database, organization, name="other", tenant_id="contoso.com", client_id="app-2")
    with priority(Priority.CONTAIN):
        await budget_of(database).spend(READ, patience=0.0)
    await budget_of(database).refused(READ, 30.0)
    minute = database.read_now(lambda tx: budgets.left(tx, account))[0]
    assert (minute.api, minute.operation, minute.calls, minute.seconds, minute.spent) == ("mde", None, 100, 60, 1)
    assert minute.left == {"release": 99, "contain": 89, "confirm": 79, "ingest": 74, "enrich": 69}
    assert minute.closed_until == datetime.fromtimestamp(NOW + 30, UTC)
    assert database.read_now(lambda tx: budgets.left(tx, other))[0].spent == 0
    assert {each.api for each in database.read_now(lambda tx: budgets.left(tx, other))} == {"mde", "xdr", "graph"}
    more = database.read_now(lambda tx: budgets.left(tx, other, limits=Limits(times=10)))
    assert (more[0].calls, more[0].left["enrich"]) == (1000, 700)
