"""Bring the tables to the version that this release needs (Alembic), and tell whether they are.

Two processes that upgrade at once queue: on an advisory lock (PostgreSQL) or on the writing transaction (SQLite).
"""

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from ringfence.errors import Misconfigured
from ringfence.storage import row_security, searching
from ringfence.storage.database import Database

_UPGRADE_LOCK = 0x52465550


def configuration() -> Config:
    """Return Alembic's configuration; there is no alembic.ini."""
    config = Config()
    config.set_main_option("script_location", "ringfence.storage:migrations")
    return config


def revision(database: Database) -> str | None:
    """Return the revision that the tables have, None if there are none."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    """Return the revision that this release needs."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


def upgrade(database: Database) -> tuple[str | None, str | None]:
    """Upgrade the tables and return the revision before and after."""
    config = configuration()
    with database.engine.begin() as connection:
        if not database.sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_UPGRADE_LOCK)))
        before = MigrationContext.configure(connection).get_current_revision()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        if not database.sqlite:
            row_security.protect(connection)
            searching.prepare(connection)
    return before, newest()


def demand_current(database: Database) -> None:
    """Raise unless the tables are at the revision that this release needs."""
    found, needed = revision(database), newest()
    if found != needed:
        raise Misconfigured(
            f"The database is at revision {found or 'none'}, and this release needs {needed}.",
            advice="Back the database up, then run `ringfence db upgrade`.",
        )
