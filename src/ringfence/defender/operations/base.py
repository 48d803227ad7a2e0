"""What each noun's operations are made of: find the row, send it to its API, read the kind of reply it promises."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from ringfence.defender.catalogue import OPERATIONS, Api
from ringfence.defender.clouds import is_loopback
from ringfence.defender.errors import InvalidArgument, MalformedReply
from ringfence.defender.exchange import Reply
from ringfence.defender.replies import parse_json, parse_object
from ringfence.defender.session import Payload, Query, Session
from ringfence.defender.wire import Document

LONGEST_LOOK_BACK: Final = 720
LARGEST_DOWNLOAD: Final = 256 * 1024 * 1024

D = TypeVar("D", bound=Document)
Pages = AsyncIterator[list[dict[str, Any]]]


class Operations(ABC):
    """The ways to send an operation; `parts` fill the holes of its path and are percent-encoded already."""

    @abstractmethod
    def _session_of(self, api: Api) -> Session:
        """Return the session of an API."""

    async def _entity(
        self,
        operation_id: str,
        model: type[D],
        *parts: str,
        query: Query | None = None,
        body: Payload = None,
        effect: bool = False,
    ) -> D:
        """Send an operation that answers with one document."""
        operation = OPERATIONS[operation_id]
        return await self._session_of(operation.api).call(
            operation,
            operation.address(*parts),
            read=lambda reply: model.parse(parse_object(reply.body)),
            query=query,
            body=body,
            effect=effect,
        )

    async def _nothing(self, operation_id: str, *parts: str, body: Payload = None, effect: bool = False) -> None:
        """Send an operation that answers with an empty body: any 2xx will do, recordings differ from the pages."""
        operation = OPERATIONS[operation_id]
        await self._session_of(operation.api).call(
            operation, operation.address(*parts), read=lambda _: None, body=body, effect=effect
        )

    async def _value(
        self, operation_id: str, model: type[D], *parts: str, body: Payload = None, effect: bool = False
    ) -> list[D]:
        """Send an operation that changes something and answers with a list."""
        operation = OPERATIONS[operation_id]

        def read(reply: Reply) -> list[D]:
            items = parse_object(reply.body).get("value")
            if not isinstance(items, list):
                raise MalformedReply("The reply has no list of values.")
            return [model.parse(item) for item in items]

        return await self._session_of(operation.api).call(
            operation, operation.address(*parts), read=read, body=body, effect=effect
        )

    async def _count(self, operation_id: str, *parts: str, query: Query | None = None) -> int:
        """Send an operation that answers with a bare number."""
        operation = OPERATIONS[operation_id]
        return await self._session_of(operation.api).call(
            operation, operation.address(*parts), read=_number, query=query
        )

    async def _link(self, operation_id: str, *parts: str) -> str:
        """Send an operation that answers with the address of a download."""
        operation = OPERATIONS[operation_id]
        return await self._session_of(operation.api).call(operation, operation.address(*parts), read=_address)

    async def _file(self, operation_id: str, *parts: str, largest: int) -> AsyncGenerator[bytes, None]:
        """Ask for the address of a download and fetch the file, without ever letting a caller choose the address."""
        address = await self._link(operation_id, *parts)
        fetched = self._session_of(OPERATIONS[operation_id].api).download(address, largest=largest)
        async with aclosing(fetched) as parts_of_file:
            async for part in parts_of_file:
                yield part

    def _pages(
        self, operation_id: str, *parts: str, query: Query | None = None, top: int | None = None, skip: int = 0
    ) -> Pages:
        """Return the pages of a collection as raw documents."""
        operation = OPERATIONS[operation_id]
        return self._session_of(operation.api).pages(
            operation, operation.address(*parts), query=query, top=top, skip=skip
        )

    async def _collect(self, operation_id: str, model: type[D], *parts: str, query: Query | None = None) -> list[D]:
        """Read a whole collection; one document that cannot be read fails it, since a list must not lie by omission."""
        pages = self._pages(operation_id, *parts, query=query)
        return [model.parse(item) async for page in pages for item in page]

    async def _list(
        self,
        operation_id: str,
        model: type[D],
        *parts: str,
        query: Query | None = None,
        top: int | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[D]:
        """Yield the documents of a collection, at most `limit`, each page fetched when it is wanted.

        Those that cannot be read do not cost the others: MalformedReply is raised after the last good one, unless the
        limit was reached before.
        """
        if limit is not None and top is not None:
            top = max(1, min(top, limit))
        faults: list[MalformedReply] = []
        left = limit
        async for page in self._pages(operation_id, *parts, query=query, top=top):
            for item in page:
                if left is not None and left <= 0:
                    return
                try:
                    document = model.parse(item)
                except MalformedReply as fault:
                    faults.append(fault)
                    continue
                if left is not None:
                    left -= 1
                yield document
            if left is not None and left <= 0:
                return
        if faults:
            raise MalformedReply(f"{len(faults)} of the documents could not be read; the first: {faults[0].message}")


def required(text: str, what: str) -> str:
    """Return a text that must say something, or raise InvalidArgument."""
    if not text.strip():
        raise InvalidArgument(f"The {what} is empty.", advice="The service demands it; say what is meant.")
    return text


def reason(comment: str) -> str:
    """Return the comment of an action, or raise InvalidArgument if it says nothing."""
    if not comment.strip():
        raise InvalidArgument("The comment is empty.", advice="Say why: the service demands a comment and keeps it.")
    return comment


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that are not None; raise InvalidArgument if none is left."""
    body = {name: value for name, value in values.items() if value is not None}
    if not body:
        raise InvalidArgument("Nothing to change was given.", advice="Pass a status, an owner, a comment or the like.")
    return body


def batch(items: list[str], what: str, most: int | None = None) -> list[str]:
    """Return a list that may be sent at once, or raise InvalidArgument."""
    if not items or not all(item.strip() for item in items):
        raise InvalidArgument(f"There are no {what}, or one of them is empty.", advice="Pass at least one, none empty.")
    if most is not None and len(items) > most:
        raise InvalidArgument(f"{len(items)} {what} are too many at once.", advice=f"Send at most {most}.")
    return items


def sha1(value: str) -> str:
    """Return a SHA-1 hash in lower case, or raise InvalidArgument."""
    digits = value.strip().lower()
    if len(digits) != 40 or not set(digits) <= set("0123456789abcdef"):
        raise InvalidArgument(f"{value[:80]!r} is not a SHA-1 hash.", advice="Pass 40 hex digits.")
    return digits


def look_back(hours: int | None) -> Query:
    """Return the query for how far back to look, or raise InvalidArgument."""
    if hours is None:
        return {}
    if not 1 <= hours <= LONGEST_LOOK_BACK:
        raise InvalidArgument(f"{hours} hours cannot be looked back.", advice=f"Pass 1 to {LONGEST_LOOK_BACK}.")
    return {"lookBackHours": hours}


def _number(reply: Reply) -> int:
    value = parse_json(reply.body)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise MalformedReply("The reply is not a number.")
    return value


def _address(reply: Reply) -> str:
    value = parse_object(reply.body).get("value")
    # A documented example wraps the address in a second pair of quotation marks.
    address = value.strip().strip('"') if isinstance(value, str) else ""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))):
        raise MalformedReply("The reply has no address of a download.")
    return address
