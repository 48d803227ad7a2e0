"""/api/v1/subscriptions: webhooks out. Who is told of changes, with which secret, and what was sent."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from ringfence.api.access import Author, OrganizationId
from ringfence.api.editing import IfMatch, demand, etag
from ringfence.api.listing import Listing, Paged
from ringfence.api.rotation import Rotation
from ringfence.clock import iso
from ringfence.notifications.delivery import Sender
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database, Transaction
from ringfence.subscriptions import records
from ringfence.subscriptions.model import LONGEST_ADDRESS, LONGEST_NAME, MOST_EVENTS, NOUNS, State, demand_address
from ringfence.subscriptions.model import Subscription as Subscribed

_MOST: Final = 10_000
Address = Annotated[str, Field(max_length=LONGEST_ADDRESS, description="Where messages are posted, by https.")]
Events = Annotated[
    list[Annotated[str, Field(max_length=100)]],
    Field(max_length=MOST_EVENTS, description="noun.kind, or noun.* for all of a noun; none for everything."),
]


class Subscription(BaseModel):
    """One subscription; `secrets` is how many sign now, `waiting` how many messages wait."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    address: str
    events: list[str]
    state: State
    detail: str = Field(description="What went wrong with the last message; empty where nothing did.")
    secrets: int
    waiting: int
    failures: int
    failing_since: AwareDatetime | None
    delivered_at: AwareDatetime | None
    next_at: AwareDatetime | None
    created_at: AwareDatetime
    created_by: str


class SubscriptionWithSecret(BaseModel):
    """A subscription and its new secret, which nobody can read again."""

    subscription: Subscription
    secret: str
    old_secrets_end_at: AwareDatetime | None = None


class NewSubscription(BaseModel):
    """A subscription to be made."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=LONGEST_NAME)]
    address: Address
    events: Events = []


class SubscriptionChanges(BaseModel):
    """What is to be changed; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    address: Address | None = None
    events: Events | None = None
    state: Literal["on", "paused"] | None = None


class SendingAttempt(BaseModel):
    """One time that a message was sent: the status that came, or what went wrong."""

    model_config = ConfigDict(from_attributes=True)

    at: AwareDatetime
    status: int | None
    error: str
    seconds: float


