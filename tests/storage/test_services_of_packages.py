"""Services and their sweeps from before services could do without an account."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from databases import Postgres
from ringfence.storage import Database, schema


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Give a database without tables."""
    if request.param == "sqlite":
        database = Database(sa.URL.create("sqlite", database=str(tmp_path / "old.sqlite3")), threads=1)
        yield database
        database.close()
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    url = postgres.new_url(empty=True)
    database = Database(url, threads=1)
    yield database
    database.close()
    postgres.drop(url)


def test_services_and_their_sweeps_survive_and_still_end_with_their_account(empty: Database) -> None:
    configuration, day = schema.configuration(), "'2026-01-01 00:00:00+00:00'"
    with empty.engine.begin() as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "0041")
        for statement in (
            f"INSERT INTO organizations (id, name, created_at) VALUES ('o', 'contoso', {day})",
            "INSERT INTO accounts (id, organization_id, name, cloud, tenant_id, client_id, secret_sealed, state, "
            "state_reason, roles, created_at, updated_at) VALUES "
            f"('a', 'o', 'a', 'commercial', 't', 'c', 's', 'healthy', '', '[]', {day}, {day})",
            "INSERT INTO trigger_services (id, organization_id, account_id, name, watermark, activated_at, created_at, "
            f"updated_at) VALUES ('s', 'o', 'a', 'night', {day}, {day}, {day}, {day})",
            "INSERT INTO sweeps (id, organization_id, service_id, due_at, started_at, since) VALUES "
            f"('w', 'o', 's', {day}, {day}, {day})",
        ):
            connection.exec_driver_sql(statement)
    schema.upgrade(empty)
    with empty.engine.begin() as connection:
        found = connection.exec_driver_sql("SELECT account_id, name, parameters, cursor FROM trigger_services").all()
        assert [tuple(row) for row in found] == [("a", "night", "{}", None)]
        assert connection.exec_driver_sql("SELECT service_id FROM sweeps").scalars().all() == ["s"]
        connection.exec_driver_sql("DELETE FROM accounts")
        assert connection.exec_driver_sql("SELECT count(*) FROM sweeps").scalar() == 0
