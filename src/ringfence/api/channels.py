"""/api/v1/channels and /api/v1/notifications: where people are told, and what they were told."""

from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from ringfence.api.access import Author, OrganizationId
from ringfence.api.editing import IfMatch, demand
from ringfence.api.listing import Listing, Paged
from ringfence.clock import iso
from ringfence.notifications import channels, editing, outbox
from ringfence.notifications.delivery import Sender, try_out
from ringfence.notifications.editing import Wanted
from ringfence.notifications.events import KINDS, Event
from ringfence.notifications.shapes import new_channel
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database, Transaction

_MOST: Final = 10_000
Text = Annotated[str, Field(max_length=1_000)]


class Channel(BaseModel):
    """One channel; `shown` is where it leads to without what is secret, an empty `events` means all."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    kind: str
    shown: str
    person: str | None
    events: list[str]
    pause: float
    quiet: str
    created_at: AwareDatetime
    created_by: str
    failures: int
    error: str
    delivered_at: AwareDatetime | None
    by_rules: bool


class NewChannel(BaseModel):
    """A channel to be made: a service by its `address`, or mail `to` somebody by a mail server."""

    model_config = ConfigDict(extra="forbid")

    name: Text
    address: Annotated[Text, Field(description="Address of a service as apprise writes it; it is sealed.")] = ""
    to: Annotated[list[Text], Field(max_length=50)] = []
    host: Text = ""
    port: Annotated[int | None, Field(ge=1, le=65_535)] = None
    security: Annotated[Text, Field(description="starttls, tls or none.")] = "starttls"
    sender: Text = ""
    user: Text = ""
    password: Annotated[Text, Field(description="It is sealed, and never shown.")] = ""
    person: Annotated[Text, Field(description="Who alone reads it: links in it answer in this name.")] = ""
    events: Annotated[list[Text], Field(max_length=50)] = []
    pause: Annotated[float, Field(ge=0, le=86_400, description="Seconds between two messages.")] = channels.PAUSE
    quiet: Annotated[Text, Field(description="22:00-06:00 Europe/Berlin")] = ""
    by_rules: Annotated[bool, Field(description="Only what a rule sends there.")] = False


class ChannelChanges(BaseModel):
    """What is to be changed of a channel; what is left out, or null, stays."""

    model_config = ConfigDict(extra="forbid")

    name: Text | None = Field(None, description="Rules that name it follow; a conflict where a playbook names it.")
    address: Text | None = Field(None, description="Another address of a service; it is sealed.")
    to: Annotated[list[Text], Field(max_length=50)] | None = None
    host: Text | None = Field(None, description="With another server or user, the password is given again.")
    port: Annotated[int, Field(ge=0, le=65_535)] | None = Field(None, description="0 for the usual one.")
    security: Text | None = Field(None, description="starttls, tls or none.")
    sender: Text | None = Field(None, description="Empty for the first address.")
    user: Text | None = None
    password: Text | None = Field(None, description="It is sealed, and never shown.")
    person: Text | None = Field(None, description="Who alone reads it; empty where several do.")
    events: Annotated[list[Text], Field(max_length=50)] | None = Field(None, description="An empty list means all.")
    pause: Annotated[float, Field(ge=0, le=86_400)] | None = None
    quiet: Text | None = Field(None, description="22:00-06:00 Europe/Berlin; empty for none.")
    by_rules: bool | None = None


class NotificationEvent(BaseModel):
    """Something that people can be told of; `stands`: they are reminded while it stands."""

    event: str
    about: str
    urgent: bool
    stands: bool


class Notification(BaseModel):
    """One thing on its way to one channel; state: waiting, sent, dropped or failed."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    notice_id: str
    channel: str
    event: str
    title: str
    detail: str
    path: str
    round: int
    state: str
    said: str
    attempts: int
    created_at: AwareDatetime
    due_at: AwareDatetime
    next_at: Annotated[AwareDatetime | None, Field(description="When it goes at the earliest, while it waits.")]
    waits_for: Annotated[
        outbox.Wait | None,
        Field(description="Why not now: quiet hours, an escalation, another attempt, or the channel's pause."),
    ]
    sent_at: AwareDatetime | None
    taken_by: str | None


