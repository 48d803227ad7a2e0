"""/api/v1/tokens: tokens for programs, without their secrets."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ringfence.api.access import Author
from ringfence.api.listing import Listing, Paged
from ringfence.errors import NotFound
from ringfence.security import tokens
from ringfence.security.access import Asker, needs
from ringfence.security.proof import PROVEN
from ringfence.security.rbac import Permission, Role, require
from ringfence.security.tokens import State
from ringfence.storage import Database, Transaction


class Token(BaseModel):
    """A token. One of a service has no `user_name`, but a role; `ending` is the last four characters."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    user_name: str | None
    role: Role | None
    scopes: tuple[Permission, ...]
    ending: str
    state: State
    created_at: AwareDatetime
    created_by: str
    expires_at: AwareDatetime
    used_at: AwareDatetime | None
    used_from: str | None
    revoked_at: AwareDatetime | None
    revoked_by: str | None


class NewToken(BaseModel):
    """A token to be made: one's own, or with a role that of a service."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    scopes: list[Annotated[str, Field(max_length=100)]] = Field(min_length=1, max_length=100)
    days: int = Field(30, ge=1, le=365)
    role: Role | None = None


class MadeToken(BaseModel):
    """A new token with its secret, which is stored nowhere and never shown again."""

    token: Token
    secret: str


def routes(database: Database) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/tokens", tags=["tokens"], dependencies=[needs(Permission.SELF_MANAGE)])

    @router.get("")
    async def listing(
        actor: Asker,
        paging: Paged,
        every: Annotated[bool, Query(description="Those of services and of everybody, for administrators.")] = False,
    ) -> Listing[Token]:
        """List one's own tokens, or for administrators every token of the organization."""
        if every:
            require(actor, Permission.TOKEN_MANAGE)
        found = await database.read(
            lambda tx: tokens.listing(tx, actor.organization_id, user_id=None if every else actor.user_id)
        )
        return paging.of(found, Token.model_validate, key=lambda each: (each.name, each.id))

    @router.post("", status_code=201, dependencies=[PROVEN])
    async def make(author: Author, actor: Asker, new: NewToken) -> MadeToken:
        """Make a token. It may never do more than who makes it; a token makes none."""
        if new.role is not None:
            require(actor, Permission.TOKEN_MANAGE)
        made, secret = await database.run(
            lambda tx: tokens.create(
                tx, actor, new.name, tokens.parse_scopes(new.scopes), timedelta(days=new.days), service_role=new.role
            )
        )
        return MadeToken(token=Token.model_validate(made), secret=secret)

    @router.delete("/{token_id}", status_code=204)
    async def revoke(author: Author, actor: Asker, token_id: str) -> None:
        """Revoke a token. It is worth nothing from the next request on."""

        def work(tx: Transaction) -> None:
            found = tokens.get(tx, actor.organization_id, token_id)
            if found.user_id != actor.user_id and not actor.may(Permission.TOKEN_MANAGE):
                raise NotFound("There is no such token.", advice="Look at the list of tokens.")
            tokens.revoke(tx, found, author.name)

        await database.run(work)

    return router
