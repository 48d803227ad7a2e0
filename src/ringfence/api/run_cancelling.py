"""/api/v1/runs/{id}/cancel: end a run before its time."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from ringfence.api.access import Author
from ringfence.runs import cancelling
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database


class Cancelling(BaseModel):
    """Why a run is to end."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field("", max_length=500, description="Why, in a few words; it is kept.")


class Cancelled(BaseModel):
    """Where the run stands now: `cancelled`, or still on its way there."""

    run_id: str
    status: str


def routes(database: Database) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/runs", tags=["runs"], dependencies=[needs(Permission.RUN_CANCEL)])

    @router.post("/{run_id}/cancel", status_code=202)
    async def cancel(author: Author, run_id: str, given: Cancelling) -> Cancelled:
        """Cancel a run. Steps that are on their way end first; what was contained is let go as the playbook says."""
        status = await database.run(
            lambda tx: cancelling.request(
                tx, author.organization_id, run_id, by=author.name, reason=given.reason.strip()
            )
        )
        return Cancelled(run_id=run_id, status=status.value)

    return router
