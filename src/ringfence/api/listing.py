"""One shape for every list: `items`, and `next`, the cursor of the page after this one or null."""

from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

Item = TypeVar("Item")

Cursor = Annotated[str | None, Query(max_length=200, description="What the page before called `next`.")]
Limit = Annotated[int, Query(ge=1, le=500, description="How many items a page has at most.")]


class Listing(BaseModel, Generic[Item]):
    """One page of a list, newest first."""

    items: list[Item]
    next: str | None = Field(description="Give it as `cursor` to get the next page; null on the last.")
