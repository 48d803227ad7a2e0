"""The way to the alerts that fit, short also where a million are stored.

PostgreSQL knows how its rows are spread and finds the way itself, led only to the few that hold a text. SQLite does not, and is
led: along the index of words where few fit, along the index of texts where a text is looked for, and else from the newest one
on, until a page is full.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from itertools import chain, islice, repeat
from typing import Any, Final

import sqlalchemy as sa

from ringfence.storage import Transaction, searching
from ringfence.storage.columns import Moment, not_by, storable
from ringfence.storage.tables import accounts, alerts

COUNTED: Final = 10_000
"""So many are counted; where there are more, nobody waits for the number."""
COUNTED_TEXTS: Final = 1_000
"""And so many where the index of texts led to them."""
NEWEST: Final = 10_000
"""A text that is too short for the index of texts is looked for in so many alerts, the newest."""
_PIECES: Final = (250, 1_000, 4_000)
_OTHERS: Final = 40
_ID: Final = 12
_LAST: Final = "\U0010ffff"

Place = tuple[datetime, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which alerts: any of the words of each list, and both texts; what is empty lets everything through.

    `text` is part of a title or of a machine's name, or Defender's alert id, of which the first twelve letters are enough;
    `machine` is a machine's id or its name.
    """

    severity: Sequence[str] = ()
    status: Sequence[str] = ()
    category: Sequence[str] = ()
    text: str = ""
    machine: str = ""

    @property
    def words(self) -> bool:
        """Whether any word is asked for."""
        return bool(self.severity or self.status or self.category)


@dataclass(frozen=True, slots=True)
class Total:
    """How many there are; with `more`, at least so many and nobody counted on."""

    many: int
    more: bool = False

    def __str__(self) -> str:
        return f"{self.many:,}{'+' if self.more else ''}"


def _clean(filters: Filters) -> Filters:
    return replace(
        filters,
        severity=[storable(word) for word in filters.severity],
        status=[storable(word) for word in filters.status],
        category=[storable(word) for word in filters.category],
        text=storable(filters.text.strip()),
        machine=storable(filters.machine.strip()),
    )


