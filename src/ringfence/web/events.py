"""GET /events: the live stream. It begins with a snapshot marker; each message may be seen twice without harm.

`event: snapshot` says from which number the stream goes on; `event: changed` names what changed (or nothing, where too much
was missed to name it) and asks the page to fetch its content again. `id` is the number of the change feed, so that a browser
that lost the connection goes on where it was.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Header
from starlette.requests import Request
from starlette.responses import StreamingResponse

from ringfence import clock
from ringfence.errors import Invalid
from ringfence.security import sessions
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.security.sessions import Session
from ringfence.storage import Transaction, changes
from ringfence.storage.changes import Change
from ringfence.web.cookies import session_token
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

NOUNS = frozenset(
    {
        "account",
        "alert",
        "app",
        "approval",
        "brake",
        "channel",
        "containment",
        "destination",
        "drill",
        "http_account",
        "incident",
        "isolation",
        "notification",
        "playbook",
        "policy",
        "rejected_alert",
        "response",
        "run",
        "service",
        "subscription",
        "table",
        "trial",
        "webhook",
    }
)
HEARTBEAT = 15.0
_MOST_TOPICS = 20
_NAMED = 100


@dataclass(frozen=True, slots=True)
class Topics:
    """What a stream is about: whole nouns, and single things."""

    nouns: frozenset[str]
    things: frozenset[tuple[str, str]]

    @classmethod
    def read(cls, text: str) -> "Topics":
        """Read `alert,run:ID`; raise Invalid for a noun that there is not."""
        wanted = [part.partition(":") for part in text.split(",") if part]
        unknown = sorted({noun for noun, _, _ in wanted} - NOUNS)
        if unknown or not wanted or len(wanted) > _MOST_TOPICS:
            raise Invalid(
                f"There is no live topic {unknown[0][:40]!r}." if unknown else "Give one to 20 topics.",
                advice=f"Topics are {', '.join(sorted(NOUNS))}, or one thing as noun:id.",
            )
        return cls(
            frozenset(noun for noun, _, thing in wanted if not thing),
            frozenset((noun, thing) for noun, _, thing in wanted if thing),
        )

    def match(self, change: Change) -> bool:
        """Whether the page wants to hear of a change."""
        return change.noun in self.nouns or (change.noun, change.noun_id) in self.things


def message(event: str, number: int, data: object) -> str:
    """Return one message of the stream."""
    return f"event: {event}\nid: {number}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


def changed(batch: list[Change]) -> str:
    """Return the one message that stands for a batch, so that a burst of alerts is fetched once and not a thousand times."""
    named = {(change.noun, change.noun_id, change.kind): None for change in batch[-_NAMED:]}
    things = [{"noun": noun, "id": thing, "kind": kind} for noun, thing, kind in named]
    return message("changed", batch[-1].id, {"changes": things})


def _start(tx: Transaction, asked: int | None) -> tuple[int, bool]:
    """Return the number to go on from, and whether something before it may have been missed."""
    newest = changes.latest(tx)
    if asked is None:
        return newest, False
    # After a restore the feed may be shorter than what a browser remembers; old numbers are forgotten after some days.
    oldest = next(iter(changes.after(tx, 0, limit=1)), None)
    missed = asked > newest or (oldest is not None and asked < oldest.id - 1)
    return (newest if missed else asked), missed


def routes(services: Services) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.ORGANIZATION_READ)])

    @router.get("/events")
    async def stream(
        request: Request,
        session: SignedIn,
        topics: str = "",
        after: int | None = None,
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> StreamingResponse:
        wanted = Topics.read(topics)
        asked = int(last_event_id) if last_event_id and last_event_id.isdecimal() else after
        token = session_token(request, services.settings) or ""
        body = messages(services, session, token, wanted, asked)
        return StreamingResponse(body, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    return router


async def messages(
    services: Services,
    session: Session,
    token: str,
    topics: Topics,
    asked: int | None,
    *,
    heartbeat: float = HEARTBEAT,
) -> AsyncGenerator[str, None]:
    """Yield the messages of one stream until the session or the server ends; `asked` is the number to go on from."""
    database = services.database
    start, missed = await database.read(lambda tx: _start(tx, asked))
    yield message("snapshot", start, {"from": start})
    if missed:
        yield message("changed", start, {"changes": []})
    feed = changes.follow(database, start, organization_id=session.user.organization_id, gather=changes.GATHER)
    stopping = asyncio.ensure_future(services.stopping.wait())
    batch = asyncio.ensure_future(anext(feed))
    try:
        while True:
            left = (session.expires_at - clock.now()).total_seconds()
            done, _ = await asyncio.wait(
                {batch, stopping}, timeout=min(heartbeat, max(left, 0.0)), return_when=asyncio.FIRST_COMPLETED
            )
            if stopping in done:
                return
            found = batch.result() if batch in done else []
            ended = not found or any(change.noun == "session" for change in found)
            if ended and await database.read(lambda tx: sessions.find(tx, token)) is None:
                return
            told = [change for change in found if topics.match(change)]
            if told:
                yield changed(told)
            elif not done:
                yield ": here\n\n"
            if batch in done:
                batch = asyncio.ensure_future(anext(feed))
    finally:
        for task in (stopping, batch):
            task.cancel()
        await asyncio.gather(stopping, batch, return_exceptions=True)
        await feed.aclose()  # type: ignore[attr-defined]
