"""Parts of the texts of alerts, containments and incidents, found without reading all rows.

On SQLite an index (`alert_texts` and its like) holds every three letters of each row, and no text. What it finds has all of
the threes that it is asked for, which is more than the text that is looked for: whoever asks looks at the rows too. Triggers
keep it, and `alert_numbers` and its like count the rows in the order of their arrival, which is the order in which it finds
them. On PostgreSQL an index of trigrams does the same, where its extension `pg_trgm` may be had; `prepare` makes it after each
upgrade, and nothing is missing but speed where it could not. All of this stands beside the tables of `metadata`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

import sqlalchemy as sa

from ringfence.storage.columns import holds, joined
from ringfence.storage.database import Transaction
from ringfence.storage.tables import alerts, containments, incidents

SHORTEST: Final = 3
EXTENSION: Final = "pg_trgm"
_PROBED: Final = 12
_USED: Final = 4
"""Threes of a text that are looked for, the rarest: each common one more makes it slower and narrows nothing down."""
_SAMPLE: Final = 64


@dataclass(frozen=True)
class Texts:
    """A table, and the columns whose texts are looked for; `kind` is what the names of the index begin with."""

    kind: str
    table: sa.Table
    columns: tuple[str, ...]

    @property
    def index(self) -> str:
        """The name of the index on PostgreSQL."""
        return f"{self.kind}_texts_trigrams"

    @cached_property
    def numbers(self) -> sa.TableClause:
        """The table that counts the rows (SQLite)."""
        return sa.table(f"{self.kind}_numbers", sa.column("number", sa.Integer), sa.column(f"{self.kind}_id", sa.Text))

    @cached_property
    def texts(self) -> sa.TableClause:
        """The index (SQLite)."""
        name = f"{self.kind}_texts"
        return sa.table(name, sa.column("rowid", sa.Integer), sa.column(name, sa.Text))

    def holds(self, text: str) -> sa.ColumnElement[bool]:
        """Return the condition that one of the columns has `text` in it, whatever its case."""
        return holds(text, *self._columns)

    @property
    def expression(self) -> sa.ColumnElement[str]:
        """All the texts of a row as one, as `holds` looks at it."""
        return joined(*self._columns)

    @property
    def _columns(self) -> list[sa.ColumnElement[str]]:
        return [self.table.c[name] for name in self.columns]


ALERTS: Final = Texts("alert", alerts, ("title", "machine_name"))
CONTAINMENTS: Final = Texts(
    "containment", containments, ("machine_name", "machine_id", "target", "reason", "requested_by")
)
INCIDENTS: Final = Texts("incident", incidents, ("title", "owner", "reason"))
EVERY: Final = (ALERTS, CONTAINMENTS, INCIDENTS)
OWN: Final = tuple(f"{each.kind}_{what}" for each in EVERY for what in ("texts", "numbers"))
"""What the names of these tables and indexes begin with."""


class Look:
    """One look for a text in the index of some texts (SQLite); which threes it is looked for by is found out once."""

    def __init__(self, tx: Transaction, texts: Texts, text: str) -> None:
        self._tx = tx
        self._texts = texts
        self._text = text

    @property
    def possible(self) -> bool:
        """Whether the text can be looked for in this index."""
        return self._tx.dialect == "sqlite" and len(self._text) >= SHORTEST

    def some(self, *, below: int | None, limit: int) -> list[int]:
        """Return the highest numbers of rows that may hold the text, the newest first."""
        return self._found(self._threes, below, limit)

    def _found(self, threes: Sequence[str], below: int | None, limit: int) -> list[int]:
        of = self._texts.texts.c
        words = " ".join(map(_word, threes))
        query = sa.select(of.rowid).where(of[self._texts.texts.name].op("MATCH")(words))
        if below is not None:
            query = query.where(of.rowid < below)
        return list(self._tx.execute(query.order_by(of.rowid.desc()).limit(limit)).scalars())

    @cached_property
    def _threes(self) -> list[str]:
        """The rarest threes of the text, judged by how far back their newest rows reach."""
        text = self._text
        every = list(dict.fromkeys(text[at : at + SHORTEST] for at in range(len(text) - SHORTEST + 1)))
        if len(every) <= 1:
            return every
        probed = every[:: -(-len(every) // _PROBED)]
        words = {f"three{at}": _word(three) for at, three in enumerate(probed)}
        reach: dict[str, int] = {}
        for row in self._tx.execute(_probes(self._texts.texts.name, len(probed)), words).mappings():
            three, many = probed[row["at"]], row["many"]
            if not many:
                return [three]
            reach[three] = row["oldest"] if many == _SAMPLE else many - _SAMPLE
        return sorted(reach, key=lambda three: reach[three])[:_USED]


def _word(three: str) -> str:
    return '"' + three.replace('"', '""') + '"'


@lru_cache
def _probes(name: str, many: int) -> sa.TextClause:
    """Ask about so many threes at once how far back the newest rows reach that each has."""
    one = (
        "SELECT {at} AS at, min(rowid) AS oldest, count(*) AS many "
        "FROM (SELECT rowid FROM {name} WHERE {name} MATCH :three{at} {newest})"
    )
    newest = f"ORDER BY rowid DESC LIMIT {_SAMPLE}"
    return sa.text(" UNION ALL ".join(one.format(at=at, name=name, newest=newest) for at in range(many)))


def ids_of(texts: Texts, found: Sequence[int]) -> sa.Select[Any]:
    """Return the query of our ids of the rows that have these numbers (SQLite)."""
    # In one value: thousands of them cost more than what is done with them.
    each = sa.func.json_each(json.dumps(list(found))).table_valued("value")
    return sa.select(texts.numbers.c[f"{texts.kind}_id"]).where(texts.numbers.c.number.in_(sa.select(each.c.value)))


def number_of(tx: Transaction, texts: Texts, row_id: str) -> int | None:
    """Return the number of a row, None where it has gone (SQLite)."""
    found = tx.scalar(sa.select(texts.numbers.c.number).where(texts.numbers.c[f"{texts.kind}_id"] == row_id))
    return None if found is None else int(found)


def few(tx: Transaction, texts: Texts, organization_id: str, text: str, *, limit: int) -> Any:
    """Return ids (a list, or a query) among which are all rows of an organization that hold `text`, if they are below `limit`.

    None where they are more, or where no index can tell.
    """
    if len(text) < SHORTEST:
        return None
    if tx.dialect == "sqlite":
        numbers = Look(tx, texts, text).some(below=None, limit=limit)
        return ids_of(texts, numbers) if len(numbers) < limit else None
    if tx.scalar(sa.select(sa.func.to_regclass(texts.index))) is None:
        return None
    ids = sa.select(texts.table.c.id).where(texts.table.c.organization_id == organization_id, texts.holds(text))
    # Row-level security lets no index of texts be used, lest what others have be guessed from how long it takes.
    with tx.everywhere():
        found = list(tx.execute(ids.limit(limit)).scalars())
    return found if len(found) < limit else None


def prepare(connection: sa.Connection) -> None:
    """Make what PostgreSQL finds texts by, as far as this user may; what is there already stays as it is."""
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(f"CREATE EXTENSION IF NOT EXISTS {EXTENSION}")
    except sa.exc.DBAPIError:
        # Not there, or not for this user to make: texts are then found without it, and `ringfence doctor` says so.
        return
    there = set(sa.inspect(connection).get_table_names())
    for each in EVERY:
        if each.table.name in there:
            made = each.expression.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
            name = f'CREATE INDEX IF NOT EXISTS {each.index} ON "{each.table.name}"'
            connection.exec_driver_sql(f"{name} USING gin (({made}) gin_trgm_ops)")


def missing(connection: sa.Connection) -> list[str]:
    """Name the indexes of texts that PostgreSQL lacks; none on SQLite, which always has them."""
    if connection.dialect.name == "sqlite":
        return []
    return [
        each.index for each in EVERY if connection.execute(sa.select(sa.func.to_regclass(each.index))).scalar() is None
    ]
