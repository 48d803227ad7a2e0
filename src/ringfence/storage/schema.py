"""Bring the tables to the version that this release needs (Alembic), and tell whether they are.

Two processes that upgrade at once queue: on an advisory lock (PostgreSQL) or on the writing transaction (SQLite).
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from ringfence.errors import Misconfigured
from ringfence.storage import row_security, searching
from ringfence.storage.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

_UPGRADE_LOCK = 0x52465550
_VERSION: Final = sa.table("alembic_version", sa.column("version_num", sa.String(32)))
_MIGRATION: Final = re.compile(r"(\d{4})_\w+\.py")


def configuration() -> Config:
    """Return Alembic's configuration; there is no alembic.ini."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "ringfence.storage:migrations")
    return config


def revision(database: Database) -> str | None:
    """Return the revision that the tables have, None if there are none."""
    with database.engine.connect() as connection:
        return _revision(connection)


@cache
def newest() -> str | None:
    """Return the revision that this release needs: migrations are numbered, and their files begin with the number."""
    folder = Path(__file__).parent / "migrations" / "versions"
    return max((found[1] for each in folder.iterdir() if (found := _MIGRATION.fullmatch(each.name))), default=None)


def upgrade(database: Database) -> tuple[str | None, str | None]:
    """Upgrade the tables and return the revision before and after."""
    with database.engine.begin() as connection:
        if not database.sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_UPGRADE_LOCK)))
        before = _revision(connection)
        if before != newest():
            _migrate(connection)
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


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(_VERSION.name):
        return None
    found: str | None = connection.execute(sa.select(_VERSION.c.version_num)).scalar_one_or_none()
    return found


def _migrate(connection: sa.Connection) -> None:
    # Alembic, and reading every migration, take a fifth of a second that each command would wait for; it is seldom needed.
    from alembic import command

    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