class SentMessage(BaseModel):
    """One message; its id is the `webhook-id`, the same each time that it is sent. `log` are the newest attempts."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    kind: str
    state: Literal["waiting", "delivered", "failed"]
    body: dict[str, Any]
    created_at: AwareDatetime
    delivered_at: AwareDatetime | None
    attempts: int
    log: list[SendingAttempt]


class SubscribableNoun(BaseModel):
    """What can be subscribed to, as `noun.*` or `noun.kind`; kinds are those of the change feed."""

    noun: str
    about: str


class _Editable(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str
    address: str
    events: list[str]
    state: State


def routes(database: Database, sender: Sender) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/subscriptions", tags=["subscriptions"], dependencies=[needs(Permission.WEBHOOK_READ)])
    manage = [needs(Permission.WEBHOOK_MANAGE)]

    def put(found: Subscribed, response: Response) -> Subscription:
        response.headers["ETag"] = _etag(found)
        # The ETag is of what people edit; how messages go changes with each of them.
        response.headers["Cache-Control"] = "no-store"
        return Subscription.model_validate(found)

    @router.get("")
    async def listing(organization_id: OrganizationId, paging: Paged) -> Listing[Subscription]:
        """List the subscriptions. Their secrets are never shown again."""
        found = await database.read(lambda tx: records.every(tx, organization_id))
        return paging.of(found, Subscription.model_validate, key=lambda each: (each.name, each.id))

    @router.get("/nouns")
    async def nouns(_: OrganizationId, paging: Paged) -> Listing[SubscribableNoun]:
        """List what can be subscribed to. What happens to each noun is told as it is in the change feed."""
        return paging.of(
            NOUNS, lambda noun: SubscribableNoun(noun=noun, about=NOUNS[noun][0]), key=lambda noun: (noun,)
        )

    @router.post("", status_code=201, dependencies=manage)
    async def make(author: Author, new: NewSubscription) -> SubscriptionWithSecret:
        """Make a subscription. Its secret is told now, and never again; only what happens from now on is sent."""
        address = demand_address(new.address, sender.allowed)
        made, secret = await database.run(
            lambda tx: records.add(
                tx, sender.vault, author.organization_id, new.name, address, new.events, by=author.name
            )
        )
        return SubscriptionWithSecret(subscription=Subscription.model_validate(made), secret=secret)

    @router.get("/{subscription}")
    async def one(organization_id: OrganizationId, subscription: str, response: Response) -> Subscription:
        """Show one subscription. Its ETag is wanted for changing it."""
        return put(await database.read(lambda tx: records.by_name(tx, organization_id, subscription)), response)

    @router.patch("/{subscription}", dependencies=manage)
    async def edit(
        author: Author, subscription: str, changes: SubscriptionChanges, response: Response, if_match: IfMatch = None
    ) -> Subscription:
        """Change a subscription, pause it or switch it on. What is left out stays; send the ETag that was read as If-Match."""
        address = None if changes.address is None else demand_address(changes.address, sender.allowed)

        def work(tx: Transaction) -> Subscribed:
            found = records.locked(tx, author.organization_id, subscription)
            demand(if_match, _etag(found))
            state = None if changes.state is None else State(changes.state)
            return records.change(
                tx,
                author.organization_id,
                found.id,
                by=author.name,
                address=address,
                events=changes.events,
                state=state,
            )

        return put(await database.run(work), response)

    @router.delete("/{subscription}", status_code=204, dependencies=manage)
    async def remove(author: Author, subscription: str) -> None:
        """Remove a subscription with the log of its messages. What waits is not sent any more."""
        await database.run(lambda tx: records.remove(tx, author.organization_id, subscription, by=author.name))

    @router.post("/{subscription}/rotate", dependencies=manage)
    async def rotate(author: Author, subscription: str, wanted: Rotation) -> SubscriptionWithSecret:
        """Give a subscription a new secret. It is told now, and never again; the ones before it sign too for a while."""
        found, secret, until = await database.run(
            lambda tx: records.rotate(
                tx, sender.vault, author.organization_id, subscription, keep=wanted.keep, by=author.name
            )
        )
        shown = Subscription.model_validate(found)
        return SubscriptionWithSecret(subscription=shown, secret=secret, old_secrets_end_at=until)

    @router.post("/{subscription}/test", status_code=202, dependencies=manage)
    async def try_(author: Author, subscription: str) -> SentMessage:
        """Send a message that says it is a test. It goes the way of all others: look at it by its id in the log."""
        made = await database.run(lambda tx: records.try_out(tx, author.organization_id, subscription))
        return SentMessage.model_validate(made)

    @router.get("/{subscription}/messages")
    async def messages(organization_id: OrganizationId, subscription: str, paging: Paged) -> Listing[SentMessage]:
        """List the messages of a subscription, the newest first. Each has the log of its attempts; they are kept for 14 days."""
        found = await database.read(
            lambda tx: records.sent(tx, records.by_name(tx, organization_id, subscription), limit=_MOST)
        )
        return paging.of(
            found, SentMessage.model_validate, key=lambda each: (iso(each.created_at), each.id), newest_first=True
        )

    @router.post("/{subscription}/messages/{message_id}/redeliver", status_code=202, dependencies=manage)
    async def redeliver(author: Author, subscription: str, message_id: str) -> SentMessage:
        """Send a message once more. It has the id that it had, by which receivers know it again."""
        made = await database.run(
            lambda tx: records.again(tx, author.organization_id, subscription, message_id, by=author.name)
        )
        return SentMessage.model_validate(made)

    return router


def _etag(found: Subscribed) -> str:
    return etag(_Editable.model_validate(found))
