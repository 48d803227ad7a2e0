"""What the filter forms share: the search text, the cursor, and the address of the next page."""

from typing import Annotated

from fastapi import Query
from starlette.requests import Request

Search = Annotated[str, Query(max_length=200)]
Cursor = Annotated[str | None, Query(max_length=200)]


def more_address(request: Request, cursor: str | None) -> str | None:
    """Return the address of the next page with the filters of this one, None on the last."""
    if cursor is None:
        return None
    url = request.url.include_query_params(cursor=cursor)
    return f"{url.path}?{url.query}"
