"""/api/v1/accounts/ID/credential: the credential beside the one that an account uses."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from ringfence.accounts import certificates, credentials, records
from ringfence.accounts.model import Account as AccountRecord
from ringfence.api.access import Author, OrganizationId
from ringfence.api.account_documents import Account, Check, Credential, SecondCredential, Tested, checks
from ringfence.api.accounts import Connect
from ringfence.errors import Invalid
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database, Transaction


class NewCredential(Credential):
    """A new credential, or the wish that a certificate is made here."""

    model_config = ConfigDict(extra="forbid")

    generate: bool = False


class PublicPart(BaseModel):
    """A certificate without its key, to be uploaded to the app registration."""

    thumbprint: str
    pem: str


class Proven(BaseModel):
    """A second credential, and what a test of it found."""

    credential: SecondCredential
    ok: bool
    checks: tuple[Check, ...]


def routes(database: Database, connect: Connect) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(
        prefix="/accounts/{account_id}", tags=["accounts"], dependencies=[needs(Permission.ACCOUNT_READ)]
    )
    manage = [needs(Permission.ACCOUNT_MANAGE)]

    async def find(organization_id: str, account_id: str) -> AccountRecord:
        return await database.read(lambda tx: records.by_id(tx, account_id, organization_id=organization_id))

    async def beside(organization_id: str, account_id: str) -> SecondCredential:
        def look(tx: Transaction) -> SecondCredential:
            account = records.by_id(tx, account_id, organization_id=organization_id)
            return SecondCredential.model_validate(credentials.get(tx, account))

        return await database.read(look)

    @router.get("/credential")
    async def credential(organization_id: OrganizationId, account_id: str) -> SecondCredential:
        """Show the credential beside the one in use, without its secret; not found if there is none."""
        return await beside(organization_id, account_id)

    @router.post("/credential", status_code=201, dependencies=manage)
    async def offer(author: Author, account_id: str, new: NewCredential) -> SecondCredential:
        """Put a new secret or certificate beside the one in use.

        Nothing uses it before it is switched to, unless the one in use is refused and it works. With `generate` a certificate
        is made here; its key never leaves.
        """
        found = await find(author.organization_id, account_id)
        if new.generate and (new.secret or new.certificate):
            raise Invalid("Both a new certificate and another credential were asked for.", advice="Leave one out.")
        given = certificates.generate(found.name) if new.generate else new.given()
        async with connect() as accounts:
            made = await accounts.offer(
                found.organization_id, found.name, given, by=author.name, expires_on=new.secret_expires_on
            )
        return SecondCredential.model_validate(made)

    @router.post("/credential/prove", dependencies=manage)
    async def prove(author: Author, account_id: str) -> Proven:
        """Test the credential beside the one in use, and record whether it works."""
        found = await find(author.organization_id, account_id)
        async with connect() as accounts:
            report = await accounts.prove_beside(found.organization_id, found.name)
        shown = await beside(author.organization_id, account_id)
        return Proven(credential=shown, ok=report.usable, checks=checks(report))

    @router.post("/credential/switch", dependencies=manage)
    async def switch(author: Author, account_id: str) -> Tested:
        """Test the credential beside the one in use, and change places with it; nothing changes if it does not work."""
        found = await find(author.organization_id, account_id)
        async with connect() as accounts:
            after, report = await accounts.switch(found.organization_id, found.name)
        account = Account.model_validate(after)
        return Tested(account=account, ok=report.ok, checks=checks(report), warnings=report.warnings)

    @router.delete("/credential", status_code=204, dependencies=manage)
    async def withdraw(author: Author, account_id: str) -> None:
        """Remove the credential beside the one in use."""
        found = await find(author.organization_id, account_id)
        async with connect() as accounts:
            await accounts.withdraw(found.organization_id, found.name)

    @router.get("/certificate")
    async def certificate(organization_id: OrganizationId, account_id: str) -> PublicPart:
        """Return the public part of the account's certificate: of the one beside if there is one, else of the one in use."""
        found = await find(organization_id, account_id)
        async with connect() as accounts:
            pem = await accounts.public_part(found.organization_id, found.name)
        return PublicPart(thumbprint=certificates.thumbprint(pem), pem=pem)

    return router
