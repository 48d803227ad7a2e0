"""What advanced hunting found, in one form for its three addresses, as much of it as a step's output holds."""

from typing import Annotated, Final, TypeAlias

from pydantic import Field

from ringfence.actions.fitting import fitting
from ringfence.playbooks.model import Json

MOST_ROWS: Final = 10_000

Query: TypeAlias = Annotated[
    str,
    Field(
        description="The question in KQL; bound it, e.g. by `| take 100`.",
        min_length=1,
        json_schema_extra={"format": "multi-line", "contentMediaType": "text/x-kql"},
    ),
]
Rows: TypeAlias = Annotated[
    int, Field(description=f"How many rows to keep at most, 1 to {MOST_ROWS}.", ge=1, le=MOST_ROWS)
]


def found_rows(answer: Json, most: int) -> dict[str, Json]:
    """Return `columns` (names in order), `rows` (one object each), `found` (how many there were) and `more` (some left out).

    The addresses differ in the letter case of their keys.
    """
    document = {name.lower(): value for name, value in answer.items()} if isinstance(answer, dict) else {}
    results, schema = document.get("results"), document.get("schema")
    given = results if isinstance(results, list) else []
    kept = fitting(given, most=most)
    columns: list[Json] = [
        {key.lower(): value for key, value in each.items()}.get("name")
        for each in (schema if isinstance(schema, list) else [])
        if isinstance(each, dict)
    ]
    return {"columns": columns, "rows": kept, "found": len(given), "more": len(kept) < len(given)}
