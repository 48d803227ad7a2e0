"""Rows that drivers claim: take what is due, write it while it is theirs, give it back.

Such a table has the columns `id`, `state`, `detail`, `fence`, `lease_owner`, `lease_until` and `next_at`. Each claim raises the
fence number, and each write checks it, so that a driver that lost its lease cannot write over the one that took over.

While a driver has a row, `next_at` equals `lease_until`. Whoever wants the row looked at sooner sets `next_at`; that it
differs then tells the driver, when it gives the row back, that somebody asked meanwhile.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Generic, Protocol, TypeVar

import sqlalchemy as sa

from ringfence import clock
from ringfence.errors import LeaseLost
from ringfence.storage.columns import storable
from ringfence.storage.database import Transaction

LEASE: Final = 60.0
"""Seconds for which a claimed row is the claiming driver's; each write of it begins them anew."""


class Driven(Protocol):
    """What is read of such a row."""

    @property
    def id(self) -> str: ...
    @property
    def organization_id(self) -> str: ...
    @property
    def state(self) -> StrEnum: ...
    @property
    def detail(self) -> str: ...
    @property
    def fence(self) -> int: ...


R = TypeVar("R", bound=Driven)


@dataclass(frozen=True)
class Claims(Generic[R]):
    """The claims of one table, whose rows are called `noun` and are read by `read`.

    `over` says that nothing more will happen to a row, `first` which rows go before the others at a moment, and `early`, where
    there is such a thing, which are due before their time.
    """

    table: sa.Table
    noun: str
    read: Callable[[sa.RowMapping], R]
    over: Callable[[R], bool]
    first: Callable[[datetime], sa.ColumnElement[bool]]
    early: Callable[[], sa.ColumnElement[bool]] | None = None

    def mine(self, tx: Transaction, row: R) -> R:
        """Lock a claimed row and return it as it is now; raise LeaseLost if another driver has it."""
        found = tx.one(sa.select(self.table).where(self.table.c.id == row.id).with_for_update())
        if found is None or found["fence"] != row.fence:
            raise self._lost(row)
        return self.read(found)

    def current(self, tx: Transaction, row: R) -> R | None:
        """Lock a claimed row and return it as it is now; None if another driver has it or it is over."""
        try:
            fresh = self.mine(tx, row)
        except LeaseLost:
            return None
        return None if self.over(fresh) else fresh

    def claim_due(
        self, tx: Transaction, *, owner: str, lease: float = LEASE, limit: int = 50, first_only: bool = False
    ) -> list[R]:
        """Take the rows whose time has come and that nobody drives; `lease` in seconds."""
        now = clock.now()
        until = now + timedelta(seconds=lease)
        columns, first = self.table.c, self.first(now)
        come = columns.next_at <= now
        ready = (
            columns.next_at.is_not(None),
            come if self.early is None else sa.or_(come, self.early()),
            sa.or_(columns.lease_until.is_(None), columns.lease_until <= now),
            *([first] if first_only else []),
        )
        due = tx.all(
            sa.select(columns.id)
            .where(*ready)
            .order_by(sa.case((first, 0), else_=1), columns.next_at, columns.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        mine = {"lease_owner": owner, "lease_until": until, "next_at": until, "fence": columns.fence + 1}
        taken = [
            row["id"]
            for row in due
            if tx.execute(sa.update(self.table).where(columns.id == row["id"], *ready).values(mine)).rowcount
        ]
        return [self._get(tx, row_id) for row_id in taken]

    def free_leases(self, tx: Transaction, owner: str) -> int:
        """Give back what a dead driver held; should it live after all, it can write nothing more."""
        free = {"lease_owner": None, "lease_until": None, "next_at": clock.now(), "fence": self.table.c.fence + 1}
        return tx.execute(sa.update(self.table).where(self.table.c.lease_owner == owner).values(free)).rowcount

    def next_due(self, tx: Transaction, *, first_only: bool = False) -> datetime | None:
        """Return when the next row can be claimed."""
        columns, now = self.table.c, clock.now()
        free: sa.ColumnElement[Any] = columns.next_at
        if self.early is not None:
            free = sa.case((self.early(), sa.literal(now, columns.next_at.type)), else_=free)
        claimable = sa.case((columns.lease_until > free, columns.lease_until), else_=free)
        wanted = [columns.next_at.is_not(None), *([self.first(now)] if first_only else [])]
        found = tx.one(sa.select(claimable.label("at")).where(*wanted).order_by(claimable).limit(1))
        return found["at"] if found else None

    def move(self, tx: Transaction, row: R, after: StrEnum, detail: str, *, over: bool, **values: Any) -> R:
        """Write a claimed row's next state; raise LeaseLost if another driver has it now. What is `over` is claimed no more."""
        if over:
            ends = {"live_key": None, "next_at": None, "lease_owner": None, "lease_until": None}
            values |= {**ends, "finished_at": clock.now()}
        else:
            values |= self._lease_anew()
        where = self.table.c.state == row.state.value
        self._write(tx, row, {**values, "state": after.value, "detail": storable(detail)}, where)
        return self._get(tx, row.id)

    def note(self, tx: Transaction, row: R, **values: Any) -> R:
        """Write facts about a claimed row that are no move; raise LeaseLost if another driver has it now."""
        self._write(tx, row, values | self._lease_anew())
        return self._get(tx, row.id)

    def rest(self, tx: Transaction, row: R, *, until: datetime | None, detail: str | None = None) -> None:
        """Give a claimed row back, to be looked at again at `until`, or sooner if somebody asked meanwhile."""
        values: dict[str, Any] = {"lease_owner": None, "lease_until": None, "next_at": self._unless_asked(until)}
        if detail is not None:
            values["detail"] = storable(detail)
        where = (self.table.c.id == row.id, self.table.c.fence == row.fence)
        changed = tx.execute(sa.update(self.table).where(*where).values(values)).rowcount
        if changed and detail is not None and detail != row.detail:
            tx.changed(row.organization_id, self.noun, row.id, "detail")

    def _write(self, tx: Transaction, row: R, values: dict[str, Any], *more: sa.ColumnElement[bool]) -> None:
        where = (self.table.c.id == row.id, self.table.c.fence == row.fence, *more)
        if not tx.execute(sa.update(self.table).where(*where).values(values)).rowcount:
            raise self._lost(row)

    def _get(self, tx: Transaction, row_id: str) -> R:
        found = tx.one(sa.select(self.table).where(self.table.c.id == row_id))
        assert found is not None
        return self.read(found)

    def _lost(self, row: R) -> LeaseLost:
        return LeaseLost(f"The {self.noun} {row.id} is driven by another worker now.")

    def _unless_asked(self, moment: datetime | None) -> sa.ColumnElement[datetime]:
        columns = self.table.c
        # Somebody set next_at while the row was claimed, or the row is not claimed at all.
        asked = sa.and_(
            columns.next_at.is_not(None), sa.or_(columns.lease_until.is_(None), columns.next_at != columns.lease_until)
        )
        return sa.case((asked, columns.next_at), else_=sa.literal(moment, columns.next_at.type))

    def _lease_anew(self) -> dict[str, Any]:
        until = clock.now() + timedelta(seconds=LEASE)
        return {"lease_until": until, "next_at": self._unless_asked(until)}
