"""/api/v1/playbooks."""

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict

from ringfence.api.access import OrganizationId
from ringfence.api.listing import Listing
from ringfence.playbooks import library
from ringfence.storage import Database, Transaction


class Playbook(BaseModel):
    """One playbook with its newest version."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    state: str
    version: str
    version_id: str
    published_at: AwareDatetime
    published_by: str
    created_at: AwareDatetime
    updated_at: AwareDatetime


class PlaybookWithSource(Playbook):
    """One playbook with the YAML of its newest version."""

    source: str


def routes(database: Database) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/playbooks", tags=["playbooks"])

    @router.get("")
    async def listing(organization_id: OrganizationId) -> Listing[Playbook]:
        found = await database.read(lambda tx: library.every(tx, organization_id))
        return Listing(items=[Playbook.model_validate(each) for each in found], next=None)

    @router.get("/{playbook_id}")
    async def one(organization_id: OrganizationId, playbook_id: str) -> PlaybookWithSource:
        def look(tx: Transaction) -> PlaybookWithSource:
            found = library.get(tx, organization_id, playbook_id)
            named = Playbook.model_validate(found).model_dump()
            return PlaybookWithSource(**named, source=library.source_of(tx, organization_id, found.version_id))

        return await database.read(look)

    return router