class Search:
    """One question to the queue; what was found on the way to its rows is kept for their number."""

    def __init__(self, tx: Transaction, organization_id: str, filters: Filters) -> None:
        self._tx = tx
        self._filters = _clean(filters)
        self._organization_id = organization_id
        self._own = alerts.c.organization_id == organization_id
        self._led = tx.dialect == "sqlite"
        self._look = searching.Look(tx, searching.ALERTS, self._filters.text)
        self._indexed = self._look.possible
        self._begun = False
        self._every: int | None = None

    @property
    def reach(self) -> int | None:
        """In how many of the newest alerts the text is looked for, None for all of them."""
        return NEWEST if 0 < len(self._filters.text) < searching.SHORTEST else None

    def rows(self, limit: int, below: Place | None = None) -> Sequence[sa.RowMapping]:
        """Return up to `limit` alerts that fit, newest first, from a place in that order on."""
        found = self._rows(limit, below)
        if below is None and len(found) < limit:
            self._every = len(found)
        return found

    def _rows(self, limit: int, below: Place | None) -> Sequence[sa.RowMapping]:
        place = [] if below is None else [_after(below)]
        if not self._led:
            return self._read(sa.and_(self._own, *self._conditions(), *place, *self._holding), limit)
        if self._few is not None:
            found = self._among(*self._text, *place).order_by(*_newest(apart=True)).limit(limit)
        elif self._indexed:
            return self._by_text(limit, below)
        else:
            found = self._ids(*self._loose(), *self._text, *place).order_by(*_newest()).limit(limit)
        return self._read(alerts.c.id.in_(found), limit)

    def total(self) -> Total:
        """Count the alerts that fit, up to a bound."""
        if self._every is not None:
            # All of them were found on the first page.
            return Total(self._every)
        if not self._led:
            bound = (
                COUNTED_TEXTS if len(self._filters.text) >= searching.SHORTEST and not self._filters.words else COUNTED
            )
            return self._bounded(self._ids(*self._conditions(), *self._holding), bound)
        if self._few is not None:
            return self._bounded(self._among(*self._text), COUNTED)
        if not self._indexed:
            if self._filters.words and not self._filters.text:
                # That there are more is why they were not called few.
                return Total(COUNTED, more=True)
            return self._bounded(self._ids(*self._loose(), *self._text), COUNTED)
        many = 0
        for numbers in self._pieces(None):
            many += self._count(sa.select(alerts.c.id).where(self._of(numbers)))
            if many > COUNTED_TEXTS:
                break
        return Total(min(many, COUNTED_TEXTS), more=many > COUNTED_TEXTS)

    @cached_property
    def _holding(self) -> list[sa.ColumnElement[bool]]:
        """What leads PostgreSQL to the alerts that may fit the text, where they are few."""
        text = self._filters.text
        found = searching.few(self._tx, searching.ALERTS, self._organization_id, text, limit=COUNTED_TEXTS)
        if found is None or not text:
            return []
        # One list, and no `or`, beside which PostgreSQL goes through all alerts in their order.
        begun = self._tx.execute(self._begun_so().limit(COUNTED_TEXTS)).scalars().all()
        return [alerts.c.id.in_(sorted({*found, *begun}))] if len(begun) < COUNTED_TEXTS else []

    def _by_text(self, limit: int, below: Place | None) -> Sequence[sa.RowMapping]:
        """Look through what may hold the text, the newest first, until there are enough."""
        found: list[sa.RowMapping] = []
        for numbers in self._pieces(self._number(below)):
            found += self._read(self._of(numbers), limit - len(found))
            if len(found) == limit:
                break
        return found

    def _pieces(self, below: int | None) -> Iterator[list[int]]:
        """Yield the numbers of alerts that may hold the text, the newest first, more of them each time."""
        for size in chain(_PIECES, repeat(_PIECES[-1])):
            if (below, size) not in self._known:
                self._known[below, size] = self._look.some(below=below, limit=size)
            numbers = self._known[below, size]
            if numbers:
                yield numbers
            if len(numbers) < size:
                return
            below = numbers[-1]

    @cached_property
    def _known(self) -> dict[tuple[int | None, int], list[int]]:
        return {}

    def _of(self, numbers: list[int]) -> sa.ColumnElement[bool]:
        loosely_own = not_by(alerts.c.organization_id) == self._organization_id
        return sa.and_(
            alerts.c.id.in_(searching.ids_of(searching.ALERTS, numbers)), loosely_own, *self._loose(), *self._text
        )

    def _number(self, below: Place | None) -> int | None:
        if below is None:
            return None
        known = searching.number_of(self._tx, searching.ALERTS, below[1])
        if known is not None:
            return known
        # The alert has gone since: the first that came before it stands in its place.
        before = self._tx.scalar(self._ids(_after(below)).order_by(*_newest()).limit(1))
        return 0 if before is None else (searching.number_of(self._tx, searching.ALERTS, before) or 0) + 1

    @cached_property
    def _few(self) -> Sequence[sa.ColumnElement[bool]] | None:
        """The conditions that an index serves, if so few alerts fulfil them that all may be looked at."""
        wanted = self._filters
        if wanted.machine:
            return [*self._machine(), *self._loose()]
        if wanted.text and (theirs := self._by_id()) is not None:
            return theirs
        if not wanted.words:
            return None
        conditions = [alerts.c.status.in_(wanted.status or self._statuses)]
        if wanted.severity or wanted.category:
            conditions.append(alerts.c.severity.in_(wanted.severity or self._severities()))
        if wanted.category:
            conditions.append(alerts.c.category.in_(wanted.category))
        bound = COUNTED
        if self._indexed:
            # Whichever of the two leads to less is gone through.
            bound = sum(map(len, islice(self._pieces(None), len(_PIECES))))
        return conditions if self._count(self._ids(*conditions), bound) <= bound else None

    def _machine(self) -> list[sa.ColumnElement[bool]]:
        name = self._filters.machine
        named = sa.func.lower(alerts.c.machine_name) == name.lower()
        # As far as the largest piece goes: a name that more alerts have is looked for without the index.
        found = searching.few(self._tx, searching.ALERTS, self._organization_id, name, limit=COUNTED)
        if found is not None:
            named = sa.and_(alerts.c.id.in_(found), named)
        return [sa.or_(alerts.c.machine_id == name, named)]

    def _by_id(self) -> list[sa.ColumnElement[bool]] | None:
        """Return what leads to the alerts whose ids begin so, and to those that may hold the text; None without any such id."""
        begins = self._begins()
        self._begun = begins is not None and bool(self._count(self._ids(begins, led=True), 1))
        if begins is None or not self._begun:
            return None
        numbers = chain.from_iterable(islice(self._pieces(None), len(_PIECES))) if self._indexed else ()
        return [sa.or_(begins, alerts.c.id.in_(searching.ids_of(searching.ALERTS, list(numbers)))), *self._loose()]

    def _begins(self) -> sa.ColumnElement[bool] | None:
        return alerts.c.id.in_(self._begun_so()) if self._filters.text else None

    def _begun_so(self) -> sa.Select[Any]:
        text = self._filters.text
        # By account, since Defender's ids are indexed so.
        own = sa.select(accounts.c.id).where(accounts.c.organization_id == self._organization_id)
        theirs = alerts.c.alert_id == text
        if len(text) >= _ID:
            theirs = sa.and_(alerts.c.alert_id >= text, alerts.c.alert_id < text + _LAST)
        return sa.select(alerts.c.id).where(alerts.c.account_id.in_(own), theirs)

    @cached_property
    def _statuses(self) -> list[str]:
        return self._words(alerts.c.status)

    def _severities(self) -> list[str]:
        found = (
            self._words(alerts.c.severity, alerts.c.status == status)
            for status in self._filters.status or self._statuses
        )
        return sorted(set(chain.from_iterable(found)))

    def _words(self, column: sa.ColumnElement[str], *where: sa.ColumnElement[bool]) -> list[str]:
        """Return the words that occur in a column, each found by one step in the index of words."""
        found = [""]
        while len(found) < _OTHERS:
            following = self._tx.scalar(sa.select(sa.func.min(column)).where(self._own, *where, column > found[-1]))
            if following is None:
                break
            found.append(following)
        return found

    def _among(self, *conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
        """Return the ids of those of the few that fit."""
        few = self._few or ()
        # What leads to single alerts leads further than the organization's index does.
        led = bool(self._filters.machine or not self._filters.words or (self._filters.text and self._begun))
        return self._ids(*few, *conditions, led=led)

    def _ids(self, *conditions: sa.ColumnElement[bool], led: bool = False) -> sa.Select[Any]:
        own = not_by(alerts.c.organization_id) == self._organization_id if led else self._own
        return sa.select(alerts.c.id).where(own, *conditions)

    def _read(self, condition: sa.ColumnElement[bool], limit: int) -> Sequence[sa.RowMapping]:
        query = (
            sa.select(alerts, accounts.c.name.label("account"))
            .join(accounts, accounts.c.id == alerts.c.account_id)
            .where(condition)
        )
        return self._tx.all(query.order_by(*_newest(apart=self._led)).limit(limit))

    def _count(self, query: sa.Select[Any], bound: int | None = None) -> int:
        limited = query if bound is None else query.limit(bound + 1)
        return int(self._tx.scalar(sa.select(sa.func.count()).select_from(limited.subquery())) or 0)

    def _bounded(self, query: sa.Select[Any], bound: int) -> Total:
        many = self._count(query, bound)
        return Total(min(many, bound), more=many > bound)

    def _conditions(self) -> list[sa.ColumnElement[bool]]:
        found: list[sa.ColumnElement[bool]] = [column.in_(words) for column, words in self._asked()]
        if machine := self._filters.machine:
            found.append(
                sa.or_(alerts.c.machine_id == machine, sa.func.lower(alerts.c.machine_name) == machine.lower())
            )
        return found + self._text

    def _loose(self) -> list[sa.ColumnElement[bool]]:
        """Return the conditions of words so that no index is chosen for their sake."""
        return [not_by(column).in_(words) for column, words in self._asked()]

    def _asked(self) -> list[tuple[sa.ColumnElement[str], Sequence[str]]]:
        wanted = self._filters
        pairs = (
            (alerts.c.severity, wanted.severity),
            (alerts.c.status, wanted.status),
            (alerts.c.category, wanted.category),
        )
        return [(column, words) for column, words in pairs if words]

    @cached_property
    def _text(self) -> list[sa.ColumnElement[bool]]:
        text = self._filters.text
        if not text:
            return []
        found = [searching.ALERTS.holds(text)]
        begins = self._begins()
        if begins is not None:
            found = [sa.or_(*found, begins)]
        if self.reach is not None:
            last = self._tx.one(
                sa.select(alerts.c.ingested_at, alerts.c.id)
                .where(self._own)
                .order_by(*_newest())
                .limit(1)
                .offset(NEWEST)
            )
            if last is not None:
                found.append(_key > _place((last["ingested_at"], last["id"])))
        return found


_key = sa.tuple_(alerts.c.ingested_at, alerts.c.id)


def _place(place: Place) -> sa.Tuple:
    return sa.tuple_(sa.literal(place[0], Moment), sa.literal(place[1]))


def _after(place: Place) -> sa.ColumnElement[bool]:
    return _key < _place(place)


def _newest(*, apart: bool = False) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
    """Return the order of the queue; `apart` so that no index is chosen for its sake."""
    at = not_by(alerts.c.ingested_at) if apart else alerts.c.ingested_at
    return at.desc(), alerts.c.id.desc()
