"""/api/v1/changes: what changed, as a list to catch up with and as a stream of events (server-sent events).

A change names a thing and what happened to it, and no more: who wants to know how it stands now reads it. Numbers rise in the
order of commits, so that whoever has seen number n misses nothing by asking for what is above n.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import StreamingResponse

from ringfence.api.access import OrganizationId
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database, changes
from ringfence.storage.changes import Change as Seen

LONGEST: Final = 900.0
"""Seconds after which a stream ends, so that whoever follows it proves again who they are."""
HEARTBEAT: Final = 15.0
# Who may follow may have changed with these.
_WHO: Final = frozenset({"session", "token", "user", "organization"})
_LARGEST: Final = 500


class Change(BaseModel):
    """One thing that happened: `kind` is what happened to the `noun` with this id."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    noun: str
    noun_id: str
    kind: str
    at: AwareDatetime


class Changes(BaseModel):
    """Changes in the order of their numbers."""

    items: list[Change]
    last: int = Field(description="Give it as `after` to get what comes then.")


Number = Annotated[int, Query(ge=0, le=2**53)]
Nouns = Annotated[list[str] | None, Query(max_length=50, description="Only changes of these nouns.")]


def routes(database: Database, stopping: asyncio.Event) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/changes", tags=["changes"], dependencies=[needs(Permission.ORGANIZATION_READ)])

    @router.get("")
    async def listing(
        organization_id: OrganizationId,
        after: Annotated[int | None, Query(ge=0, le=2**53, description="The number that was seen last.")] = None,
        noun: Nouns = None,
        limit: Annotated[int, Query(ge=1, le=_LARGEST)] = 100,
    ) -> Changes:
        """List what changed above a number, the oldest first. Without one, say the newest number; they are kept for 7 days."""
        if after is None:
            return Changes(items=[], last=await database.read(changes.latest))
        found = await database.read(
            lambda tx: changes.after(tx, after, organization_id=organization_id, limit=limit, nouns=noun or ())
        )
        return Changes(items=[Change.model_validate(each) for each in found], last=found[-1].id if found else after)

    @router.get(
        "/stream",
        response_class=StreamingResponse,
        responses={
            200: {
                "description": "A stream of events.",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            }
        },
    )
    async def stream(
        organization_id: OrganizationId,
        after: Annotated[int | None, Query(ge=0, le=2**53, description="The number that was seen last.")] = None,
        noun: Nouns = None,
        last_event_id: Annotated[
            str | None, Header(max_length=40, description="What clients send that lost the connection.")
        ] = None,
    ) -> StreamingResponse:
        """Follow what changes, as server-sent events.

        Each event is one change, its id the number of it. The stream ends after 15 minutes; clients come again by themselves, and
        go on where they were.
        """
        asked = int(last_event_id) if last_event_id and last_event_id.isascii() and last_event_id.isdecimal() else after
        start = asked if asked is not None else await database.read(changes.latest)
        body = messages(database, stopping, organization_id, start, frozenset(noun or ()))
        return StreamingResponse(body, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    return router


async def messages(
    database: Database,
    stopping: asyncio.Event,
    organization_id: str,
    start: int,
    nouns: frozenset[str],
    *,
    heartbeat: float = HEARTBEAT,
    longest: float = LONGEST,
) -> AsyncGenerator[str, None]:
    """Yield the messages of one stream; without nouns, of all."""
    feed = changes.follow(database, start, organization_id=organization_id, gather=changes.GATHER)
    ending = asyncio.ensure_future(stopping.wait())
    loop = asyncio.get_running_loop()
    until = loop.time() + longest
    batch = asyncio.ensure_future(anext(feed))
    try:
        yield f"retry: 2000\nid: {start}\n\n"
        while (left := until - loop.time()) > 0:
            done, _ = await asyncio.wait(
                {batch, ending}, timeout=min(heartbeat, left), return_when=asyncio.FIRST_COMPLETED
            )
            if ending in done:
                return
            if batch not in done:
                yield ": here\n\n"
                continue
            found = batch.result()
            told = "".join(_message(each) for each in found if not nouns or each.noun in nouns)
            if told:
                yield told
            if any(each.noun in _WHO for each in found):
                return
            batch = asyncio.ensure_future(anext(feed))
    finally:
        for task in (ending, batch):
            task.cancel()
        await asyncio.gather(ending, batch, return_exceptions=True)
        await feed.aclose()  # type: ignore[attr-defined]


def _message(change: Seen) -> str:
    said = Change.model_validate(change).model_dump(mode="json")
    return f"event: change\nid: {change.id}\ndata: {json.dumps(said, separators=(',', ':'))}\n\n"
