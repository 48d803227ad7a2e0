"""The database: one engine, two kinds of transaction, and the differences between SQLite and PostgreSQL.

A unit of work is a plain function of a `Transaction`; `Database.run` calls it in a thread, commits when it returns and
rolls back when it raises. On SQLite a writing transaction begins IMMEDIATE (it would fail under load otherwise) and writers
queue on a lock instead of on SQLite's busy timer. Who has to wait waits in turns: see `turns`.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from ringfence import clock
from ringfence.errors import Misconfigured
from ringfence.settings import Settings
from ringfence.storage import elsewhere, row_security, scope
from ringfence.storage.tables import changes as changes_table
from ringfence.storage.turns import Turns

T = TypeVar("T")
Values = Mapping[str, Any]

_READERS = 3
# Serialises the numbering of changes on PostgreSQL, so that numbers become visible in their order; any constant does.
_CHANGES_LOCK = 0x52494E47


@lru_cache(maxsize=256)
def _upsert(table: sa.Table, dialect: str, columns: tuple[str, ...]) -> sa.Insert:
    # Building this statement costs several times what running it does.
    statement = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    key = [column.name for column in table.primary_key]
    values = {name: statement.excluded[name] for name in columns if name not in key}
    built: sa.Insert = statement.on_conflict_do_update(index_elements=key, set_=values)
    return built


_INSERT_CHANGES = sa.insert(changes_table)

_witness: ContextVar[Callable[["Transaction"], None] | None] = ContextVar("ringfence_witness", default=None)


@contextmanager
def witnessed(by: Callable[["Transaction"], None]) -> Iterator[None]:
    """Let `by` write a word of its own into each writing transaction that this context brings to its end."""
    token = _witness.set(by)
    try:
        yield
    finally:
        _witness.reset(token)


class Transaction:
    """One transaction: statements in, rows out, and the changes that live pages are told of when it commits."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self._changes: list[dict[str, Any]] = []
        self._last: dict[Callable[[Transaction, list[Any]], None], list[Any]] = {}

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.connection.dialect.name

    def execute(
        self, statement: sa.Executable, values: Values | Sequence[Values] | None = None
    ) -> sa.CursorResult[Any]:
        """Run a statement with its bound values, once for each where a list of them is given."""
        result = self.connection.execute(statement, values)
        assert isinstance(result, sa.CursorResult)
        return result

    def one(self, statement: sa.Executable, values: Values | None = None) -> sa.RowMapping | None:
        """Return the first row, or None."""
        return self.connection.execute(statement, values).mappings().first()

    def all(self, statement: sa.Executable) -> Sequence[sa.RowMapping]:
        """Return every row."""
        return self.connection.execute(statement).mappings().all()

    def scalar(self, statement: sa.Executable) -> Any:
        """Return the first column of the first row, or None."""
        return self.connection.execute(statement).scalar()

    def insert_new(self, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows, leaving out those whose key is already there."""
        if rows:
            self.connection.execute(self._insert(table).on_conflict_do_nothing(), rows)

    def upsert(self, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows, or bring those whose primary key is there already to these values; all rows name the same columns."""
        if not rows:
            return
        self.connection.execute(_upsert(table, self.dialect, tuple(rows[0])), rows)

    def _insert(self, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
        return postgresql.insert(table) if self.dialect == "postgresql" else sqlite.insert(table)

    @contextmanager
    def everywhere(self) -> Iterator[None]:
        """See all rows inside the block, for what others share with who asks; whoever uses it narrows to exactly that."""
        here = scope.current()
        if self.dialect != "postgresql" or here is None:
            yield
            return
        self.connection.execute(row_security.LEAVE)
        try:
            yield
        except sa.exc.DBAPIError:
            # The transaction is over, and with it the role.
            raise
        except BaseException:
            # Who catches this may go on, but sees no more than before.
            row_security.enter(self.connection, here)
            raise
        row_security.enter(self.connection, here)

    def changed(self, organization_id: str, noun: str, noun_id: str, kind: str) -> None:
        """Tell followers, when this commits, that `noun` (alert, run, containment, account …) saw `kind` happen."""
        self._changes.append(
            {"organization_id": organization_id, "noun": noun, "noun_id": noun_id, "kind": kind, "at": clock.now()}
        )

    def at_end(self, work: Callable[["Transaction", list[Any]], None], item: Any) -> None:
        """Let `work` have this item, with all others kept for it, when the transaction is about to commit.

        What every transaction of a kind must take its turn for is so held for as short a time as possible. Where `work`
        raises, nothing of the transaction is kept.
        """
        self._last.setdefault(work, []).append(item)

    def do_last(self) -> None:
        """Do what was left for the end."""
        while self._last:
            left, self._last = self._last, {}
            for work, items in left.items():
                work(self, items)

    def write_changes(self) -> frozenset[str]:
        """Number and write the collected changes; the last thing a transaction does. Returns the nouns that changed."""
        if not self._changes:
            return frozenset()
        if self.dialect == "postgresql":
            self.connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_CHANGES_LOCK)))
        self.connection.execute(_INSERT_CHANGES, self._changes)
        nouns = frozenset(each["noun"] for each in self._changes)
        self._changes.clear()
        return nouns


