"""/api/v1/mailboxes: mailboxes whose mails start playbooks."""

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ringfence.api.access import Author, OrganizationId
from ringfence.api.listing import Listing, Paged
from ringfence.api.webhooks import StartOutcome
from ringfence.clock import iso
from ringfence.listeners import mailboxes
from ringfence.listeners.imap import Connection
from ringfence.listeners.mailboxes import Afterwards, MailboxState, Tls
from ringfence.notifications.delivery import Sender
from ringfence.security.access import needs
from ringfence.security.egress import guarded
from ringfence.security.rbac import Permission
from ringfence.storage import Database

_MOST: Final = 10_000
Text = Annotated[str, Field(min_length=1, max_length=300)]


class Mailbox(BaseModel):
    """One mailbox, without its password; `state_reason` says why it is not followed."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    host: str
    port: int
    tls: Tls
    username: str
    folder: str
    afterwards: Afterwards
    move_to: str | None
    state: MailboxState
    state_reason: str
    created_at: AwareDatetime
    read_at: AwareDatetime | None


class NewMailbox(BaseModel):
    """A mailbox to be connected; `ca` are certificates in PEM to trust instead of the system's."""

    model_config = ConfigDict(extra="forbid")

    name: Text
    host: Text
    port: Annotated[int, Field(ge=1, le=65_535)] = 993
    tls: Tls = Tls.IMPLICIT
    username: Text
    password: Annotated[str, Field(min_length=1, max_length=1_000, description="It is sealed, and never shown.")]
    folder: Text = "INBOX"
    afterwards: Afterwards = Afterwards.SEEN
    move_to: Text | None = None
    ca: Annotated[str | None, Field(max_length=100_000)] = None


class ReceivedMail(BaseModel):
    """A mail that was dealt with; `size` is in bytes."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    message_id: str
    sender: str
    subject: str
    size: int
    seen_at: AwareDatetime
    outcomes: list[StartOutcome]


def routes(database: Database, sender: Sender) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/mailboxes", tags=["mailboxes"], dependencies=[needs(Permission.WEBHOOK_READ)])
    manage = [needs(Permission.WEBHOOK_MANAGE)]

    @router.get("")
    async def listing(organization_id: OrganizationId, paging: Paged) -> Listing[Mailbox]:
        """List the mailboxes and whether they are followed. Their passwords are never shown."""
        found = await database.read(lambda tx: mailboxes.every(tx, organization_id))
        return paging.of(found, Mailbox.model_validate, key=lambda each: (each.name, each.id))

    @router.post("", status_code=201, dependencies=manage)
    async def make(author: Author, wanted: NewMailbox) -> Mailbox:
        """Connect a mailbox. It is signed in to once, and stored if that works; mails that are in it already start nothing."""
        new = mailboxes.NewMailbox(**wanted.model_dump())
        mailboxes.check(new)

        def connect() -> tuple[int, int]:
            with guarded(sender.allowed):
                connection = Connection(new, new.password)
                connection.close()
            return connection.uid_validity, connection.next_uid - 1

        validity, last = await asyncio.to_thread(connect)
        made = await database.run(
            lambda tx: mailboxes.add(
                tx, sender.vault, author.organization_id, new, uid_validity=validity, last_uid=last
            )
        )
        return Mailbox.model_validate(made)

    @router.get("/{mailbox}")
    async def one(organization_id: OrganizationId, mailbox: str) -> Mailbox:
        """Show one mailbox. It is found by name or id."""
        found = await database.read(lambda tx: mailboxes.by_name(tx, organization_id, mailbox))
        return Mailbox.model_validate(found)

    @router.delete("/{mailbox}", status_code=204, dependencies=manage)
    async def remove(author: Author, mailbox: str) -> None:
        """Disconnect a mailbox and forget its password. Runs that it started go on."""
        await database.run(lambda tx: mailboxes.remove(tx, author.organization_id, mailbox))

    @router.get("/{mailbox}/messages")
    async def messages(organization_id: OrganizationId, mailbox: str, paging: Paged) -> Listing[ReceivedMail]:
        """List what came to a mailbox, the newest first. Each says why it did or did not start every playbook that listens."""
        found = await database.read(
            lambda tx: mailboxes.came(tx, mailboxes.by_name(tx, organization_id, mailbox), limit=_MOST)
        )
        return paging.of(
            found, ReceivedMail.model_validate, key=lambda each: (iso(each.seen_at), each.id), newest_first=True
        )

    return router
