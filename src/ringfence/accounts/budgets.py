"""The call budgets of all accounts: one row for each API of an application in a tenant, shared by all workers.

Each call takes its credit in a transaction of its own. That costs 1 ms of CPU time on SQLite and 2.5 ms on PostgreSQL, 0.6
of them in its server (`python -m bench budget`); since a tenant grants 1,500 calls an hour, it is 2 to 4 seconds of CPU time
an hour. Lending workers credit in batches would save some of that, and would let a worker that dies take its batch along,
and a release wait while its credit lies unused with another worker.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from ringfence import clock
from ringfence.accounts.model import Account
from ringfence.defender import Api, Ledger, Left, Limits, ledger_key, windows_left
from ringfence.errors import Unavailable
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import call_budgets

T = TypeVar("T")
Step = Callable[[Ledger], tuple[Ledger, T]]

_FORGOTTEN_AFTER: Final = timedelta(hours=2)
"""No window and no closed way lasts longer than an hour."""
_READ: Final = sa.select(call_budgets.c.ledger).where(call_budgets.c.key == sa.bindparam("of"))
_LOCK: Final = _READ.with_for_update()
_WRITE: Final = sa.update(call_budgets).where(call_budgets.c.key == sa.bindparam("of"))


class StoredBudgets:
    """The `BudgetStore` of an installation; Unavailable while the database cannot be used, and then nothing is sent."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def change(self, key: str, step: Step[T]) -> T:
        """Change a ledger under a lock; the result counts only if the change was committed."""
        try:
            return await self._database.run(lambda tx: _change(tx, key, step))
        except DBAPIError as error:
            raise _unavailable() from error

    async def read(self, key: str) -> Ledger:
        """Return a ledger."""
        try:
            return await self._database.read(lambda tx: _read(tx, key))
        except DBAPIError as error:
            raise _unavailable() from error


@dataclass(frozen=True, slots=True)
class Budget:
    """One window of an account's budget, for people and programs: at most `calls` within any `seconds`.

    `operation` is the one that the window is for, None where all operations of the API share it. `left` is by purpose:
    release, contain, confirm, ingest, enrich. `closed_until` is when Microsoft lets calls through again after a 429.
    """

    api: str
    operation: str | None
    calls: int
    seconds: int
    spent: int
    left: dict[str, int]
    closed_until: datetime | None


def left(tx: Transaction, account: Account, *, limits: Limits | None = None) -> list[Budget]:
    """Return what is left of an account's budgets: the common windows of each API, and others that are in use."""
    found: list[Left] = []
    for api in Api:
        ledger = _read(tx, ledger_key(api, account.tenant_id, account.client_id))
        found += windows_left(api, ledger, limits=limits or Limits())
    return [_budget(each) for each in found]


def left_of(tx: Transaction, applications: Collection[tuple[str, str]]) -> dict[tuple[str, str], list[Budget]]:
    """Return what is left of the budgets of many applications, by tenant and client id, with one look at the database."""
    keys = {(api, each): ledger_key(api, *each) for each in applications for api in Api}
    query = sa.select(call_budgets.c.key, call_budgets.c.ledger).where(call_budgets.c.key.in_(set(keys.values())))
    ledgers = {row["key"]: Ledger.load(row["ledger"]) for row in tx.all(query)}
    found: dict[tuple[str, str], list[Budget]] = {each: [] for each in applications}
    for (api, each), key in keys.items():
        found[each] += map(_budget, windows_left(api, ledgers.get(key, Ledger()), limits=Limits()))
    return found


def _budget(window: Left) -> Budget:
    return Budget(
        api=window.api.value,
        operation=window.operation,
        calls=window.calls,
        seconds=window.seconds,
        spent=window.spent,
        left={purpose.name.lower(): calls for purpose, calls in window.left.items()},
        closed_until=datetime.fromtimestamp(window.closed_until, UTC) if window.closed_until else None,
    )


def _read(tx: Transaction, key: str) -> Ledger:
    row = tx.one(_READ, {"of": key})
    return Ledger() if row is None else Ledger.load(row["ledger"])


def _change(tx: Transaction, key: str, step: Step[T]) -> T:
    row = tx.one(_LOCK, {"of": key})
    if row is None:
        now = clock.now()
        tx.execute(sa.delete(call_budgets).where(call_budgets.c.changed_at < now - _FORGOTTEN_AFTER))
        tx.insert_new(call_budgets, [{"key": key, "ledger": Ledger().dump(), "changed_at": now}])
        row = tx.one(_LOCK, {"of": key})
        assert row is not None, "it was inserted, here or by somebody who was quicker"
    before = Ledger.load(row["ledger"])
    after, result = step(before)
    if after is not before:
        tx.execute(_WRITE, {"of": key, "ledger": after.dump(), "changed_at": clock.now()})
    return result


def _unavailable() -> Unavailable:
    return Unavailable(
        "The call budget cannot be read or written, so nothing is sent.", advice="See whether the database can be used."
    )
