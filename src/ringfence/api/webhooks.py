"""/api/v1/webhooks: addresses whose messages start playbooks."""

from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ringfence.api.access import Author, OrganizationId
from ringfence.api.listing import Listing, Paged
from ringfence.api.rotation import Rotation
from ringfence.clock import iso
from ringfence.listeners import refusals, webhooks
from ringfence.listeners.answers import LONGEST
from ringfence.notifications.delivery import Sender
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database, Transaction

_MOST: Final = 10_000
Patience = Annotated[float, Field(ge=0, le=LONGEST, description="Seconds for which a sender waits for the answer.")]


class Webhook(BaseModel):
    """One webhook; messages are posted to `address`, and `secrets` is how many sign them now."""

    id: str
    name: str
    address: str
    answer_within: float
    enabled: bool = Field(
        description="Whether it takes messages; where it is off, senders are refused as at no address."
    )
    secrets: int
    last_received_at: AwareDatetime | None
    created_at: AwareDatetime
    created_by: str


class WebhookWithSecret(BaseModel):
    """A webhook and its new secret, which nobody can read again."""

    webhook: Webhook
    secret: str
    old_secrets_end_at: AwareDatetime | None = None


class NewWebhook(BaseModel):
    """A webhook to be made."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=webhooks.LONGEST_NAME)]
    answer_within: Patience = 0.0


class WebhookChanges(BaseModel):
    """What is to be changed; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    answer_within: Patience | None = None
    enabled: bool | None = None


class StartOutcome(BaseModel):
    """What something that came meant for one playbook that listens."""

    model_config = ConfigDict(from_attributes=True)

    playbook: str
    started: bool
    reason: str
    run_id: str | None


class ReceivedMessage(BaseModel):
    """A message that was accepted; `size` is in bytes."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    message_id: str
    size: int
    received_at: AwareDatetime
    outcomes: list[StartOutcome]


class RefusedMessage(BaseModel):
    """A message that was refused, without anything of what was in it.

    `address` is where it came from; `size` is in bytes as far as it was known.
    """

    model_config = ConfigDict(from_attributes=True)

    id: str
    reason: refusals.Reason
    said: str = Field(description="The reason in a sentence.")
    at: AwareDatetime
    address: str
    size: int | None


class RefusalCount(BaseModel):
    """How many messages were refused on a day (UTC) for a reason; `dropped` of them were only counted."""

    model_config = ConfigDict(from_attributes=True)

    day: str
    reason: refusals.Reason
    refused: int
    dropped: int


def routes(database: Database, sender: Sender) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/webhooks", tags=["webhooks"], dependencies=[needs(Permission.WEBHOOK_READ)])
    manage = [needs(Permission.WEBHOOK_MANAGE)]

    def shown(found: webhooks.Webhook) -> Webhook:
        values = {name: getattr(found, name) for name in Webhook.model_fields if name != "address"}
        return Webhook.model_validate(values | {"address": f"{sender.address}{found.path}"})

    @router.get("")
    async def listing(organization_id: OrganizationId, paging: Paged) -> Listing[Webhook]:
        """List the webhooks. Their secrets are never shown again."""
        found = await database.read(lambda tx: webhooks.every(tx, organization_id))
        return paging.of(found, shown, key=lambda each: (each.name, each.id))

    @router.post("", status_code=201, dependencies=manage)
    async def make(author: Author, new: NewWebhook) -> WebhookWithSecret:
        """Make a webhook. Its secret is told now, and never again."""
        made, secret = await database.run(
            lambda tx: webhooks.add(
                tx, sender.vault, author.organization_id, new.name, author.name, answer_within=new.answer_within
            )
        )
        return WebhookWithSecret(webhook=shown(made), secret=secret)

    @router.get("/{webhook}")
    async def one(organization_id: OrganizationId, webhook: str) -> Webhook:
        """Show one webhook. It is found by name or id."""
        return shown(await database.read(lambda tx: webhooks.by_name(tx, organization_id, webhook)))

    @router.patch("/{webhook}", dependencies=manage)
    async def edit(author: Author, webhook: str, changes: WebhookChanges) -> Webhook:
        """Switch a webhook off or on, or say for how long senders wait for an answer. What was accepted before stays."""

        def work(tx: Transaction) -> webhooks.Webhook:
            found = webhooks.by_name(tx, author.organization_id, webhook)
            if changes.answer_within is not None:
                found = webhooks.wait_for_answers(tx, author.organization_id, found.id, changes.answer_within)
            if changes.enabled is not None:
                found = webhooks.switch(tx, author.organization_id, found.id, enabled=changes.enabled)
            return found

        return shown(await database.run(work))

    @router.post("/{webhook}/rotate", dependencies=manage)
    async def rotate(author: Author, webhook: str, wanted: Rotation) -> WebhookWithSecret:
        """Give a webhook a new secret. It is told now, and never again; the ones before it stay valid for a while."""
        found, secret, until = await database.run(
            lambda tx: webhooks.rotate(tx, sender.vault, author.organization_id, webhook, keep=wanted.keep)
        )
        return WebhookWithSecret(webhook=shown(found), secret=secret, old_secrets_end_at=until)

    @router.delete("/{webhook}", status_code=204, dependencies=manage)
    async def remove(author: Author, webhook: str) -> None:
        """Remove a webhook. Its address takes nothing more, and runs that it started go on."""
        await database.run(lambda tx: webhooks.remove(tx, author.organization_id, webhook))

    @router.get("/{webhook}/messages")
    async def messages(organization_id: OrganizationId, webhook: str, paging: Paged) -> Listing[ReceivedMessage]:
        """List what came to a webhook, the newest first. Each says why it did or did not start every playbook that listens."""
        found = await database.read(
            lambda tx: webhooks.deliveries(tx, webhooks.by_name(tx, organization_id, webhook), limit=_MOST)
        )
        return paging.of(
            found, ReceivedMessage.model_validate, key=lambda each: (iso(each.received_at), each.id), newest_first=True
        )

    @router.get("/{webhook}/refusals")
    async def refused(organization_id: OrganizationId, webhook: str, paging: Paged) -> Listing[RefusedMessage]:
        """List the newest messages that a webhook refused, and why. The newest 200 of 30 days are kept."""
        found = await database.read(lambda tx: refusals.newest(tx, webhooks.by_name(tx, organization_id, webhook).id))
        return paging.of(
            found, RefusedMessage.model_validate, key=lambda each: (iso(each.at), each.id), newest_first=True
        )

    @router.get("/{webhook}/refusal-counts")
    async def counted(organization_id: OrganizationId, webhook: str, paging: Paged) -> Listing[RefusalCount]:
        """Count the messages that a webhook refused, by day and reason. Every refusal of 30 days is counted."""
        found = await database.read(lambda tx: refusals.by_day(tx, webhooks.by_name(tx, organization_id, webhook).id))
        return paging.of(
            found, RefusalCount.model_validate, key=lambda each: (each.day, each.reason.value), newest_first=True
        )

    return router
