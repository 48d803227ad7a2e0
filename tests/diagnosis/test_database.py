from datetime import datetime

import pytest
import sqlalchemy as sa

from ringfence import clock
from ringfence.diagnosis import database as checks
from ringfence.diagnosis.model import Level
from ringfence.settings import Settings
from ringfence.storage import Database
from ringfence.storage.database import make_url, sqlite_pragmas
from run_world import Time


def test_a_database_in_order_is_said_to_be(database: Database) -> None:
    found = [
        *checks.tables(database),
        *checks.texts(database),
        *checks.damage(database),
        *checks.clocks(database),
    ]
    assert {each.level for each in found} == {Level.OK}
    assert all(not each.advice for each in found)
    [version] = checks.version(database, sqlite=(3, 51, 3))
    assert version.level is Level.OK
    assert version.said.startswith(("SQLite 3.51.3", "PostgreSQL "))


@pytest.mark.parametrize(
    ("release", "level"),
    [
        ((3, 34, 1), Level.FAILURE),
        ((3, 40, 1), Level.WARNING),
        ((3, 44, 6), Level.OK),
        ((3, 50, 6), Level.WARNING),
        ((3, 50, 7), Level.OK),
        ((3, 51, 2), Level.WARNING),
        ((3, 52, 0), Level.OK),
    ],
)
def test_releases_of_sqlite_that_may_damage_a_database_are_told_of(
    embedded: Database, release: tuple[int, int, int], level: Level
) -> None:
    assert [each.level for each in checks.version(embedded, sqlite=release)] == [level]


def test_without_wal_somebody_is_told(embedded: Database) -> None:
    with embedded.engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA journal_mode=DELETE")
        connection.exec_driver_sql("BEGIN")
        sa.event.remove(embedded.engine, "connect", sqlite_pragmas)
        [found] = checks.version(embedded, sqlite=(3, 51, 3))
    assert (found.level, "network file systems" in found.advice) == (Level.FAILURE, True)


def test_tables_of_another_revision_are_told_of(embedded: Database) -> None:
    embedded.run_now(lambda tx: tx.execute(sa.text("UPDATE alembic_version SET version_num = '0001'")))
    [found] = checks.tables(embedded)
    assert (found.level, "db upgrade" in found.advice) == (Level.FAILURE, True)


def test_clocks_that_differ_are_told_of(database: Database) -> None:
    Time(datetime(2031, 1, 1, tzinfo=clock.now().tzinfo)).start()
    found = list(checks.clocks(database))
    assert [each.level for each in found] == ([] if database.sqlite else [Level.FAILURE])


def test_a_database_elsewhere_is_to_be_spoken_to_by_tls_that_proves_who_answers() -> None:
    def found(address: str) -> list[Level]:
        return [each.level for each in checks.protection(make_url(Settings(database_url=address)))]

    def said(address: str) -> str:
        return next(checks.protection(make_url(Settings(database_url=address)))).said

    assert "a password, which does not end" in said("postgresql://ringfence:orchid@db.contoso.com/x")
    assert "a certificate of ours" in said("postgresql://db.contoso.com/x?sslcert=our.pem&sslkey=our.key")
    assert found("postgresql://localhost/x") == []
    assert found("postgresql://db.contoso.com/x") == [Level.OK]
    assert found("postgresql://db.contoso.com/x?sslmode=require") == [Level.WARNING]


def test_postgresql_that_looks_for_texts_in_every_row_is_told_of(database: Database) -> None:
    if database.sqlite:
        return
    database.run_now(lambda tx: tx.execute(sa.text("DROP INDEX alert_texts_trigrams")))
    [found] = checks.texts(database)
    assert (found.level, "CREATE EXTENSION pg_trgm" in found.advice) == (Level.WARNING, True)