def routes(database: Database, sender: Sender) -> APIRouter:
    """Return the routes of these nouns."""
    router = APIRouter(tags=["notifications"], dependencies=[needs(Permission.NOTIFICATION_READ)])

    @router.get("/channels")
    async def listing(organization_id: OrganizationId, paging: Paged) -> Listing[Channel]:
        """List the channels by which people are told. Where they lead to is shown without what is secret."""
        found = await database.read(lambda tx: channels.every(tx, organization_id))
        return paging.of(found, Channel.model_validate, key=lambda each: (each.name, each.id))

    @router.post("/channels", status_code=201, dependencies=[needs(Permission.NOTIFICATION_MANAGE)])
    async def make(author: Author, new: NewChannel) -> Channel:
        """Make a channel: a service by its address, or mail.

        What is secret in it is sealed, and never shown again.
        """
        wanted = new_channel(**new.model_dump())
        made = await database.run(
            lambda tx: channels.add(tx, sender.vault, author.organization_id, wanted, by=author.name)
        )
        return Channel.model_validate(made)

    @router.get("/channels/events")
    async def events(_: OrganizationId, paging: Paged) -> Listing[NotificationEvent]:
        """List what people can be told of. Those that are urgent come through quiet hours."""
        return paging.of(KINDS, _event, key=lambda each: (each.value,))

    @router.get("/channels/{channel_id}")
    async def one(organization_id: OrganizationId, channel_id: str, response: Response) -> Channel:
        """Show one channel. Its ETag is wanted for changing it."""

        def look(tx: Transaction) -> tuple[channels.Channel, str]:
            found = channels.by_name(tx, organization_id, channel_id)
            return found, editing.version(tx, found)

        found, version = await database.read(look)
        response.headers["ETag"] = f'"{version}"'
        # The ETag is of what people change; how the channel does changes with each message.
        response.headers["Cache-Control"] = "no-store"
        return Channel.model_validate(found)

    @router.patch("/channels/{channel_id}", dependencies=[needs(Permission.NOTIFICATION_MANAGE)])
    async def change(
        author: Author, channel_id: str, changes: ChannelChanges, response: Response, if_match: IfMatch = None
    ) -> Channel:
        """Change a channel. What is left out stays, and so does what waits for it; send the ETag that was read as If-Match.

        One that failed is tried again at once.
        """
        wanted = Wanted(**changes.model_dump())

        def work(tx: Transaction) -> tuple[channels.Channel, str]:
            found = channels.locked(tx, author.organization_id, channel_id)
            demand(if_match, f'"{editing.version(tx, found)}"')
            made = editing.change(tx, sender.vault, author.organization_id, found.id, wanted, by=author.name)
            return made, editing.version(tx, made)

        made, version = await database.run(work)
        response.headers["ETag"] = f'"{version}"'
        return Channel.model_validate(made)

    @router.post("/channels/{channel_id}/test", status_code=204, dependencies=[needs(Permission.NOTIFICATION_MANAGE)])
    async def try_(author: Author, channel_id: str) -> None:
        """Send a test message by a channel. It is sent at once; an error says what the other side did not take."""
        await try_out(database, sender, author.organization_id, channel_id)

    @router.delete("/channels/{channel_id}", status_code=204, dependencies=[needs(Permission.NOTIFICATION_MANAGE)])
    async def remove(author: Author, channel_id: str) -> None:
        """Remove a channel. What is on its way by it is not sent any more."""
        await database.run(lambda tx: channels.remove(tx, author.organization_id, channel_id))

    @router.get("/notifications")
    async def told(organization_id: OrganizationId, paging: Paged) -> Listing[Notification]:
        """List what people were told, the newest first. Each line is one notice on its way to one channel."""
        found = await database.read(lambda tx: outbox.listed(tx, organization_id, limit=_MOST))
        return paging.of(
            found, Notification.model_validate, key=lambda each: (iso(each.created_at), each.id), newest_first=True
        )

    return router


def _event(event: Event) -> NotificationEvent:
    kind = KINDS[event]
    return NotificationEvent(event=event.value, about=kind.about, urgent=kind.urgent, stands=kind.stands)
