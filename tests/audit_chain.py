"""A chain of a few audit entries, and hands that tamper with its rows, for tests."""

from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.acting import Via
from ringfence.audit.events import Event
from ringfence.audit.log import Entry
from ringfence.storage import Database
from ringfence.storage.tables import audit_entries, audit_heads


def write_some(database: Database, organization_id: str, count: int = 5, *, at: float = 1_790_000_000.0) -> None:
    """Write entries, one a transaction, a second apart."""
    for index in range(count):
        clock.replace(lambda: at + index)  # noqa: B023
        database.run_now(
            lambda tx: log.write(
                tx,
                Event.PLAYBOOK_PAUSED,
                organization_id,
                f"playbook-{index}",  # noqa: B023
                details={"name": "Isolér værten", "count": index},  # noqa: B023
                actor="asmith",
                via=Via.PAGE,
            )
        )


def tamper(database: Database, number: int, /, **values: Any) -> None:
    """Change an entry behind the log's back."""
    database.run_now(lambda tx: tx.execute(sa.update(audit_entries).where(_is(number)).values(**values)))


def remove(database: Database, *numbers: int) -> None:
    """Delete entries behind the log's back."""
    database.run_now(lambda tx: tx.execute(sa.delete(audit_entries).where(audit_entries.c.number.in_(numbers))))


def set_head(database: Database, number: int, hash_: str) -> None:
    """Write over the record of the newest entry."""
    database.run_now(lambda tx: tx.execute(sa.update(audit_heads).values(number=number, hash=hash_)))


def rebuild(database: Database, first: int) -> None:
    """Write a chain anew from an entry on, with hashes that fit and a record of the newest entry that fits too."""
    rows = database.read_now(lambda tx: tx.all(sa.select(audit_entries).order_by(audit_entries.c.number)))
    previous = log.GENESIS if first == 1 else rows[first - 2]["hash"]
    for row in rows[first - 1 :]:
        forged = Entry(**{**row, "actor": f"{row['actor']} not", "previous": previous})
        previous = log.hash_of(forged)
        tamper(database, row["number"], actor=forged.actor, previous=forged.previous, hash=previous)
    set_head(database, len(rows), previous)


def stored(database: Database, number: int) -> dict[str, Any]:
    """Return a row as it is stored."""
    row = database.read_now(lambda tx: tx.one(sa.select(audit_entries).where(_is(number))))
    assert row is not None
    return dict(row)


def put_in(database: Database, row: dict[str, Any]) -> None:
    """Insert a row behind the log's back."""
    database.run_now(lambda tx: tx.execute(sa.insert(audit_entries).values(row)))


def _is(number: int) -> sa.ColumnElement[bool]:
    return audit_entries.c.number == number


def refuse_audit(database: Database) -> None:
    """Let every entry be refused from now on, as a database that is full would; SQLite only."""
    refuse = "CREATE TRIGGER refuse BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(ABORT, 'refused'); END"
    database.run_now(lambda tx: tx.execute(sa.text(refuse)))
