"""What PostgreSQL itself lets the web side see, whatever a query forgets."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError

from contoso import Contoso, seed
from databases import Postgres
from ringfence.errors import Misconfigured
from ringfence.storage import Database, Transaction, row_security, schema, tables
from ringfence.storage.scope import everywhere, nowhere, within
from ringfence.storage.tables.schema import metadata


@pytest.fixture(scope="module")
def server(postgres: Postgres) -> Iterator[tuple[Database, Contoso, Contoso]]:
    """Give a database with the rows of two organizations."""
    url = postgres.new_url()
    database = Database(url, threads=1)
    both = database.run_now(lambda tx: (seed(tx), seed(tx, organization="fabrikam", user="alex.wilber")))
    yield database, *both
    database.close()
    postgres.drop(url)


def counts(tx: Transaction) -> dict[str, int]:
    """Count the rows of every protected table, without a filter."""
    return {
        name: tx.scalar(sa.select(sa.func.count()).select_from(metadata.tables[name]))
        for name in sorted(row_security.protected())
    }


def test_every_table_of_organizations_has_a_policy(server: tuple[Database, Contoso, Contoso]) -> None:
    database, _, _ = server
    query = sa.text("SELECT tablename FROM pg_policies JOIN pg_class ON relname = tablename WHERE relrowsecurity")
    held = set(database.read_now(lambda tx: tx.execute(query).scalars().all()))
    assert held == {name for name, table in metadata.tables.items() if "organization_id" in table.c} | {"organizations"}


def test_a_query_without_a_filter_sees_the_rows_of_one_organization(server: tuple[Database, Contoso, Contoso]) -> None:
    database, contoso, fabrikam = server
    all_rows = database.read_now(counts)
    found = []
    for each in (contoso, fabrikam):
        with within(each.organization_id, each.user_id):
            found.append(database.read_now(counts))
            ids = database.read_now(lambda tx: tx.execute(sa.select(tables.alerts.c.organization_id)).scalars().all())
        assert set(ids) == {each.organization_id}
    filled = {name for name, count in all_rows.items() if count}
    assert len(filled) > 15
    assert {
        name: one + other for name, one, other in zip(all_rows, found[0].values(), found[1].values(), strict=True)
    } == (all_rows)
    with nowhere():
        assert set(database.read_now(counts).values()) == {0}
    with within(contoso.organization_id), everywhere():
        assert database.read_now(counts) == all_rows


def test_what_is_written_is_ones_own(server: tuple[Database, Contoso, Contoso]) -> None:
    database, contoso, fabrikam = server
    with within(contoso.organization_id):
        touched = database.run_now(lambda tx: tx.execute(sa.update(tables.alerts).values(title="Seen")).rowcount)
        with pytest.raises(ProgrammingError, match="row-level security"):
            database.run_now(lambda tx: tx.changed(fabrikam.organization_id, "alert", "1", "seen"))
        with pytest.raises(ProgrammingError, match="row-level security"):
            database.run_now(
                lambda tx: tx.execute(sa.update(tables.alerts).values(organization_id=fabrikam.organization_id))
            )
        deleted = database.run_now(lambda tx: tx.execute(sa.delete(tables.lookup_tables)).rowcount)
    query = sa.select(sa.func.count()).where(tables.alerts.c.organization_id == contoso.organization_id)
    assert touched == database.read_now(lambda tx: tx.scalar(query))
    assert deleted == 0 or database.read_now(lambda tx: tx.scalar(sa.select(sa.func.count(tables.lookup_tables.c.id))))


def test_the_role_holds_for_one_transaction_and_cannot_be_talked_round(
    server: tuple[Database, Contoso, Contoso],
) -> None:
    database, contoso, _ = server
    who = sa.text("SELECT current_user")
    with within(contoso.organization_id):
        assert database.read_now(lambda tx: tx.scalar(who)) == row_security.ROLE
        with pytest.raises(ProgrammingError, match="row-level security"):
            database.run_now(
                lambda tx: (tx.execute(sa.text("SET LOCAL row_security = off")), tx.all(sa.select(tables.alerts)))
            )
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
            database.run_now(lambda tx: tx.execute(sa.text("ALTER TABLE alerts DISABLE ROW LEVEL SECURITY")))
    assert database.read_now(lambda tx: tx.scalar(who)) != row_security.ROLE
    powers = sa.text(
        f"SELECT rolsuper OR rolbypassrls OR rolcanlogin FROM pg_roles WHERE rolname = '{row_security.ROLE}'"
    )
    assert database.read_now(lambda tx: tx.scalar(powers)) is False


def test_who_may_not_make_the_role_is_told_what_an_administrator_says(postgres: Postgres) -> None:
    url = postgres.new_url(empty=True)
    owner = Database(url, threads=1)
    with owner.engine.begin() as connection:
        connection.exec_driver_sql("DROP ROLE IF EXISTS ringfence_plain")
        connection.exec_driver_sql("CREATE ROLE ringfence_plain LOGIN PASSWORD 'plain'")
        connection.exec_driver_sql("ALTER SCHEMA public OWNER TO ringfence_plain")
    plain = Database(url, threads=1)
    sa.event.listen(plain.engine, "connect", lambda raw, _: raw.execute("SET SESSION AUTHORIZATION ringfence_plain"))
    with pytest.raises(Misconfigured, match="may not make it, or is not in it") as caught:
        schema.upgrade(plain)
    with owner.engine.begin() as connection:
        connection.exec_driver_sql(f"GRANT {row_security.ROLE} TO ringfence_plain")
    assert "GRANT ringfence_web TO ringfence_plain" in caught.value.advice
    schema.upgrade(plain)
    with within("nobody"):
        assert plain.read_now(lambda tx: tx.all(sa.select(tables.organizations))) == []
    plain.close()
    with owner.engine.begin() as connection:
        connection.exec_driver_sql("REASSIGN OWNED BY ringfence_plain TO CURRENT_USER")
        connection.exec_driver_sql("DROP OWNED BY ringfence_plain")
        connection.exec_driver_sql("DROP ROLE ringfence_plain")
    owner.close()
    postgres.drop(url)


def test_a_query_may_look_beyond_for_what_is_shared_and_no_further(server: tuple[Database, Contoso, Contoso]) -> None:
    database, contoso, _ = server
    query = sa.select(tables.organizations.c.name).order_by(tables.organizations.c.name)

    def look(tx: Transaction) -> list[list[str]]:
        found = [list(tx.execute(query).scalars())]
        with tx.everywhere():
            found.append(list(tx.execute(query).scalars()))
        return [*found, list(tx.execute(query).scalars())]

    with within(contoso.organization_id, contoso.user_id):
        before, beyond, after = database.read_now(look)
    assert len(before) == len(after) == 1
    assert {"contoso", "fabrikam"} <= {each.casefold() for each in beyond}


def test_who_catches_what_went_wrong_beyond_sees_no_more_than_before(server: tuple[Database, Contoso, Contoso]) -> None:
    database, contoso, _ = server

    def look(tx: Transaction) -> list[str]:
        with suppress(LookupError), tx.everywhere():
            raise LookupError
        return list(tx.execute(sa.select(tables.organizations.c.id)).scalars())

    with within(contoso.organization_id, contoso.user_id):
        assert database.read_now(look) == [contoso.organization_id]
