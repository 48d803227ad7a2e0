"""/api/v1/organizations: those that who asks works in, and the one where they are."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ringfence.api.access import Author
from ringfence.api.listing import Listing, Paged
from ringfence.containment import closing
from ringfence.diagnosis import board
from ringfence.organizations import members, model, service
from ringfence.organizations.model import State
from ringfence.playbooks import naming
from ringfence.security.access import Asker, needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database, Transaction
from ringfence.storage.scope import everywhere

Name = Annotated[str, Field(min_length=1, max_length=service.LONGEST_NAME, description="Unique in the installation.")]


class Organization(BaseModel):
    """An organization and how it stands: active, frozen or closed."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    created_at: AwareDatetime
    state: Literal["active", "frozen", "closed"]
    state_reason: str
    state_since: AwareDatetime | None


class MyOrganization(Organization):
    """An organization that who asks works in."""

    role: str = Field(description="What who asks is in it.")
    here: bool = Field(description="Whether this request is about it.")


class Fares(BaseModel):
    """How an organization fares: what is open in it and what fails. Times are in seconds."""

    organization: Organization
    role: str = Field(description="What who asks is in it.")
    open_alerts: dict[str, int] = Field(description="New and in progress, by severity.")
    hosts_isolated: int
    oldest_isolation_at: AwareDatetime | None
    contained: int = Field(description="So many hosts were contained within 30 days.")
    contain_median: float | None = Field(description="From our request to Defender's confirmation.")
    contain_p95: float | None
    services_troubled: int
    accounts_troubled: int
    runs_failed: int = Field(description="Within a day, if only in part.")
    budget_left: int | None = Field(
        description="Of a hundred calls of the tightest window; null where nothing is called."
    )

    @classmethod
    def of(cls, line: board.Line) -> "Fares":
        """Say it as the API does."""
        median, most = line.contain.median, line.contain.most
        return cls(
            organization=Organization.model_validate(line.place.organization),
            role=line.place.role,
            open_alerts=dict(line.alerts),
            hosts_isolated=line.isolated,
            oldest_isolation_at=line.oldest,
            contained=line.contain.many,
            contain_median=median.total_seconds() if median is not None else None,
            contain_p95=most.total_seconds() if most is not None else None,
            services_troubled=line.services,
            accounts_troubled=line.accounts,
            runs_failed=line.failed,
            budget_left=line.budget_left,
        )


class NewOrganization(BaseModel):
    """An organization to be made, or the name that one is given."""

    model_config = ConfigDict(extra="forbid")

    name: Name


class Why(BaseModel):
    """The reason, as people will read it."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=service.LONGEST_REASON)]


def routes(database: Database) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(
        prefix="/organizations", tags=["organizations"], dependencies=[needs(Permission.ORGANIZATION_READ)]
    )

    @router.get("")
    async def listing(asker: Asker, paging: Paged) -> Listing[MyOrganization]:
        """List the organizations that you work in. A token sees only its own."""

        def look(tx: Transaction) -> list[members.Place]:
            only = asker.organization_id if asker.how == "token" else None
            return members.places(tx, asker.user_id or "", only=only)

        def shown(place: members.Place) -> MyOrganization:
            one = Organization.model_validate(place.organization).model_dump()
            return MyOrganization(**one, role=place.role, here=place.organization.id == asker.organization_id)

        with everywhere():
            found = await database.read(look)
        return paging.of(found, shown, key=lambda each: (each.organization.name, each.organization.id))

    @router.get("/board")
    async def compare(asker: Asker, paging: Paged) -> Listing[Fares]:
        """Show how the organizations that you work in fare, side by side. A token sees only its own."""
        only = asker.organization_id if asker.how == "token" else None

        def look(tx: Transaction) -> list[board.Line]:
            return board.lines(tx, members.places(tx, asker.user_id or "", only=only))

        with everywhere():
            found = await database.read(look)
        return paging.of(found, Fares.of, key=lambda each: (each.place.organization.name, each.place.organization.id))

    @router.post("", status_code=201, dependencies=[needs(Permission.ORGANIZATION_MANAGE)])
    async def make(_: Author, new: NewOrganization) -> Organization:
        """Make an organization. Nobody but System Administrators works in it until somebody is invited."""
        with everywhere():
            made = await database.run(lambda tx: service.create(tx, new.name))
        return Organization.model_validate(made)

    @router.get("/current")
    async def show(asker: Asker) -> Organization:
        """Show the organization that this request is about. There is always exactly one."""
        return Organization.model_validate(await database.read(lambda tx: service.get(tx, asker.organization_id)))

    @router.patch("/current", dependencies=[needs(Permission.ORGANIZATION_CHANGE)])
    async def rename(author: Author, new: NewOrganization) -> Organization:
        """Rename the organization. Its history keeps the name that it had."""
        with everywhere():
            found = await database.run(lambda tx: naming.rename_organization(tx, author.organization_id, new.name))
        return Organization.model_validate(found)

    async def stand(author: Author, to: State, why: Why) -> Organization:
        def work(tx: Transaction) -> model.Organization:
            if to is State.CLOSED:
                return closing.close(tx, author.organization_id, why.reason)
            return service.stand(tx, author.organization_id, to, why.reason)

        with everywhere():
            return Organization.model_validate(await database.run(work))

    @router.post("/current/freeze", dependencies=[needs(Permission.ORGANIZATION_MANAGE)])
    async def freeze(author: Author, why: Why) -> Organization:
        """Freeze the organization: nothing new is begun in it. Releases and undoing go on."""
        return await stand(author, State.FROZEN, why)

    @router.post("/current/close", dependencies=[needs(Permission.ORGANIZATION_MANAGE)])
    async def close(author: Author, why: Why) -> Organization:
        """Close the organization, once it holds no host. Only System Administrators come in; nothing is deleted."""
        return await stand(author, State.CLOSED, why)

    @router.post("/current/open", dependencies=[needs(Permission.ORGANIZATION_MANAGE)])
    async def open_(author: Author, why: Why) -> Organization:
        """Open an organization that is frozen or closed. Its playbooks and services go on as they were."""
        return await stand(author, State.ACTIVE, why)

    return router
