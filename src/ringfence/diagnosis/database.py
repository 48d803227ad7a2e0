"""The database: its kind and version, its tables, and whether its clock is ours."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.diagnosis.model import Finding, failure, ok, warning
from ringfence.storage import Database, Transaction, elsewhere, schema, searching

_OLDEST_SQLITE: Final = (3, 35, 0)
_OLDEST_POSTGRESQL: Final = 130_000
# In these a checkpoint and a writer that meet can damage a database in WAL mode (sqlite.org/wal.html, section 11).
_DAMAGING: Final = ((3, 7, 0), (3, 51, 2))
_MENDED: Final = ((3, 44, 6), (3, 50, 7))
_SECONDS: Final = 5.0


def version(database: Database, *, sqlite: tuple[int, int, int] | None = None) -> Iterator[Finding]:
    """Look at the release of the database and how it writes."""
    if not database.sqlite:
        number = int(database.read_now(lambda tx: tx.scalar(sa.text("SHOW server_version_num"))))
        said = f"PostgreSQL {number // 10_000}.{number % 10_000}"
        if number < _OLDEST_POSTGRESQL:
            yield failure("database", f"{said} is too old.", "Upgrade to PostgreSQL 13 or newer.")
        else:
            yield ok("database", f"{said} answers.")
        return
    found = sqlite or sqlite3.sqlite_version_info
    said = f"SQLite {'.'.join(map(str, found))}"
    mode = str(database.read_now(lambda tx: tx.scalar(sa.text("PRAGMA journal_mode"))))
    if found < _OLDEST_SQLITE:
        yield failure("database", f"{said} is too old.", "Use a Python with SQLite 3.35 or newer.")
    elif mode != "wal":
        yield failure(
            "database",
            f"{said} writes in mode {mode} instead of WAL.",
            "Put the data folder on a disk of this machine: WAL does not work on network file systems.",
        )
    elif _may_damage(found):
        yield warning(
            "database",
            f"{said} has a fault that can, very rarely, damage a database when a checkpoint and a writer meet.",
            "Use a Python with SQLite 3.51.3 or newer (or 3.50.7, 3.44.6), and take backups.",
        )
    else:
        yield ok("database", f"{said} answers, in WAL mode.")


def _may_damage(found: tuple[int, int, int]) -> bool:
    mended = any(found[:2] == each[:2] and found >= each for each in _MENDED)
    return _DAMAGING[0] <= found <= _DAMAGING[1] and not mended


def protection(url: sa.URL) -> Iterator[Finding]:
    """Look at whether PostgreSQL on another machine is spoken to by TLS that proves who answers."""
    weak = elsewhere.weakness(url)
    if weak is not None:
        yield warning(
            "database connection",
            f"The database is on another machine, and the connection does not prove whose it is (sslmode {weak}).",
            "Take sslmode out of RINGFENCE_DATABASE_URL, and name sslrootcert there if the certificate is your own.",
        )
    elif elsewhere.is_elsewhere(url):
        ours = "a certificate of ours" if url.query.get("sslcert") else "a password, which does not end by itself"
        by = f" It lets us in by {ours}." if url.password or url.query.get("sslcert") else ""
        said = f"The database is spoken to by TLS, and proves that it is the one that is meant.{by}"
        yield ok("database connection", said)


def tables(database: Database) -> Iterator[Finding]:
    """Look at whether the tables are those of this release."""
    there, needed = schema.revision(database), schema.newest()
    if there == needed:
        yield ok("tables", f"The tables are at revision {there}, as this release needs.")
    else:
        yield failure(
            "tables",
            f"The tables are at revision {there or 'none'}, and this release needs {needed}.",
            "Back the database up, then run `ringfence db upgrade`.",
        )


def texts(database: Database) -> Iterator[Finding]:
    """Look at whether PostgreSQL finds texts by an index."""
    if database.sqlite or schema.revision(database) != schema.newest():
        return
    if not database.read_now(lambda tx: searching.missing(tx.connection)):
        yield ok("texts", "Texts of alerts, containments and incidents are found by an index.")
        return
    yield warning(
        "texts",
        "Texts are looked for in every row, which takes long where there are many: PostgreSQL has no index of them.",
        f"Let an administrator say once: CREATE EXTENSION {searching.EXTENSION}; then run `ringfence db upgrade`.",
    )


def damage(database: Database) -> Iterator[Finding]:
    """Let SQLite look through its file."""
    if not database.sqlite:
        return
    said = [str(row[0]) for row in database.read_now(lambda tx: tx.execute(sa.text("PRAGMA quick_check(5)")).all())]
    if said == ["ok"]:
        yield ok("file", "The file of the database is whole.")
    else:
        yield failure(
            "file",
            f"The file of the database is damaged: {said[0][:200]}.",
            "Stop Ringfence and restore the newest backup: `ringfence db restore FOLDER`.",
        )


def clocks(database: Database) -> Iterator[Finding]:
    """Compare our clock with that of the database."""
    if database.sqlite:
        return
    seconds = abs((clock.now() - database.read_now(_now)).total_seconds())
    if seconds > _SECONDS:
        yield failure(
            "clock",
            f"Our clock and that of the database differ by {seconds:.0f} seconds: leases and timers go wrong.",
            "Let both machines follow a time server (NTP).",
        )
    else:
        yield ok("clock", "Our clock and that of the database agree.")


def _now(tx: Transaction) -> datetime:
    found: datetime = tx.scalar(sa.text("SELECT clock_timestamp()"))
    return found.astimezone(UTC)
