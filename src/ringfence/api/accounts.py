"""/api/v1/accounts. Never a secret, not even a sealed one."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict
from starlette.responses import Response

from ringfence.accounts import budgets, records
from ringfence.accounts.entering import demand_open
from ringfence.accounts.model import Account as AccountRecord
from ringfence.accounts.picture import Picture, page_of_history, picture
from ringfence.accounts.proof import Report
from ringfence.accounts.service import Accounts
from ringfence.api.access import Author, OrganizationId
from ringfence.api.account_documents import (
    Account,
    AccountUse,
    Change,
    Happening,
    NewAccount,
    Permissions,
    Superfluous,
    Tested,
    checks,
    permissions,
)
from ringfence.api.editing import IfMatch, edition, mark
from ringfence.api.listing import Listing, Paged
from ringfence.containment import sensor
from ringfence.defender import Limits
from ringfence.security.access import needs
from ringfence.security.egress import Network
from ringfence.security.rbac import Permission
from ringfence.storage import Database, Transaction

Connect = Callable[[], AbstractAsyncContextManager[Accounts]]


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


def routes(
    database: Database,
    connect: Connect,
    limits: Limits | None = None,
    *,
    allowed: Callable[[], tuple[Network, ...]] = tuple,
) -> APIRouter:
    """Return the routes of this noun; addresses of private clouds may lead into the `allowed` networks."""
    router = APIRouter(prefix="/accounts", tags=["accounts"], dependencies=[needs(Permission.ACCOUNT_READ)])
    manage = [needs(Permission.ACCOUNT_MANAGE)]

    async def find(organization_id: str, account_id: str) -> AccountRecord:
        return await database.read(lambda tx: records.by_id(tx, account_id, organization_id=organization_id))

    async def look(organization_id: str, account_id: str) -> Picture:
        async with connect() as accounts:
            wishes = accounts.wishes
        return await database.read(lambda tx: picture(tx, account_id, wishes, organization_id=organization_id))

    @router.get("")
    async def listing(organization_id: OrganizationId, paging: Paged) -> Listing[Account]:
        """List the connected accounts. Their secrets are never shown, not even sealed."""
        found = await database.read(lambda tx: records.every(tx, organization_id))
        return paging.of(found, Account.model_validate, key=lambda each: (each.name, each.id))

    @router.post("", status_code=201, dependencies=manage)
    async def add(author: Author, new: NewAccount) -> Tested:
        """Test an application of a tenant, and connect it if it works.

        It signs in, compares its permissions with those that are needed, and reads one document from each API. What does not
        work is not saved, and the problem says why; with `keep` it is saved as pending.
        """
        entered = new.entered()
        await demand_open(entered, allowed())
        async with connect() as accounts:
            saved, report = await accounts.add(author.organization_id, entered, save_anyway=new.keep)
        return _tested(saved, report)

    @router.get("/{account_id}")
    async def one(organization_id: OrganizationId, account_id: str, response: Response) -> Account:
        """Show one connected account. Its secret is never shown; its ETag is wanted for changing it."""
        found = await find(organization_id, account_id)
        mark(response, records.edition(found), whole=False)
        return Account.model_validate(found)

    @router.patch("/{account_id}", dependencies=manage)
    async def change(
        author: Author, account_id: str, wanted: Change, response: Response, if_match: IfMatch = None
    ) -> Account:
        """Change an account's name, what it is for, or the day on which its secret expires.

        Send the ETag that was read as If-Match. It is checked again at once.
        """
        seen = edition(if_match)
        found = await find(author.organization_id, account_id)
        async with connect() as accounts:
            after = await accounts.change(
                found.organization_id,
                found.name,
                rename=wanted.name,
                features=wanted.features,
                expires_on=wanted.secret_expires_on,
                seen=seen,
            )
        mark(response, records.edition(after), whole=False)
        return Account.model_validate(after)

    @router.delete("/{account_id}", status_code=204, dependencies=manage)
    async def remove(author: Author, account_id: str) -> None:
        """Remove an account that was never proven to work; a conflict for any other, which is disabled instead."""
        found = await find(author.organization_id, account_id)
        await database.run(lambda tx: records.remove(tx, found))

    @router.post("/{account_id}/test", dependencies=manage)
    async def test(author: Author, account_id: str) -> Tested:
        """Test an account now, and record what that shows."""
        found = await find(author.organization_id, account_id)
        async with connect() as accounts:
            report = await accounts.test(found.organization_id, found.name)
        return _tested(await find(author.organization_id, account_id), report)

    @router.post("/{account_id}/disable", dependencies=manage)
    async def disable(author: Author, account_id: str) -> Account:
        """Switch an account off: no alert is read and nothing is done through it, not even a release."""
        found = await find(author.organization_id, account_id)
        async with connect() as accounts:
            return Account.model_validate(await accounts.disable(found.organization_id, found.name))

    @router.post("/{account_id}/enable", dependencies=manage)
    async def enable(author: Author, account_id: str) -> Tested:
        """Switch an account on again, and test it at once."""
        found = await find(author.organization_id, account_id)
        async with connect() as accounts:
            after, report = await accounts.enable(found.organization_id, found.name)
        return _tested(after, report)

    @router.get("/{account_id}/permissions")
    async def permitted(organization_id: OrganizationId, account_id: str) -> Permissions:
        """Compare the permissions that an account needs with those that it was granted.

        What is needed follows from its features, its trigger services and the playbooks that run with it.
        """
        standing = (await look(organization_id, account_id)).standing
        return Permissions(
            granted=permissions(standing.granted),
            missing=permissions(standing.missing),
            unknown=permissions(standing.unknown),
            superfluous=[Superfluous(api=api.value, permission=role) for api, role in standing.superfluous],
        )

    @router.get("/{account_id}/uses")
    async def uses(organization_id: OrganizationId, account_id: str, paging: Paged) -> Listing[AccountUse]:
        """List the trigger services and the playbooks that use an account."""
        seen = await look(organization_id, account_id)
        followed = [AccountUse(kind="service", id=each.id, name=each.name, permissions=()) for each in seen.services]
        run = [
            AccountUse(kind="playbook", id=each.playbook_id, name=each.name, permissions=each.roles)
            for each in seen.playbooks
        ]
        # Services come before playbooks, as on the page.
        return paging.of(
            followed + run, lambda each: each, key=lambda each: (each.kind == "playbook", each.name, each.id)
        )

    @router.get("/{account_id}/history")
    async def history(organization_id: OrganizationId, account_id: str, paging: Paged) -> Listing[Happening]:
        """List the states that an account came into, with reasons, and what people did; newest first."""
        account = await find(organization_id, account_id)
        below = None if paging.cursor is None else int(paging.cursor)
        found, more = await database.read(lambda tx: page_of_history(tx, account, limit=paging.limit, below=below))
        return paging.listing([Happening.model_validate(each) for each in found], None if more is None else str(more))

    @router.get("/{account_id}/budget")
    async def budget(organization_id: OrganizationId, account_id: str, paging: Paged) -> Listing[Budget]:
        """Show what is left of the account's call budget.

        Each window says what was spent, and what is left for each priority.
        """

        def left(tx: Transaction) -> list[budgets.Budget]:
            found = records.by_id(tx, account_id, organization_id=organization_id)
            return budgets.left(tx, found, limits=limits)

        windows = list(enumerate(await database.read(left)))
        return paging.of(windows, lambda each: Budget.model_validate(each[1]), key=lambda each: (each[0],))

    @router.post("/{account_id}/sensor", dependencies=manage)
    async def contain_through(author: Author, account_id: str, body: Choice) -> Account:
        """Contain hosts through this account from now on; a conflict if another does and `replace` is not set."""

        def work(tx: Transaction) -> AccountRecord:
            wanted = records.by_id(tx, account_id, organization_id=author.organization_id)
            return sensor.choose(tx, author.organization_id, wanted.name, replace=body.replace, by=author.name)

        return Account.model_validate(await database.run(work))

    return router


def _tested(account: AccountRecord, report: Report) -> Tested:
    return Tested(
        account=Account.model_validate(account), ok=report.ok, checks=checks(report), warnings=report.warnings
    )
