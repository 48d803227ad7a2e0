"""Lists as files for spreadsheets: the address of a list with `csv=1` gives all rows that its filters leave.

It has the columns that somebody chose to see, `csv=all` has all.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from fastapi import Query
from starlette.responses import StreamingResponse

from ringfence import clock, spreadsheet
from ringfence.storage import Database, Transaction

ALL: Final = "all"
AsCsv = Annotated[Literal["", "1", "true", "all"], Query(alias="csv")]
PIECE: Final = 500
"""So many rows are read at a time; the database is free between two pieces."""

Columns = Mapping[str, Callable[[Any], object]]
"""The head of each column, and how its cell is taken from a row."""

Fetch = Callable[[Transaction, str | None], tuple[Sequence[Any], str | None]]
"""Read up to PIECE rows from a cursor on, and return them with the cursor of the rest, None at the end."""


def download(database: Database, noun: str, columns: Columns, fetch: Fetch) -> StreamingResponse:
    """Answer with all rows of a list as CSV, named by its noun and this moment (UTC)."""

    async def lines() -> AsyncIterator[str]:
        # Spreadsheets take a file without this mark for one in the system's own code page.
        yield "\ufeff" + spreadsheet.line(columns)
        cursor: str | None = None
        while True:
            rows, cursor = await database.read(lambda tx, at=cursor: fetch(tx, at))  # type: ignore[misc]
            yield "".join(spreadsheet.line(cell(row) for cell in columns.values()) for row in rows)
            if cursor is None:
                return

    name = f"{noun}-{clock.now():%Y%m%d-%H%M%S}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(lines(), media_type=spreadsheet.TYPE, headers=headers)
