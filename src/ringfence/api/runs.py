"""/api/v1/runs."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict
from starlette.responses import Response, StreamingResponse

from ringfence.api.access import OrganizationId
from ringfence.api.listing import Listing, Paged
from ringfence.clock import iso
from ringfence.playbooks.rounds import LARGEST
from ringfence.runs import attachments, detail, history
from ringfence.security.access import needs
from ringfence.security.crypto import Vault
from ringfence.security.rbac import Permission
from ringfence.storage import Database


class Run(BaseModel):
    """One run of a playbook.

    `run_as` is the person or the service in whose name it acts, `run_credential` the session, token or login by which the
    person came. `rerun_from` are the steps from which on `rerun_of` was done again; null: all of it.
    """

    model_config = ConfigDict(from_attributes=True)

    id: str
    playbook_id: str
    playbook_name: str
    version: str
    alert_id: str | None
    machine_id: str | None
    machine_name: str | None
    status: str
    error: str
    requested_at: AwareDatetime
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    trigger_kind: str
    run_as: str
    run_as_kind: str
    run_via: str
    run_credential: str
    rerun_of: str | None
    rerun_from: list[str] | None
    minutes_saved: float | None
    cancel_requested_at: AwareDatetime | None
    cancel_requested_by: str | None
    cancel_reason: str | None


class Attempt(BaseModel):
    """One attempt of a step that is over; `error` is empty where it succeeded."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    started_at: AwareDatetime
    finished_at: AwareDatetime
    error: str


class Step(BaseModel):
    """One step of a run, in one iteration: 0 outside of loops, else which item it is of, from 1.

    `round` says so for people: `3`, `3, 2` for the second item within the third, `try 2` of a call; empty outside of these.
    `error_code` is the one that a `retry` may name, of several errors all with commas between them.

    Sizes are in characters of JSON; what is named in `cut` is too large to be given here, and null: download it.
    """

    model_config = ConfigDict(from_attributes=True)

    step: str
    iteration: int
    round: str
    position: int
    action: str
    status: str
    outcome: str | None
    attempt: int
    attempts: list[Attempt]
    input: Any
    output: Any
    input_size: int
    output_size: int
    cut: list[str]
    masked: bool
    error: str
    error_code: str
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    wake_at: AwareDatetime | None
    waits_for: list[str]


class Line(BaseModel):
    """One line of a run's log."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    step: str | None
    at: AwareDatetime
    level: str
    message: str
    fields: Any


class Again(BaseModel):
    """A run that did this one again."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    status: str
    requested_at: AwareDatetime
    run_as: str
    rerun_from: list[str] | None


class RunWithSteps(Run):
    """One run with its steps and the newest lines of its log; there are `step_count` steps in all."""

    trigger: Any
    steps: list[Step]
    step_count: int
    log: list[Line]
    older_lines: bool
    again: list[Again]


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


Moment = Annotated[AwareDatetime | None, Query(description="ISO 8601 with a time zone.")]


def routes(database: Database, vault: Vault) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/runs", tags=["runs"], dependencies=[needs(Permission.RUN_READ)])

    @router.get("")
    async def listing(
        organization_id: OrganizationId,
        paging: Paged,
        status: Annotated[list[str] | None, Query()] = None,
        playbook_id: str | None = None,
        playbook: Annotated[str | None, Query(description="A playbook's id or whole name.")] = None,
        version: Annotated[str | None, Query(description="As major.minor, e.g. 1.3.")] = None,
        alert_id: str | None = None,
        machine: Annotated[str | None, Query(description="A machine's id, or part of its name.")] = None,
        trigger: Annotated[list[str] | None, Query(description="What started it, e.g. manual.")] = None,
        since: Moment = None,
        until: Moment = None,
    ) -> Listing[Run]:
        """List executions, the newest first. Filters of different kinds all have to fit."""
        filters = history.Filters(
            status=tuple(status or ()),
            playbook=playbook_id if playbook is None else playbook,
            version=version,
            alert_id=alert_id,
            machine=machine,
            triggers=tuple(trigger or ()),
            since=since,
            until=until,
        )
        page = await database.read(
            lambda tx: history.listing(tx, organization_id, vault, filters, cursor=paging.cursor, limit=paging.limit)
        )
        return paging.listing([Run.model_validate(row) for row in page.rows], page.next)

    @router.get("/{run_id}")
    async def one(
        organization_id: OrganizationId,
        run_id: str,
        whole: Annotated[bool, Query(description="Leave nothing out, however much it is.")] = False,
    ) -> RunWithSteps:
        """Show one run with its steps and the newest lines of its log.

        Values that are too large are left out and named.
        """
        found = await database.read(lambda tx: detail.get(tx, organization_id, run_id, vault, whole=whole))
        return RunWithSteps(
            **Run.model_validate(found.row).model_dump(),
            trigger=found.trigger,
            steps=[Step.model_validate(step) for step in found.steps],
            step_count=found.step_count,
            log=[Line.model_validate(line) for line in found.lines],
            older_lines=found.older_lines,
            again=[Again.model_validate(each) for each in found.again],
        )

    @router.get(
        "/{run_id}/steps/{step}/{iteration}/{side}",
        response_class=Response,
        responses={200: {"description": "The whole value.", "content": {"application/json": {}}}},
    )
    async def value(
        organization_id: OrganizationId,
        run_id: str,
        step: str,
        iteration: Annotated[int, Path(ge=0, le=LARGEST)],
        side: Literal["input", "output"],
    ) -> Response:
        """Return one whole value of a step. What the playbook masks stays hidden."""
        text = await database.read(lambda tx: detail.value(tx, organization_id, run_id, step, iteration, side, vault))
        name = "".join(each for each in step if each.isascii() and (each.isalnum() or each == "_"))[:64]
        headers = {"Content-Disposition": f'attachment; filename="{name}-{iteration}-{side}.json"'}
        return Response(text, media_type="application/json", headers=headers)

    @router.get("/{run_id}/attachments")
    async def files(organization_id: OrganizationId, paging: Paged, run_id: str) -> Listing[Attachment]:
        """List the files that the steps of a run left behind. Each comes with its hash."""
        found = await database.read(lambda tx: attachments.listing(tx, organization_id, run_id))
        return paging.of(found, Attachment.model_validate, key=lambda each: (iso(each.created_at), each.id))

    @router.get(
        "/{run_id}/attachments/{attachment_id}",
        response_class=StreamingResponse,
        responses={200: {"description": "The file.", "content": {"application/octet-stream": {}}}},
    )
    async def content(organization_id: OrganizationId, run_id: str, attachment_id: str) -> StreamingResponse:
        """Return one file that a step left behind. It is sent as a download."""
        found = await database.read(lambda tx: attachments.get(tx, organization_id, run_id, attachment_id))
        headers = {"Content-Disposition": attachments.disposition(found), "Content-Length": str(found.size)}
        return StreamingResponse(attachments.pieces(database, found), media_type=found.media_type, headers=headers)

    return router
