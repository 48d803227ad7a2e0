"""How SQLite goes about what is asked of it."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from ringfence.storage import Database, Transaction


def plans(database: Database, work: Callable[[Transaction], Any]) -> dict[str, list[str]]:
    """Return each query of some work with the steps of its plan."""
    asked: dict[str, Any] = {}

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if statement.startswith("SELECT"):
            asked[statement] = parameters

    sa.event.listen(database.engine, "before_cursor_execute", note)
    try:
        database.read_now(work)
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", note)
    with database.engine.connect() as connection:
        return {
            query: [str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", parameters)]
            for query, parameters in asked.items()
        }
