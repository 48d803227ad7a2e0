"""/api/v1/accounts. Never a secret, not even a sealed one."""

from datetime import date

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict

from ringfence.accounts import records
from ringfence.api.access import OrganizationId
from ringfence.api.listing import Listing
from ringfence.storage import Database


class Account(BaseModel):
    """One connected account."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    cloud: str
    tenant_id: str
    client_id: str
    certificate_thumbprint: str | None
    secret_expires_on: date | None
    state: str
    state_reason: str
    roles: tuple[str, ...]
    proven_at: AwareDatetime | None
    polled_at: AwareDatetime | None
    poll_error: str
    watermark: AwareDatetime | None
    created_at: AwareDatetime
    updated_at: AwareDatetime


def routes(database: Database) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/accounts", tags=["accounts"])

    @router.get("")
    async def listing(organization_id: OrganizationId) -> Listing[Account]:
        found = await database.read(lambda tx: records.every(tx, organization_id))
        return Listing(items=[Account.model_validate(each) for each in found], next=None)

    @router.get("/{account_id}")
    async def one(organization_id: OrganizationId, account_id: str) -> Account:
        found = await database.read(lambda tx: records.by_id(tx, account_id, organization_id=organization_id))
        return Account.model_validate(found)

    return router
