"""/api/v1/runs/{id}/rerun: look at what doing a run again would do, and do it."""

from typing import Annotated

from fastapi import APIRouter, Header, Query
from pydantic import BaseModel, ConfigDict, Field

from ringfence.actions.catalogue import discover
from ringfence.api.access import Author, OrganizationId
from ringfence.runs import rerun
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database

_MOST = 50


class RerunPart(BaseModel):
    """One step; `status` is how it ended in the earlier run, `outside` whether doing it again changes something once more."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    action: str
    status: str
    effect: str
    outside: bool


class RerunPreview(BaseModel):
    """What a re-run would do. `steps` null: all of it."""

    model_config = ConfigDict(from_attributes=True)

    run_id: str
    playbook: str
    version: str
    same_version: bool
    steps: list[str] | None
    again: list[RerunPart]
    kept: list[RerunPart]
    sentences: list[str]


class RerunRequest(BaseModel):
    """From which steps on, by which version; without steps all is done again."""

    model_config = ConfigDict(extra="forbid")

    steps: list[str] = Field(default_factory=list, max_length=_MOST)
    newest: bool = Field(False, description="By the newest version instead of the run's own.")


class RerunBegun(BaseModel):
    """The run that does it again."""

    run_id: str


def routes(database: Database) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/runs", tags=["runs"], dependencies=[needs(Permission.RUN_START)])

    @router.get("/{run_id}/rerun")
    async def look(
        organization_id: OrganizationId,
        run_id: str,
        step: Annotated[list[str] | None, Query(max_length=_MOST)] = None,
        newest: bool = False,
    ) -> RerunPreview:
        """Say what doing a run again would do. Every step that would change something once more is named."""
        found = await database.read(
            lambda tx: rerun.look(tx, organization_id, run_id, discover(), steps=step or (), newest=newest)
        )
        return RerunPreview.model_validate(found)

    @router.post("/{run_id}/rerun", status_code=202)
    async def begin(
        author: Author,
        run_id: str,
        wanted: RerunRequest,
        idempotency_key: Annotated[str | None, Header(max_length=rerun.LONGEST_KEY)] = None,
    ) -> RerunBegun:
        """Do a run again: all of it, or from some steps on. The newest version is used where that is asked for."""
        made = await database.run(
            lambda tx: rerun.begin(
                tx,
                author.organization_id,
                run_id,
                discover(),
                by=author.name,
                steps=wanted.steps,
                newest=wanted.newest,
                key=idempotency_key,
            )
        )
        return RerunBegun(run_id=made)

    return router
