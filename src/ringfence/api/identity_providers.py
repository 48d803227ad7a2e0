"""/api/v1/identity-providers: where people sign in by OpenID Connect."""

from typing import Annotated

import httpx
from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from ringfence.api.access import Author, OrganizationId
from ringfence.api.editing import IfMatch, edition, mark
from ringfence.api.listing import Listing, Paged
from ringfence.notifications.delivery import Sender
from ringfence.organizations import identities
from ringfence.security import providers
from ringfence.security.access import Asker, needs
from ringfence.security.egress import networks
from ringfence.security.oidc import ProviderFailed, RelyingParty
from ringfence.security.proof import PROVEN
from ringfence.security.providers import GROUPS_CLAIM, NAME_CLAIM, SCOPES, NewProvider, Provider
from ringfence.security.rbac import Permission, Role
from ringfence.settings import Settings
from ringfence.storage import Database, Transaction
from ringfence.storage.scope import everywhere

Text = Annotated[str, Field(max_length=1_000)]


class IdentityProvider(BaseModel):
    """A provider without its secret; `mapping` are rules as GROUP=ROLE, or GROUP=ORGANIZATION/ROLE."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    label: str
    issuer: str
    client_id: str
    has_secret: bool
    scopes: str
    groups_claim: str
    name_claim: str
    domains: tuple[str, ...]
    button: bool
    mapping: tuple[str, ...]
    default_role: Role | None
    enabled: bool
    tested_at: AwareDatetime | None = Field(description="When it answered as a provider does.")
    error: str = Field(description="Why it could not be used the last time that it could not.")
    error_at: AwareDatetime | None
    changed_at: AwareDatetime


class WrittenProvider(BaseModel):
    """A provider as it is to be."""

    model_config = ConfigDict(extra="forbid")

    issuer: Annotated[Text, Field(description="As it calls itself: https://login.microsoftonline.com/TENANT/v2.0.")]
    client_id: Text
    secret: Annotated[Text | None, Field(description="It is sealed; left out, it stays as it is.")] = None
    label: Text = ""
    scopes: Text = SCOPES
    groups_claim: Text = GROUPS_CLAIM
    name_claim: Text = NAME_CLAIM
    domains: Annotated[list[Text], Field(max_length=50)] = []
    button: bool = False
    mapping: Annotated[list[Text], Field(max_length=200, description="GROUP=ROLE, or GROUP=ORGANIZATION/ROLE.")] = []
    default_role: Role | None = None


def routes(
    database: Database, sender: Sender, settings: Settings, transport: httpx.AsyncBaseTransport | None = None
) -> APIRouter:
    """Return the routes of this noun; `transport` replaces the network."""
    router = APIRouter(
        prefix="/identity-providers", tags=["identity-providers"], dependencies=[needs(Permission.SIGN_IN_MANAGE)]
    )

    def shown(tx: Transaction, found: Provider) -> IdentityProvider:
        values = {name: getattr(found, name) for name in IdentityProvider.model_fields if name != "mapping"}
        return IdentityProvider(**values, mapping=identities.written(tx, found))

    async def tested(issuer: str) -> None:
        await RelyingParty(networks(settings.identity_private), transport).test(issuer)

    @router.get("")
    async def listing(organization_id: OrganizationId, paging: Paged) -> Listing[IdentityProvider]:
        """List the providers that the organization keeps. Their secrets are never shown."""
        with everywhere():
            found = await database.read(lambda tx: [shown(tx, each) for each in providers.every(tx, organization_id)])
        return paging.of(found, IdentityProvider.model_validate, key=lambda each: (each.name, each.id))

    @router.get("/{name}")
    async def show(asker: Asker, name: str, response: Response) -> IdentityProvider:
        """Show one provider, without its secret. Its ETag is wanted for changing it."""
        found, current = await read(asker, name)
        mark(response, current, whole=False)
        return found

    @router.put("/{name}", dependencies=[PROVEN])
    async def put(
        _: Author, asker: Asker, name: str, new: WrittenProvider, response: Response, if_match: IfMatch = None
    ) -> IdentityProvider:
        """Add a provider, or change the one of that name. Send the ETag that was read as If-Match, `"0"` for a new one.

        It is asked first; one that does not answer is not saved.
        """
        seen = edition(if_match)

        def meant(tx: Transaction) -> NewProvider:
            rules = tuple(identities.rule(tx, each, asker.organization_id) for each in new.mapping)
            values = new.model_dump() | {"mapping": rules, "domains": tuple(each.casefold() for each in new.domains)}
            wanted = NewProvider(name=name, **values)
            providers.check(wanted)
            return wanted

        def save(tx: Transaction) -> tuple[IdentityProvider, str]:
            made = shown(tx, providers.put(tx, sender.vault, asker, wanted, tested=True, seen=seen))
            return made, providers.edition(tx, asker.organization_id, made.name)

        with everywhere():
            wanted = await database.read(meant)
            await tested(wanted.issuer)
            saved, current = await database.run(save)
        mark(response, current, whole=False)
        return saved

    @router.post("/{name}/test")
    async def test(_: Author, asker: Asker, name: str) -> IdentityProvider:
        """Ask a provider what it says of itself, and for its keys. What went wrong is kept with it as its last error."""
        found = await database.read(lambda tx: providers.by_name(tx, name, organization_id=asker.organization_id))
        try:
            await tested(found.issuer)
        except ProviderFailed as problem:
            why = problem
            await database.run(lambda tx: providers.note(tx, found.id, why))
            raise
        await database.run(lambda tx: providers.note(tx, found.id, None))
        return await one(asker, name)

    async def read(asker: Asker, name: str) -> tuple[IdentityProvider, str]:
        def look(tx: Transaction) -> tuple[IdentityProvider, str]:
            found = providers.by_name(tx, name, organization_id=asker.organization_id)
            return shown(tx, found), providers.edition(tx, asker.organization_id, name)

        # Rules may name other organizations.
        with everywhere():
            return await database.read(look)

    async def one(asker: Asker, name: str) -> IdentityProvider:
        return (await read(asker, name))[0]

    @router.post("/{name}/enable", dependencies=[PROVEN])
    async def enable(_: Author, asker: Asker, name: str) -> IdentityProvider:
        """Let people sign in at a provider again. It is as it was before."""
        await database.run(lambda tx: providers.switch(tx, asker, name, on=True))
        return await one(asker, name)

    @router.post("/{name}/disable", dependencies=[PROVEN])
    async def disable(_: Author, asker: Asker, name: str) -> IdentityProvider:
        """Let nobody sign in at a provider. Who is signed in stays so until the session ends."""
        await database.run(lambda tx: providers.switch(tx, asker, name, on=False))
        return await one(asker, name)

    @router.delete("/{name}", status_code=204, dependencies=[PROVEN])
    async def remove(_: Author, asker: Asker, name: str) -> None:
        """Remove a provider. Who came by it keeps the account, and can be given a link."""
        await database.run(lambda tx: providers.remove(tx, asker, name))

    return router
