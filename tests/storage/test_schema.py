"""The migrations lead to the tables that the code uses."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from databases import Postgres
from ringfence.errors import Misconfigured
from ringfence.storage import Database, schema, searching
from ringfence.storage.tables import metadata


def test_the_migrations_and_the_tables_agree(database: Database) -> None:
    with database.engine.connect() as connection:
        # The indexes of texts stand beside the tables, on each database its own.
        beside = {"include_name": lambda name, kind, parents: not str(name).startswith(searching.OWN)}
        context = MigrationContext.configure(connection, opts=beside)
        assert compare_metadata(context, metadata) == []


def test_the_newest_revision_is_the_one_that_alembic_would_go_to() -> None:
    assert schema.newest() == ScriptDirectory.from_config(schema.configuration()).get_current_head()


def test_an_upgrade_of_a_current_database_changes_nothing(database: Database) -> None:
    before, after = schema.upgrade(database)
    assert before == after == schema.newest()
    schema.demand_current(database)


def test_a_database_without_tables_is_named_with_what_to_do(postgres: Postgres) -> None:
    url: sa.URL = postgres.new_url(empty=True)
    database = Database(url, threads=1)
    with pytest.raises(Misconfigured, match="ringfence db upgrade"):
        schema.demand_current(database)
    assert schema.upgrade(database) == (None, schema.newest())
    schema.demand_current(database)
    database.close()
    postgres.drop(url)
