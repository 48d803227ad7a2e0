"""/api/v1/accounts. Never a secret, not even a sealed one."""

from datetime import date

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict

from ringfence.accounts import budgets, records
from ringfence.accounts.model import Account as AccountRecord
from ringfence.api.access import Author, OrganizationId
from ringfence.api.listing import Listing
from ringfence.containment import sensor
from ringfence.defender import Limits
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database, Transaction


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
    sensor: bool
    roles: tuple[str, ...]
    proven_at: AwareDatetime | None
    polled_at: AwareDatetime | None
    poll_error: str
    created_at: AwareDatetime
    updated_at: AwareDatetime


class Choice(BaseModel):
    """Whether an account contains though another did until now."""

    model_config = ConfigDict(extra="forbid")

    replace: bool = False


class Budget(BaseModel):
    """One window of an account's call budget: at most `calls` within any `seconds`, for one operation or a whole API."""

    model_config = ConfigDict(from_attributes=True)

    api: str
    operation: str | None
    calls: int
    seconds: int
    spent: int
    left: dict[str, int]
    closed_until: AwareDatetime | None


def routes(database: Database, limits: Limits | None = None) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/accounts", tags=["accounts"], dependencies=[needs(Permission.ACCOUNT_READ)])

    @router.get("")
    async def listing(organization_id: OrganizationId) -> Listing[Account]:
        """List the connected accounts. Their secrets are never shown, not even sealed."""
        found = await database.read(lambda tx: records.every(tx, organization_id))
        return Listing(items=[Account.model_validate(each) for each in found], next=None)

    @router.get("/{account_id}")
    async def one(organization_id: OrganizationId, account_id: str) -> Account:
        """Show one connected account. Its secret is never shown."""
        found = await database.read(lambda tx: records.by_id(tx, account_id, organization_id=organization_id))
        return Account.model_validate(found)

    @router.get("/{account_id}/budget")
    async def budget(organization_id: OrganizationId, account_id: str) -> Listing[Budget]:
        """Show what is left of the account's call budget.

        Each window says what was spent, and what is left for each priority.
        """

        def look(tx: Transaction) -> list[budgets.Budget]:
            found = records.by_id(tx, account_id, organization_id=organization_id)
            return budgets.left(tx, found, limits=limits)

        return Listing(items=[Budget.model_validate(each) for each in await database.read(look)], next=None)

    @router.post("/{account_id}/sensor", dependencies=[needs(Permission.ACCOUNT_MANAGE)])
    async def contain_through(author: Author, account_id: str, body: Choice) -> Account:
        """Contain hosts through this account from now on; a conflict if another does and `replace` is not set."""

        def work(tx: Transaction) -> AccountRecord:
            wanted = records.by_id(tx, account_id, organization_id=author.organization_id)
            return sensor.choose(tx, author.organization_id, wanted.name, replace=body.replace, by=author.name)

        return Account.model_validate(await database.run(work))

    return router
