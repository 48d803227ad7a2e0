"""The database keeps what was committed, drops what was not, and tells followers."""

import threading

import pytest
import sqlalchemy as sa

from ringfence import clock
from ringfence.errors import Misconfigured
from ringfence.settings import Settings
from ringfence.storage import Database, Transaction, changes
from ringfence.storage.database import make_url, witnessed
from ringfence.storage.tables import organizations, policies


def _organization(tx: Transaction, name: str) -> str:
    identity = clock.new_id()
    tx.execute(sa.insert(organizations).values(id=identity, name=name, created_at=clock.now()))
    return identity


def test_what_a_unit_of_work_wrote_is_there_for_the_next(database: Database) -> None:
    identity = database.run_now(lambda tx: _organization(tx, "contoso"))
    row = database.read_now(lambda tx: tx.one(sa.select(organizations)))
    assert row is not None
    assert row["id"] == identity


def test_a_unit_of_work_that_raises_leaves_nothing_and_rings_no_bell(database: Database) -> None:
    rung: list[int] = []
    database.on_change(lambda _: rung.append(1))

    def work(tx: Transaction) -> None:
        tx.changed(_organization(tx, "contoso"), "organization", "x", "created")
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        database.run_now(work)
    assert database.read_now(lambda tx: tx.all(sa.select(organizations))) == []
    assert database.read_now(changes.latest) == 0
    assert rung == []


def test_a_moment_comes_back_in_utc_and_a_naive_one_is_refused(database: Database) -> None:
    database.run_now(lambda tx: _organization(tx, "contoso"))
    row = database.read_now(lambda tx: tx.one(sa.select(organizations)))
    assert row is not None
    assert row["created_at"].tzinfo is not None
    with pytest.raises(sa.exc.StatementError, match="time zone"):
        database.run_now(
            lambda tx: tx.execute(sa.update(organizations).values(created_at=clock.now().replace(tzinfo=None)))
        )


def test_json_with_nul_and_lone_surrogates_survives(database: Database) -> None:
    hostile = {"nul": "a\x00b", "surrogate": "\ud800", "deep": [[["\u202e"]]]}
    values = {"scope_key": "provider", "version": 1, "made_by": "tests", "made_at": clock.now()}
    row = {"id": clock.new_id(), "document": hostile} | values
    database.run_now(lambda tx: tx.execute(sa.insert(policies).values(row)))
    assert database.read_now(lambda tx: tx.scalar(sa.select(policies.c.document))) == hostile


def test_inserting_what_is_there_changes_nothing(database: Database) -> None:
    row = {"id": clock.new_id(), "name": "contoso", "created_at": clock.now()}
    database.run_now(lambda tx: tx.insert_new(organizations, [row]))
    database.run_now(lambda tx: tx.insert_new(organizations, [row | {"id": clock.new_id()}, row | {"name": "other"}]))
    assert database.read_now(lambda tx: tx.scalar(sa.select(sa.func.count()).select_from(organizations))) == 1


def test_writers_of_many_threads_all_get_through_and_numbers_rise_in_order_of_commit(database: Database) -> None:
    seen: list[int] = []
    lock = threading.Lock()

    def look() -> None:
        with lock:
            number = seen[-1] if seen else 0
            seen.extend(change.id for change in database.read_now(lambda tx: changes.after(tx, number)))

    def write(index: int) -> None:
        for turn in range(10):
            noun_id = f"{index}-{turn}"
            database.run_now(lambda tx, noun_id=noun_id: tx.changed("o", "alert", noun_id, "created"))  # type: ignore[misc]
            look()

    threads = [threading.Thread(target=write, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    look()
    assert len(seen) == 80
    assert seen == sorted(set(seen))


def test_only_postgresql_may_be_named_as_another_database() -> None:
    with pytest.raises(Misconfigured, match="mysql"):
        make_url(Settings(database_url="mysql://contoso/ringfence"))
    with pytest.raises(Misconfigured, match="not a database address"):
        make_url(Settings(database_url="contoso"))
    assert make_url(Settings(database_url="postgresql://contoso/x")).drivername == "postgresql+psycopg"


def test_a_call_joins_the_transaction_that_its_thread_is_in(embedded: Database) -> None:
    with embedded.transaction() as outer:
        with embedded.joined(writing=True) as inner:
            assert inner is outer
        with embedded.joined() as inner:
            assert inner is outer
    with embedded.reading() as outer, embedded.joined() as inner:
        assert inner is outer


def test_a_call_that_writes_does_not_join_one_that_only_reads(embedded: Database) -> None:
    with embedded.reading() as outer, embedded.joined(writing=True) as inner:
        assert inner is not outer
        inner.changed("contoso", "key", "1", "made")
    with embedded.joined() as alone:
        assert alone.scalar(sa.text("SELECT count(*) FROM changes")) == 1


def test_who_witnesses_writes_a_word_of_its_own_into_each_transaction_or_stops_it(database: Database) -> None:
    seen: list[object] = []
    with witnessed(lambda tx: seen.append(tx.scalar(sa.select(sa.literal(7))))):
        database.run_now(lambda tx: None)
        database.read_now(lambda tx: None)
    assert seen == [7]

    def refuse(tx: Transaction) -> None:
        raise LookupError("not yours")

    with witnessed(refuse), pytest.raises(LookupError):
        database.run_now(lambda tx: _organization(tx, "contoso"))
    assert database.read_now(lambda tx: tx.all(sa.select(organizations))) == []
