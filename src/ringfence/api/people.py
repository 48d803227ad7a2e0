"""/api/v1/users and /api/v1/teams: who works in the organization as what, and who is asked together."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from ringfence.api.access import Author, OrganizationId
from ringfence.api.editing import IfMatch, edition, mark
from ringfence.api.listing import Listing, Paged
from ringfence.organizations import invitations, members, teams
from ringfence.organizations.invitations import Invitation
from ringfence.security.access import Asker, needs
from ringfence.security.proof import PROVEN
from ringfence.security.rbac import Permission, Role
from ringfence.storage import Database, Transaction
from ringfence.storage.scope import everywhere

Person = Annotated[str, Field(min_length=1, max_length=200)]
_MANAGE = [needs(Permission.USER_MANAGE), PROVEN]


class User(BaseModel):
    """A person who works in the organization."""

    model_config = ConfigDict(from_attributes=True)

    user_id: str
    name: str
    role: Role
    since: AwareDatetime


class NewUser(BaseModel):
    """Somebody to be invited."""

    model_config = ConfigDict(extra="forbid")

    name: Person
    role: Role


class NewRole(BaseModel):
    """The role that somebody is given."""

    model_config = ConfigDict(extra="forbid")

    role: Role


class Invited(BaseModel):
    """A new member and the address that signs them in once; it is stored nowhere and never shown again."""

    user: User
    url: str | None = Field(description="Null for who is known to the installation already, and signs in as ever.")


class Team(BaseModel):
    """People who are asked together, by the names by which they sign in."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    people: tuple[str, ...]
    changed_at: AwareDatetime


class TeamPeople(BaseModel):
    """The people of a team."""

    model_config = ConfigDict(extra="forbid")

    people: Annotated[list[Person], Field(min_length=1, max_length=200)]


def routes(database: Database, origin: str) -> APIRouter:
    """Return the routes of these nouns."""
    router = APIRouter()

    def invited(found: Invitation) -> Invited:
        url = None if found.token is None else f"{origin}/sign-in/link?{urlencode({'token': found.token})}"
        return Invited(user=User.model_validate(found.member), url=url)

    @router.get("/users", tags=["users"], dependencies=[needs(Permission.USER_READ)])
    async def listing(organization_id: OrganizationId, paging: Paged) -> Listing[User]:
        """List who works in the organization. Each has one role in it."""
        with everywhere():
            found = await database.read(lambda tx: members.every(tx, organization_id))
        return paging.of(found, User.model_validate, key=lambda each: (each.name, each.user_id))

    @router.post("/users", tags=["users"], status_code=201, dependencies=_MANAGE)
    async def invite(_: Author, asker: Asker, new: NewUser) -> Invited:
        """Let somebody work in the organization. Who is new gets an address that signs them in once."""
        with everywhere():
            found = await database.run(
                lambda tx: invitations.invite(tx, asker.organization_id, new.name, new.role, asker)
            )
        return invited(found)

    @router.patch("/users/{user_id}", tags=["users"], dependencies=_MANAGE)
    async def change_role(_: Author, asker: Asker, user_id: str, new: NewRole) -> User:
        """Give somebody another role. It counts from their next request on."""
        with everywhere():
            found = await database.run(
                lambda tx: members.change_role(tx, asker.organization_id, user_id, new.role, asker)
            )
        return User.model_validate(found)

    @router.post("/users/{user_id}/link", tags=["users"], status_code=201, dependencies=_MANAGE)
    async def link(_: Author, asker: Asker, user_id: str) -> Invited:
        """Make a new address that signs somebody in once. It opens nothing but this organization."""
        with everywhere():
            found = await database.run(lambda tx: invitations.renew(tx, asker.organization_id, user_id, asker))
        return invited(found)

    @router.delete("/users/{user_id}", tags=["users"], status_code=204, dependencies=_MANAGE)
    async def remove(_: Author, asker: Asker, user_id: str) -> None:
        """Let somebody no longer work in the organization. The last administrator stays."""
        with everywhere():
            await database.run(lambda tx: members.remove(tx, asker.organization_id, user_id, asker))

    @router.get("/teams", tags=["teams"], dependencies=[needs(Permission.TEAM_READ)])
    async def every_team(organization_id: OrganizationId, paging: Paged) -> Listing[Team]:
        """List the teams in the order of their names. Policy, playbooks and rules use these names."""
        found = await database.read(lambda tx: teams.every(tx, organization_id))
        return paging.of(found, Team.model_validate, key=lambda each: (each.name, each.id))

    @router.get("/teams/{name}", tags=["teams"], dependencies=[needs(Permission.TEAM_READ)])
    async def one(organization_id: OrganizationId, name: str, response: Response) -> Team:
        """Show one team. Its ETag is wanted for replacing its people."""

        def look(tx: Transaction) -> tuple[teams.Team, str]:
            return teams.by_name(tx, organization_id, name), teams.edition(tx, organization_id, name)

        found, current = await database.read(look)
        mark(response, current)
        return Team.model_validate(found)

    @router.put("/teams/{name}", tags=["teams"], dependencies=[needs(Permission.TEAM_MANAGE)])
    async def put_team(
        author: Author, name: str, new: TeamPeople, response: Response, if_match: IfMatch = None
    ) -> Team:
        """Make a team, or replace its people. Send the ETag that was read as If-Match, `"0"` for a new one.

        Questions that were asked stay with those whom they were asked.
        """
        seen = edition(if_match)

        def work(tx: Transaction) -> tuple[teams.Team, str]:
            made = teams.put(tx, author.organization_id, name, new.people, seen=seen)
            return made, teams.edition(tx, author.organization_id, made.name)

        made, current = await database.run(work)
        mark(response, current)
        return Team.model_validate(made)

    @router.delete("/teams/{name}", tags=["teams"], status_code=204, dependencies=[needs(Permission.TEAM_MANAGE)])
    async def remove_team(author: Author, name: str) -> None:
        """Remove a team. Rules that name it mean nobody by it from then on."""
        await database.run(lambda tx: teams.remove(tx, author.organization_id, name))

    return router