def sqlite_pragmas(connection: Any, _record: ConnectionPoolEntry | None = None) -> None:
    """Set up a new SQLite connection: WAL, foreign keys, a long busy timeout, transactions begun by us."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begin(connection: sa.Connection) -> None:
    kind = "" if connection.get_execution_options().get("ringfence_read") else " IMMEDIATE"
    connection.exec_driver_sql(f"BEGIN{kind}")


def make_url(settings: Settings) -> sa.URL:
    """Return the SQLAlchemy address of our own database; one on another machine by TLS, unless it says otherwise."""
    if settings.database_url is None:
        return sa.URL.create("sqlite", database=str(settings.data / "ringfence.sqlite3"))
    try:
        url = sa.make_url(settings.database_url)
    except sa.exc.ArgumentError as error:
        raise Misconfigured(
            "RINGFENCE_DATABASE_URL is not a database address.",
            advice="Write it as postgresql://user:password@host:5432/name.",
        ) from error
    if url.get_backend_name() != "postgresql":
        raise Misconfigured(
            f"RINGFENCE_DATABASE_URL names {url.get_backend_name()}, which is not supported.",
            advice="Use postgresql://…, or leave it out for the embedded SQLite.",
        )
    return elsewhere.protected(url.set(drivername="postgresql+psycopg"))


class Database:
    """The one way to our rows."""

    def __init__(self, url: sa.URL, *, threads: int = 8) -> None:
        self.url = url
        self.sqlite = url.get_backend_name() == "sqlite"
        if self.sqlite:
            if url.database:
                Path(url.database).parent.mkdir(parents=True, exist_ok=True)
            self.engine = sa.create_engine(
                url, pool_size=threads, max_overflow=2, connect_args={"check_same_thread": False}
            )
            sa.event.listen(self.engine, "connect", sqlite_pragmas)
            sa.event.listen(self.engine, "begin", _sqlite_begin)
        else:
            self.engine = sa.create_engine(url, pool_size=threads, max_overflow=4, pool_pre_ping=True)
        self._reader = self.engine.execution_options(ringfence_read=True)
        self._writing = threading.RLock()
        if self.sqlite:
            # There is one writer at a time, and no thread that could read waits with it. More readers would take longer,
            # for each other's sake.
            self._writers = Turns(1, "writing")
            self._readers = Turns(min(threads, _READERS), "reading")
        else:
            self._writers = self._readers = Turns(threads, "database")
        self._bells: list[Callable[[frozenset[str]], None]] = []
        self._here = threading.local()

    def on_change(self, bell: Callable[[frozenset[str]], None]) -> Callable[[], None]:
        """Call `bell` (from any thread) with the nouns of each commit here that wrote changes; returns what takes it off."""
        self._bells.append(bell)
        return lambda: self._bells.remove(bell)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open a writing transaction; it commits at the end of the block and rolls back if the block raises."""
        lock = self._writing if self.sqlite else None
        if lock is not None:
            lock.acquire()
        try:
            with self.engine.begin() as connection:
                self._enter_scope(connection)
                tx = Transaction(connection)
                with self._entered(tx, writing=True):
                    yield tx
                    if (witness := _witness.get()) is not None:
                        witness(tx)
                    tx.do_last()
                changed = tx.write_changes()
        finally:
            if lock is not None:
                lock.release()
        if changed:
            for bell in list(self._bells):
                bell(changed)

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Open a transaction that only reads; it blocks no writer."""
        with self._reader.connect() as connection:
            self._enter_scope(connection)
            tx = Transaction(connection)
            with self._entered(tx, writing=False):
                yield tx

    @contextmanager
    def joined(self, *, writing: bool = False) -> Iterator[Transaction]:
        """Give the transaction that this thread is in, or one of its own where it is in none (or in none that writes)."""
        opened: list[tuple[Transaction, bool]] = getattr(self._here, "opened", [])
        if opened and (opened[-1][1] or not writing):
            yield opened[-1][0]
            return
        with self.transaction() if writing else self.reading() as tx:
            yield tx

    def _enter_scope(self, connection: sa.Connection) -> None:
        here = scope.current()
        if here is not None and not self.sqlite:
            row_security.enter(connection, here)

    @contextmanager
    def _entered(self, tx: Transaction, *, writing: bool) -> Iterator[None]:
        opened: list[tuple[Transaction, bool]] | None = getattr(self._here, "opened", None)
        if opened is None:
            opened = self._here.opened = []
        opened.append((tx, writing))
        try:
            yield
        finally:
            opened.remove((tx, writing))

    def run_now(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in a writing transaction in this thread; repeated when PostgreSQL breaks a deadlock with it."""
        for attempt in range(3):
            try:
                with self.transaction() as tx:
                    return work(tx)
            except OperationalError as error:
                if attempt == 2 or getattr(error.orig, "sqlstate", None) not in ("40001", "40P01"):
                    raise
        raise AssertionError("unreachable")

    def read_now(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in a reading transaction in this thread."""
        with self.reading() as tx:
            return work(tx)

    async def run(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in a writing transaction, off the event loop."""
        # Who acts is known from the context, and the thread must know it too.
        context = copy_context()
        return await asyncio.wrap_future(self._writers.submit(lambda: context.run(self.run_now, work)))

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in a reading transaction, off the event loop."""
        context = copy_context()
        return await asyncio.wrap_future(self._readers.submit(lambda: context.run(self.read_now, work)))

    def close(self) -> None:
        """Let go of all connections and threads."""
        self._readers.close()
        self._writers.close()
        self.engine.dispose()
