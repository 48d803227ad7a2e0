"""Accounts that were connected before one of them was the sensor of its organization."""

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


def test_the_account_that_was_connected_first_becomes_the_sensor_of_its_organization(empty: Database) -> None:
    configuration = schema.configuration()
    with empty.engine.begin() as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "0017")
        for organization in ("contoso", "fabrikam"):
            connection.exec_driver_sql(
                f"INSERT INTO organizations (id, name, created_at) VALUES ('{organization}', '{organization}', "
                "'2026-01-01 00:00:00+00:00')"
            )
        for name, organization, day in (("a", "contoso", 2), ("b", "contoso", 1), ("c", "fabrikam", 3)):
            connection.exec_driver_sql(
                "INSERT INTO accounts (id, organization_id, name, cloud, tenant_id, client_id, secret_sealed, state, "
                f"state_reason, roles, created_at, updated_at) VALUES ('{name}', '{organization}', '{name}', "
                f"'commercial', 't', 'c', 's', 'healthy', '', '[]', '2026-01-0{day} 00:00:00+00:00', "
                f"'2026-01-0{day} 00:00:00+00:00')"
            )
    schema.upgrade(empty)
    with empty.engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT id FROM accounts WHERE sensor ORDER BY id").scalars().all()
    assert list(found) == ["b", "c"]
