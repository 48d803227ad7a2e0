"""One shape for every list: `items`, and `next`, the cursor of the page after this one or null; also as the header `Link`.

A cursor names the last item that was shown, so that nothing is shown twice or left out where others come in meanwhile. It is
signed for its list: whoever changes it, or brings it to another list, is told so.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Final, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from ringfence.errors import Invalid
from ringfence.security.crypto import Vault

Item = TypeVar("Item")
Row = TypeVar("Row")

_PURPOSE: Final = "cursor"
_LONGEST: Final = 2_000
LARGEST: Final = 500

Cursor = Annotated[str | None, Query(max_length=_LONGEST, description="What the page before called `next`.")]
Limit = Annotated[int, Query(ge=1, le=LARGEST, description="How many items a page has at most.")]


class Listing(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next: str | None = Field(description="Give it as `cursor` to get the next page; null on the last.")


class Paging:
    """What was asked for of a list: where to begin, and how many."""

    def __init__(self, request: Request, response: Response, cursor: Cursor = None, limit: Limit = 100) -> None:
        self._request = request
        self._response = response
        self.limit = limit
        self.cursor = None if cursor is None else self._open(cursor)

    def listing(self, items: list[Item], after: str | None) -> Listing[Item]:
        """Return a page; `after` is where the next one begins, None on the last."""
        if after is None:
            return Listing(items=items, next=None)
        cursor = self._seal(after)
        address = self._request.url.include_query_params(cursor=cursor)
        self._response.headers["Link"] = f'<{address.path}?{address.query}>; rel="next"'
        return Listing(items=items, next=cursor)

    def of(
        self,
        rows: Iterable[Row],
        shown: Callable[[Row], Item],
        *,
        key: Callable[[Row], tuple[Any, ...]],
        newest_first: bool = False,
    ) -> Listing[Item]:
        """Return a page of what is at hand as a whole, in the order of a key that tells its items apart (texts and numbers)."""
        ordered = sorted(rows, key=key, reverse=newest_first)
        if self.cursor is not None:
            passed = self._key()
            try:
                ordered = [row for row in ordered if (key(row) < passed if newest_first else key(row) > passed)]
            except TypeError:
                raise _unusable() from None
        page = ordered[: self.limit]
        after = json.dumps(key(page[-1])) if len(ordered) > self.limit else None
        return self.listing([shown(row) for row in page], after)

    def _key(self) -> tuple[Any, ...]:
        try:
            return tuple(json.loads(self.cursor or ""))
        except (ValueError, TypeError):
            raise _unusable() from None

    def _seal(self, inner: str) -> str:
        signature = self._vault.sign(_PURPOSE, self._signed(inner))
        return f"{urlsafe_b64encode(inner.encode()).decode().rstrip('=')}~{signature}"

    def _open(self, cursor: str) -> str:
        body, _, signature = cursor.partition("~")
        try:
            inner = urlsafe_b64decode(body + "=" * (-len(body) % 4)).decode()
        except ValueError:
            raise _unusable() from None
        if not signature.isascii() or not self._vault.signed(_PURPOSE, self._signed(inner), signature):
            raise _unusable()
        return inner

    def _signed(self, inner: str) -> str:
        return f"{self._request.url.path}\n{inner}"

    @property
    def _vault(self) -> Vault:
        vault: Vault = self._request.app.state.vault()
        return vault


def _unusable() -> Invalid:
    return Invalid(
        "The cursor cannot be used for this list.",
        advice="Take it from `next` of the page before, as it is, or begin anew.",
    )


Paged = Annotated[Paging, Depends()]
"""Which page of a list is asked for."""
