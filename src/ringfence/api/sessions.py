"""/api/v1/users/ID/sessions: from which browsers somebody is signed in, and their end."""

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel

from ringfence.api.access import Author
from ringfence.api.listing import Listing, Paged
from ringfence.organizations import sign_ins
from ringfence.security import devices
from ringfence.security.access import Asker, needs
from ringfence.security.rbac import Permission
from ringfence.security.sessions import Session as Known
from ringfence.storage import Database
from ringfence.storage.scope import everywhere


class Session(BaseModel):
    """A browser that is signed in. `browser` is what it says of itself, in words."""

    id: str
    browser: str
    address: str
    how: str
    created_at: AwareDatetime | None
    seen_at: AwareDatetime | None
    expires_at: AwareDatetime


def routes(database: Database) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/users/{user_id}/sessions", tags=["users"], dependencies=[needs(Permission.USER_MANAGE)])

    @router.get("")
    async def listing(actor: Asker, user_id: str, paging: Paged) -> Listing[Session]:
        """List the browsers from which somebody is signed in."""
        with everywhere():
            found = await database.read(lambda tx: sign_ins.look(tx, actor, user_id))
        return paging.of(found.sessions, _shown, key=lambda each: (each.id,))

    @router.delete("", status_code=204)
    async def revoke_all(author: Author, actor: Asker, user_id: str) -> None:
        """Sign somebody out everywhere, at once."""
        with everywhere():
            await database.run(lambda tx: sign_ins.revoke(tx, actor, user_id, None))

    @router.delete("/{session_id}", status_code=204)
    async def revoke(author: Author, actor: Asker, user_id: str, session_id: str) -> None:
        """Sign somebody out of one browser, at once."""
        with everywhere():
            await database.run(lambda tx: sign_ins.revoke(tx, actor, user_id, session_id))

    return router


def _shown(found: Known) -> Session:
    return Session(
        id=found.id,
        browser=devices.words(found.agent),
        address=found.address,
        how=found.how,
        created_at=found.created_at,
        seen_at=found.seen_at,
        expires_at=found.expires_at,
    )
