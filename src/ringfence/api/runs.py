"""/api/v1/runs."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict
from starlette.responses import StreamingResponse

from ringfence.api.access import OrganizationId
from ringfence.api.listing import Cursor, Limit, Listing
from ringfence.runs import attachments, history
from ringfence.storage import Database


class Run(BaseModel):
    """One run of a playbook."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    playbook_id: str
    playbook_name: str
    version: str
    alert_id: str | None
    machine_name: str | None
    status: str
    error: str
    requested_at: AwareDatetime
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None


class Step(BaseModel):
    """One step of a run, in one iteration."""

    model_config = ConfigDict(from_attributes=True)

    step: str
    iteration: int
    position: int
    action: str
    status: str
    outcome: str | None
    attempt: int
    input: Any
    output: Any
    error: str
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None


class Line(BaseModel):
    """One line of a run's log."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    step: str | None
    at: AwareDatetime
    level: str
    message: str
    fields: Any


class RunWithSteps(Run):
    """One run with its steps and the newest lines of its log."""

    trigger: Any
    steps: list[Step]
    log: list[Line]


class Attachment(BaseModel):
    """One file that a step left behind; `size` is in bytes."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    step: str
    iteration: int
    name: str
    media_type: str
    size: int
    sha256: str
    created_at: AwareDatetime


def routes(database: Database) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/runs", tags=["runs"])

    @router.get("")
    async def listing(
        organization_id: OrganizationId,
        status: Annotated[list[str] | None, Query()] = None,
        playbook_id: str | None = None,
        alert_id: str | None = None,
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> Listing[Run]:
        page = await database.read(
            lambda tx: history.listing(
                tx,
                organization_id,
                status=tuple(status or ()),
                playbook_id=playbook_id,
                alert_id=alert_id,
                cursor=cursor,
                limit=limit,
            )
        )
        return Listing(items=[Run.model_validate(row) for row in page.rows], next=page.next)

    @router.get("/{run_id}")
    async def one(organization_id: OrganizationId, run_id: str) -> RunWithSteps:
        found = await database.read(lambda tx: history.get(tx, organization_id, run_id))
        return RunWithSteps(
            **Run.model_validate(found.row).model_dump(),
            trigger=found.trigger,
            steps=[Step.model_validate(step) for step in found.steps],
            log=[Line.model_validate(line) for line in found.lines],
        )

    @router.get("/{run_id}/attachments")
    async def files(organization_id: OrganizationId, run_id: str) -> Listing[Attachment]:
        found = await database.read(lambda tx: attachments.listing(tx, organization_id, run_id))
        return Listing(items=[Attachment.model_validate(each) for each in found], next=None)

    @router.get(
        "/{run_id}/attachments/{attachment_id}",
        response_class=StreamingResponse,
        responses={200: {"description": "The file.", "content": {"application/octet-stream": {}}}},
    )
    async def content(organization_id: OrganizationId, run_id: str, attachment_id: str) -> StreamingResponse:
        found = await database.read(lambda tx: attachments.get(tx, organization_id, run_id, attachment_id))
        headers = {"Content-Disposition": attachments.disposition(found), "Content-Length": str(found.size)}
        return StreamingResponse(attachments.pieces(database, found), media_type=found.media_type, headers=headers)

    return router
