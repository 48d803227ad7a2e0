"""/api/v1/playbooks/rules: who may publish what, and whether a second person must have said yes."""

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict
from starlette.responses import Response

from ringfence.api.access import Author, OrganizationId
from ringfence.api.editing import IfMatch
from ringfence.api.editing import seen as seen_version
from ringfence.playbooks import rules
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database


class Standing(BaseModel):
    """The rules of publishing; version 0 where nobody has said anything."""

    model_config = ConfigDict(from_attributes=True)

    rules: rules.Rules
    version: int
    changed_at: AwareDatetime | None
    changed_by: str


def routes(database: Database) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/playbooks", tags=["playbooks"], dependencies=[needs(Permission.PLAYBOOK_READ)])

    @router.get("/rules")
    async def standing(organization_id: OrganizationId, response: Response) -> Standing:
        """Show the rules of publishing. They say who may publish what changes or contains."""
        found = await database.read(lambda tx: rules.standing(tx, organization_id))
        response.headers["ETag"] = f'"{found.version}"'
        return Standing.model_validate(found)

    @router.put("/rules", dependencies=[needs(Permission.PLAYBOOK_RULES)])
    async def change_rules(author: Author, body: rules.Rules, response: Response, if_match: IfMatch = None) -> Standing:
        """Change the rules of publishing. Send the ETag that was read as If-Match."""
        seen = seen_version(if_match)
        made = await database.run(lambda tx: rules.put(tx, author.organization_id, body, author.name, expected=seen))
        response.headers["ETag"] = f'"{made.version}"'
        return Standing.model_validate(made)

    return router
