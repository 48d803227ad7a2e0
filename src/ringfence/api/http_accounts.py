"""/api/v1/http-accounts and /api/v1/destinations: with what playbooks call services by HTTP, and which hosts they may."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ringfence.api.access import Author, OrganizationId
from ringfence.api.listing import Listing, Paged
from ringfence.notifications.delivery import Sender
from ringfence.outbound import accounts, destinations
from ringfence.outbound import model as model_
from ringfence.security.access import needs
from ringfence.security.proof import PROVEN
from ringfence.security.rbac import Permission
from ringfence.storage import Database

Text = Annotated[str, Field(max_length=2_000)]
Secret = Annotated[str, Field(max_length=8_000, description="It is sealed, and never shown.")]


class HttpAccount(BaseModel):
    """An account without its secret; `kind` is header, query, basic, bearer or oauth2."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    kind: str
    address: str
    shown: dict[str, str]
    created_at: AwareDatetime
    created_by: str
    renewed_at: AwareDatetime


class NewHttpAccount(BaseModel):
    """An account to be made."""

    model_config = ConfigDict(extra="forbid")

    name: Text
    kind: Text = "bearer"
    address: Annotated[Text, Field(description="Where its credential may go, and below.")]
    secret: Secret
    parameter: Text = ""
    user: Text = ""
    token_url: Text = ""
    client_id: Text = ""
    scope: Text = ""


class NewSecret(BaseModel):
    """A new secret of the same kind."""

    model_config = ConfigDict(extra="forbid")

    secret: Secret


class Destination(BaseModel):
    """A host that playbooks may call, or all below a domain."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    host: str
    note: str
    added_at: AwareDatetime
    added_by: str


class NewDestination(BaseModel):
    """A host to be allowed: api.contoso.com, or *.contoso.com."""

    model_config = ConfigDict(extra="forbid")

    host: Text
    note: Text = ""


def routes(database: Database, sender: Sender) -> APIRouter:
    """Return the routes of these nouns."""
    router = APIRouter(tags=["http-accounts"], dependencies=[needs(Permission.OUTBOUND_READ)])

    @router.get("/http-accounts")
    async def listing(organization_id: OrganizationId, paging: Paged) -> Listing[HttpAccount]:
        """List the HTTP accounts. Their secrets are never shown."""
        found = await database.read(lambda tx: accounts.every(tx, organization_id))
        return paging.of(found, HttpAccount.model_validate, key=lambda each: (each.name, each.id))

    @router.post("/http-accounts", status_code=201, dependencies=[needs(Permission.OUTBOUND_MANAGE), PROVEN])
    async def make(author: Author, new: NewHttpAccount) -> HttpAccount:
        """Make an HTTP account. Its credential goes to its address, and below, and nowhere else."""
        wanted = model_.NewHttpAccount(**new.model_dump())
        made = await database.run(
            lambda tx: accounts.add(tx, sender.vault, author.organization_id, wanted, by=author.name)
        )
        return HttpAccount.model_validate(made)

    @router.post("/http-accounts/{account}/renew", dependencies=[needs(Permission.OUTBOUND_MANAGE), PROVEN])
    async def renew(author: Author, account: str, new: NewSecret) -> HttpAccount:
        """Give an HTTP account a new secret. The old one is forgotten at once."""
        found = await database.run(
            lambda tx: accounts.renew(tx, sender.vault, author.organization_id, account, new.secret, by=author.name)
        )
        return HttpAccount.model_validate(found)

    @router.delete("/http-accounts/{account}", status_code=204, dependencies=[needs(Permission.OUTBOUND_MANAGE)])
    async def remove(author: Author, account: str) -> None:
        """Remove an HTTP account. Steps that use it fail from then on."""
        await database.run(lambda tx: accounts.remove(tx, author.organization_id, account, by=author.name))

    @router.get("/destinations")
    async def allowed(organization_id: OrganizationId, paging: Paged) -> Listing[Destination]:
        """List the hosts that playbooks may call. Nothing else is called."""
        found = await database.read(lambda tx: destinations.every(tx, organization_id))
        return paging.of(found, Destination.model_validate, key=lambda each: (each.host, each.id))

    @router.post("/destinations", status_code=201, dependencies=[needs(Permission.OUTBOUND_MANAGE)])
    async def allow(author: Author, new: NewDestination) -> Destination:
        """Let playbooks call a host, or all below a domain.

        Private networks stay shut unless the operator opens them.
        """
        found = await database.run(
            lambda tx: destinations.allow(
                tx, author.organization_id, new.host, new.note, by=author.name, allowed=sender.allowed
            )
        )
        return Destination.model_validate(found)

    @router.delete("/destinations/{destination}", status_code=204, dependencies=[needs(Permission.OUTBOUND_MANAGE)])
    async def withdraw(author: Author, destination: str) -> None:
        """Let playbooks call a host no more. Requests that are on their way are not stopped."""
        await database.run(lambda tx: destinations.withdraw(tx, author.organization_id, destination, by=author.name))

    return router
