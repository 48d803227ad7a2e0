"""A connector in one file, as another package would bring it: a trigger service, and an action beside it."""

import json
from typing import Annotated, Literal

from pydantic import Field

from ringfence.actions import ActionError, Connector, Context, Effect, Event, Json, Poll, Polled, Release

connector = Connector(
    "contoso_tickets",
    title="Contoso tickets",
    version="1.2.0",
    description="Tickets of Contoso's service desk.",
    category="Ticketing",
    publisher="Contoso",
    releases=(Release("1.2.0", "2026-11-02", "Tickets start playbooks."),),
)


@connector.trigger_service(title="Contoso tickets", timeout=20)
async def opened(
    poll: Poll,
    account: Annotated[str, Field(description="The HTTP account with which tickets are read.")],
    queue: Annotated[str, Field(description="Which queue is read.", min_length=1)],
    least: Annotated[Literal["low", "high"], Field(description="The least priority that counts.")] = "low",
    closed: Annotated[bool, Field(description="Whether closed tickets count, too.")] = False,
) -> Polled:
    """Read the tickets that were opened since the last poll."""
    query = {"queue": queue, "after": str(poll.cursor or 0), "least": least, "closed": str(closed).lower()}
    answer = await poll.get("tickets", account=account, query=query)
    if answer.status != 200:
        advice = "Look at the account and its rights."
        message = f"The service desk answered with status {answer.status}."
        raise ActionError(message, code="not-read", permanent=False, advice=advice)
    tickets = json.loads(answer.body)
    events = [Event(str(each["number"]), each) for each in tickets]
    return Polled(events, cursor=tickets[-1]["number"] if tickets else poll.cursor)


@connector.action(effect=Effect.PURE)
async def link(_: Context, number: Annotated[int, Field(description="The ticket's number.")]) -> Json:
    """Give the address of a ticket."""
    return {"address": f"https://tickets.contoso.com/{number}"}
